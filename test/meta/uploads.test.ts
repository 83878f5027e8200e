import t from 'tap'
import { type FaultCode, isFault } from '../../src/base/faults.ts'
import { NULL_VERSION, type ObjectKey } from '../../src/base/ids.ts'
import type { ObjectPart } from '../../src/base/model.ts'
import type { PartCommit } from '../../src/engine/ports/catalogue.ts'
import { asUpload, attributes, brokenReferences, commit, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner, sql } = fixture
const { catalogue } = meta

const refusedAs = async (work: Promise<unknown>, code: FaultCode) =>
  await work.then(
    () => false,
    (error) => isFault(error, code) || Promise.reject(error),
  )
const isDoomed = async (part: PartCommit) =>
  (await sql('select from doomed_parts where part_id = $1', [part.part!.partId])).length === 1
const toObjectPart = (p: PartCommit): ObjectPart => ({
  number: p.number,
  partId: p.part?.partId,
  sizeBytes: p.sizeBytes,
  checksum: p.checksum?.value,
})
async function open(key: string) {
  const upload = newUpload(bucket, key, owner.id)
  const { initiatedAt } = await catalogue.createUpload(upload, live)
  const put = async (number: number, more: Partial<PartCommit> = {}) => {
    const part = partCommit(upload, number, more)
    return { part, ...(await catalogue.commitPart(part, live)) }
  }
  const complete = (parts: PartCommit[], condition = {}) =>
    catalogue.completeUpload(
      {
        upload: asUpload(upload),
        sizeBytes: parts.reduce((sum, p) => sum + p.sizeBytes, 0),
        etag: `${'a'.repeat(32)}-${parts.length}`,
        checksum: { algorithm: 'CRC32', value: 'BBBBBB==', type: 'FULL_OBJECT' },
        parts: parts.map(toObjectPart),
        condition,
      },
      live,
    )
  const ref = { bucketId: bucket.id, key: upload.key, uploadId: upload.uploadId }
  return { upload, ref, initiatedAt, put, complete }
}

t.test('multipart: from parts to object', async (t) => {
  const { upload, ref, initiatedAt, put, complete } = await open('whole')
  t.same(await catalogue.findUpload(ref, live), { ...upload, initiatedAt, state: 'open' })
  t.same(await catalogue.createUpload(upload, live), { initiatedAt }, 'a repeated call changes nothing')
  const checksum = { algorithm: 'CRC32', value: 'CCCCCC==', type: 'FULL_OBJECT' } as const
  const { part: one, modifiedAt } = await put(1, { checksum })
  const { part: three } = await put(3)
  const { part: empty } = await put(4, { sizeBytes: 0, part: undefined })
  const { part: unlisted } = await put(7)
  const { part: hurt } = await put(9)
  const { part: replacement } = await put(9)
  t.ok(await isDoomed(hurt), 'a part of the same number is replaced')
  t.same(await catalogue.listParts({ uploadId: upload.uploadId, after: 0, rowsMax: 1 }, live), {
    parts: [{ number: 1, partId: one.part!.partId, sizeBytes: 5, etag: one.etag, checksum, modifiedAt }],
    isTruncated: true,
    nextNumber: 1,
  })
  const rest = await catalogue.listParts({ uploadId: upload.uploadId, after: 1, rowsMax: 4 }, live)
  t.same([rest.parts.map((p) => p.number), rest.isTruncated], [[3, 4, 7, 9], false])

  await catalogue.commitObject(commit(bucket, 'whole'), live)
  const { object } = await complete([one, three, empty])
  t.ok((await isDoomed(unlisted)) && (await isDoomed(replacement)))
  const found = await catalogue.findObject(
    { bucket: bucket.name, key: upload.key, versionId: undefined, withLayouts: true },
    live,
  )
  t.match(found.object, { isMultipart: true, sizeBytes: 10, etag: object.etag, attributes, versionId: NULL_VERSION })
  t.same(found.object?.parts, [one, three, empty].map(toObjectPart))
  t.same(found.layouts, [one.part, three.part])
  t.same(await sql(brokenReferences), [])

  t.same(await complete([one]), { object }, 'completed again: the first answer')
  t.same(await catalogue.findCompletion(upload.uploadId, live), object)
  t.equal((await catalogue.findUpload(ref, live))?.state, 'completed')
  t.ok(await refusedAs(put(1), 'NoSuchUpload'))
  t.ok(await refusedAs(catalogue.abortUpload(ref, live), 'NoSuchUpload'))
})

