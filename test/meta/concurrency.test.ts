import t from 'tap'
import { type FaultCode, isFault } from '../../src/base/faults.ts'
import type { BucketName, ObjectKey } from '../../src/base/ids.ts'
import type { Bucket } from '../../src/base/model.ts'
import type { PartCommit } from '../../src/engine/ports/catalogue.ts'
import { asUpload, attributes, brokenReferences, commit, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { bucket, owner, sql } = fixture
/** Several gateways. */
const gateways = [fixture.meta, await fixture.connect(), await fixture.connect()]
const pick = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)]!
const anyCatalogue = () => pick(gateways).catalogue
const tolerating = async (work: Promise<unknown>, ...codes: FaultCode[]) =>
  await work.catch((error) => {
    if (!codes.some((code) => isFault(error, code))) throw error
  })
const deadlocks = async () => {
  const [row] = await sql('select deadlocks::int as n from pg_stat_database where datname = current_database()')
  return row!.n as number
}

t.test('a hundred racing If-None-Match: one wins', async (t) => {
  for (let round = 0; round < 5; round++) {
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () =>
        anyCatalogue().commitObject(commit(bucket, `race/${round}`, { condition: { ifNoneMatch: '*' } }), live),
      ),
    )
    t.equal(results.filter((r) => r.status === 'fulfilled').length, 1)
    t.ok(results.every((r) => r.status === 'fulfilled' || isFault(r.reason, 'PreconditionFailed')))
  }
})

t.test('racing If-Match: each state is replaced once', async (t) => {
  const first = commit(bucket, 'cas')
  await anyCatalogue().commitObject(first, live)
  let etag = first.etag
  for (let round = 0; round < 10; round++) {
    const tries = Array.from({ length: 10 }, () => commit(bucket, 'cas', { condition: { ifMatch: etag } }))
    const results = await Promise.allSettled(tries.map((c) => anyCatalogue().commitObject(c, live)))
    const won = tries.filter((_, n) => results[n]!.status === 'fulfilled')
    t.equal(won.length, 1)
    etag = won[0]!.etag
  }
})

t.test('racing overwrites, deletes, copies, uploads: references stay true, and nothing deadlocks', async (t) => {
  const other = await anyCatalogue().createBucket({ name: 'second' as BucketName, ownerId: owner.id, region: '' }, live)
  const before = await deadlocks()
  const keys = Array.from({ length: 8 }, (_, n) => `k${n}` as ObjectKey)
  const anyBucket = () => pick([bucket, other])
  const put = () => anyCatalogue().commitObject(commit(anyBucket(), pick(keys)), live)
  const remove = () => {
    const some = keys.filter(() => Math.random() < 0.4)
    return anyCatalogue().deleteObjects(
      anyBucket().id,
      some.map((key) => ({ key })),
      live,
    )
  }
  async function copy() {
    const catalogue = anyCatalogue()
    const { object } = await catalogue.findObject(
      { bucket: anyBucket().name, key: pick(keys), versionId: undefined },
      live,
    )
    if (!object) return
    const target = { bucketId: anyBucket().id, key: pick(keys), attributes, condition: {} }
    await tolerating(catalogue.copyObject({ source: object, ...target }, live), 'NoSuchKey', 'PreconditionFailed')
  }
  async function multipart() {
    const catalogue = anyCatalogue()
    const upload = newUpload(anyBucket(), pick(keys), owner.id)
    await catalogue.createUpload(upload, live)
    const parts = [1, 2, 2, 3].map((number) => partCommit(upload, number))
    await Promise.all(parts.map((p) => catalogue.commitPart(p, live)))
    const listed = (await catalogue.listParts({ uploadId: upload.uploadId, after: 0, rowsMax: 9 }, live)).parts
    const wanted = listed
      .slice(0, 2)
      .map((p) => ({ number: p.number, partId: p.partId, sizeBytes: 5, checksum: undefined }))
    const complete = () =>
      catalogue.completeUpload(
        { upload: asUpload(upload), sizeBytes: 10, etag: 'e-2', checksum: undefined, parts: wanted, condition: {} },
        live,
      )
    const abort = () =>
      catalogue.abortUpload({ bucketId: upload.bucketId, key: upload.key, uploadId: upload.uploadId }, live)
    await Promise.all([
      tolerating(complete(), 'NoSuchUpload', 'InvalidPart'),
      Math.random() < 0.5 ? tolerating(abort(), 'NoSuchUpload') : undefined,
      tolerating(catalogue.commitPart(partCommit(upload, 1), live), 'NoSuchUpload'),
    ])
  }
  async function worker() {
    for (let n = 0; n < 40; n++) await pick([put, put, put, remove, copy, copy, multipart])()
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  t.same(await sql(brokenReferences), [])
  await sql('select pg_stat_force_next_flush()')
  t.equal(await deadlocks(), before)
  t.same(await sql('select bucket_id, key from objects where is_latest group by 1, 2 having count(*) > 1'), [])
})

t.test('DeleteBucket racing PutObject: either the bucket stays, or the put is refused', async (t) => {
  for (let round = 0; round < 30; round++) {
    const doomed: Bucket = await anyCatalogue().createBucket(
      { name: `race-${round}` as BucketName, ownerId: owner.id, region: '' },
      live,
    )
    const upload = newUpload(doomed, 'u', owner.id)
    const part: PartCommit = partCommit(upload, 1)
    const [put, removed] = await Promise.allSettled([
      anyCatalogue().commitObject(commit(doomed, 'k'), live),
      anyCatalogue().deleteBucket(doomed, live),
      tolerating(
        anyCatalogue()
          .createUpload(upload, live)
          .then(() => anyCatalogue().commitPart(part, live)),
        'NoSuchBucket',
        'NoSuchUpload',
      ),
    ])
    t.not(put.status, removed.status, 'one of the two')
    const left = await sql(
      'select from objects where bucket_id = $1 union all select from upload_sessions where bucket_id = $1 and $2',
      [doomed.id, removed.status === 'fulfilled'],
    )
    t.equal(left.length, put.status === 'fulfilled' ? 1 : 0)
  }
  t.same(await sql(brokenReferences), [])
})

t.test('giving a part up races its commit: one of them holds', async (t) => {
  for (let round = 0; round < 20; round++) {
    const wanted = commit(bucket, `give-up/${round}`)
    const [put] = await Promise.allSettled([
      anyCatalogue().commitObject(wanted, live),
      anyCatalogue().doomUncommitted([wanted.part!], live),
    ])
    const doomed = await sql('select from doomed_parts where part_id = $1', [wanted.part!.partId])
    t.equal(doomed.length, put.status === 'fulfilled' ? 0 : 1)
  }
  t.same(await sql(brokenReferences), [])
})