t.test('completeUpload: refuses what is not what it looked at, and conditions that fail', async (t) => {
  const { put, complete, upload } = await open('refused')
  const { part: old } = await put(1)
  const { part } = await put(1)
  const error = await complete([part, partCommit(upload, 2)]).catch((e) => e)
  t.ok(isFault(error, 'InvalidPart') && error.detail.partNumber === 2)
  t.ok(await refusedAs(complete([old]), 'InvalidPart'), 'replaced meanwhile')
  t.ok(await refusedAs(complete([part], { ifMatch: 'x' }), 'NoSuchKey'))
  await catalogue.commitObject(commit(bucket, 'refused'), live)
  t.ok(await refusedAs(complete([part], { ifNoneMatch: '*' }), 'PreconditionFailed'))
  await complete([part], { ifMatch: '*' })
  t.same(await sql(brokenReferences), [])
})

t.test('commitPart: repeated it gives the first answer, also when it was replaced since', async (t) => {
  const { put } = await open('repeat')
  const first = await put(1)
  t.equal(+(await catalogue.commitPart(first.part, live)).modifiedAt, +first.modifiedAt)
  await put(1)
  t.equal(+(await catalogue.commitPart(first.part, live)).modifiedAt, +first.modifiedAt)
  t.same(await sql(brokenReferences), [])
})

t.test('abortUpload: dooms the parts; what is unknown, or of another key, is refused', async (t) => {
  const { ref, put, complete } = await open('aborted')
  const { part } = await put(1)
  t.ok(await refusedAs(catalogue.abortUpload({ ...ref, key: 'other' as ObjectKey }, live), 'NoSuchUpload'))
  await catalogue.abortUpload(ref, live)
  t.ok(await isDoomed(part))
  t.ok(await refusedAs(catalogue.abortUpload(ref, live), 'NoSuchUpload'))
  t.ok(await refusedAs(put(2), 'NoSuchUpload'))
  t.ok(await refusedAs(complete([part]), 'NoSuchUpload'))
  t.equal(await catalogue.findUpload(ref, live), undefined)
})

t.test('deleteBucket: open uploads do not count, and are aborted', async (t) => {
  const doomed = await catalogue.createBucket(
    { name: 'short-lived' as typeof bucket.name, ownerId: owner.id, region: '' },
    live,
  )
  const upload = newUpload(doomed, 'k', owner.id)
  await catalogue.createUpload(upload, live)
  const part = partCommit(upload, 1)
  await catalogue.commitPart(part, live)
  await catalogue.deleteBucket(doomed, live)
  t.ok(await isDoomed(part))
  t.ok(await refusedAs(catalogue.commitPart(partCommit(upload, 2), live), 'NoSuchUpload'))
  t.ok(await refusedAs(catalogue.createUpload(newUpload(doomed, 'k', owner.id), live), 'NoSuchBucket'))
})

/** Lets minutes pass for all uploads: the database's clock cannot be set, and waiting would make the test one of speed. */
async function age(minutes: number): Promise<void> {
  await sql(`update upload_sessions set expires_at = expires_at - interval '${minutes} minutes'`)
}

t.test('uploads expire a while after their last part, and are swept', async (t) => {
  const short = await fixture.connect({ uploadTtlMs: 3_600_000 })
  const { catalogue } = short
  const [idle, busy] = [newUpload(bucket, 'idle', owner.id), newUpload(bucket, 'busy', owner.id)]
  await catalogue.createUpload(idle, live)
  await catalogue.createUpload(busy, live)
  const part = partCommit(idle, 1)
  await catalogue.commitPart(part, live)
  await age(40)
  await catalogue.commitPart(partCommit(busy, 1), live)
  await age(40)
  const ref = (u: typeof idle) => ({ bucketId: bucket.id, key: u.key, uploadId: u.uploadId })
  t.equal(await catalogue.findUpload(ref(idle), live), undefined)
  t.ok(await refusedAs(catalogue.commitPart(partCommit(idle, 2), live), 'NoSuchUpload'))
  t.ok(await catalogue.findUpload(ref(busy), live), 'prolonged by its part')
  t.equal(await short.upkeep.expireUploads(100, live), 1)
  t.ok(await isDoomed(part))
  t.equal(await short.upkeep.expireUploads(100, live), 0)
  t.same(await sql(brokenReferences), [])
})
