import t, { type Test } from 'tap'
import { isFault } from '../../src/base/faults.ts'
import type { BucketName, ObjectKey, VersionId } from '../../src/base/ids.ts'
import type { Bucket, BucketSettings, ObjectExtras, ObjectVersion, Versioning } from '../../src/base/model.ts'
import type { ObjectRename } from '../../src/engine/ports/renames.ts'
import { attributes, brokenReferences, commit, layout, live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql } = fixture
const { catalogue } = meta
let serial = 0

async function newBucket(versioning: Versioning = '', settings: BucketSettings = {}): Promise<Bucket> {
  const name = `bucket-${++serial}` as BucketName
  return await catalogue.createBucket({ name, ownerId: owner.id, region: '', versioning, settings }, live)
}
const find = async (bucket: Bucket, key: string, versionId?: VersionId) =>
  (await catalogue.findObject({ bucket: bucket.name, key: key as ObjectKey, versionId }, live)).object
async function put(bucket: Bucket, key: string, extras?: ObjectExtras): Promise<ObjectVersion> {
  await catalogue.commitObject(commit(bucket, key, { extras }), live)
  return (await find(bucket, key))!
}
const rename = (source: ObjectVersion, key: string, more: Partial<ObjectRename> = {}) =>
  catalogue.renameObject({ source, key: key as ObjectKey, condition: {}, ...more }, live)
const versionsOf = async (bucket: Bucket) => {
  const query = { bucketId: bucket.id, prefix: '', delimiter: '', afterKey: '', afterVersionId: '', rowsMax: 100 }
  const { versions } = await catalogue.listVersions(query, live)
  return versions.map(({ key, isLatest, isDeleteMarker }) => [key, isLatest, isDeleteMarker])
}
const isSound = async (t: Test) => t.same(await sql(brokenReferences), [], 'all references are true')
const token = (name: string, request = 'a') => ({ name, request })

t.test(
  'renameObject: without versions the whole row gets the other key, its time included; the target is replaced',
  async (t) => {
    const bucket = await newBucket()
    const extras: ObjectExtras = {
      tags: [['a', 'b']],
      encryption: { kind: 'AES256', sealedKey: 'sealed', sealedBy: '1' },
      access: { ownerId: owner.id },
    }
    const source = await put(bucket, 'from', extras)
    const replaced = await put(bucket, 'to')
    await sql(`update objects set committed_at = committed_at - interval '3 days' where key = 'from'`)
    const old = (await find(bucket, 'from'))!
    t.same(await rename(old, 'to'), { versionId: 'null' })
    t.same(await find(bucket, 'to'), { ...old, key: 'to' })
    t.same(old.parts, source.parts)
    t.equal(await find(bucket, 'from'), undefined)
    t.same(await sql('select part_id from doomed_parts'), [{ part_id: replaced.parts[0]!.partId }])
    await isSound(t)
  },
)

t.test(
  'renameObject: with versions the source stays under a delete marker; the target is a new version, of now',
  async (t) => {
    const bucket = await newBucket('Enabled')
    const source = await put(bucket, 'from')
    await put(bucket, 'to')
    await sql(`update objects set committed_at = committed_at - interval '3 days' where key = 'from'`)
    const old = (await find(bucket, 'from'))!
    const renamed = await rename(old, 'to')
    const made = (await find(bucket, 'to'))!
    t.equal(made.versionId, renamed!.versionId)
    t.not(made.versionId, source.versionId)
    t.same([made.etag, made.parts], [old.etag, old.parts])
    t.ok(made.committedAt.getTime() > old.committedAt.getTime() + 86_400_000, 'its time is new')
    t.same(await find(bucket, 'from', source.versionId), old)
    t.same(await versionsOf(bucket), [
      ['from', true, true],
      ['from', false, false],
      ['to', true, false],
      ['to', false, false],
    ])
    await isSound(t)
  },
)

t.test('renameObject: where versions are suspended, null versions give way, others stay', async (t) => {
  const bucket = await newBucket()
  await put(bucket, 'from')
  await catalogue.setVersioning({ bucket, versioning: 'Enabled' }, live)
  const source = await put(bucket, 'from')
  await put(bucket, 'to')
  await catalogue.setVersioning({ bucket, versioning: 'Suspended' }, live)
  t.same(await rename(source, 'to'), { versionId: 'null' })
  t.same(await versionsOf(bucket), [
    ['from', true, true],
    ['from', false, false],
    ['to', true, false],
    ['to', false, false],
  ])
  t.ok(await find(bucket, 'from', source.versionId), 'the version that has a name stays')
  const again = (await find(bucket, 'to'))!
  t.same(await rename(again, 'third'), { versionId: 'null' })
  t.equal(await find(bucket, 'to', 'null' as VersionId), undefined)
  await isSound(t)
})

t.test(
  'renameObject: a source that an object lock holds keeps its name; one that is free does not take its lock along',
  async (t) => {
    const bucket = await newBucket('Enabled', { objectLock: {} })
    for (const lock of [
      { legalHold: true },
      { mode: 'GOVERNANCE', retainDays: 1 } as const,
      { mode: 'COMPLIANCE', retainUntil: new Date(Date.now() + 86_400_000).toISOString() } as const,
    ]) {
      const key = `held-${++serial}`
      const held = await put(bucket, key, { lock })
      await t.rejects(rename(held, 'free'), { code: 'AccessDenied', detail: { isLocked: true } }, JSON.stringify(lock))
      t.same(await find(bucket, key), held)
    }
    t.equal(await find(bucket, 'free'), undefined)
    const over = await put(bucket, 'over', { lock: { legalHold: false } })
    await rename(over, 'renamed', { lock: { mode: 'GOVERNANCE', retainDays: 2 } })
    t.same((await find(bucket, 'renamed'))!.extras, { lock: { mode: 'GOVERNANCE', retainDays: 2 } })
    t.same((await find(bucket, 'over', over.versionId))!.extras, over.extras)
  },
)

t.test('renameObject: conditions on the target; a source that is another by now, or gone', async (t) => {
  const bucket = await newBucket()
  const source = await put(bucket, 'from')
  const target = await put(bucket, 'to')
  const seconds = (n: number) => new Date(Math.floor(target.committedAt.getTime() / 1000) * 1000 + n * 1000)
  const failing: [key: string, condition: ObjectRename['condition'], failed: string][] = [
    ['to', { ifNoneMatch: '*' }, 'If-None-Match'],
    ['to', { ifMatch: source.etag }, 'If-Match'],
    ['to', { modifiedSince: seconds(0) }, 'If-Modified-Since'],
    ['to', { unmodifiedSince: seconds(-1) }, 'If-Unmodified-Since'],
    ['none', { ifMatch: '*' }, 'If-Match'],
    ['none', { modifiedSince: new Date(0) }, 'If-Modified-Since'],
  ]
  for (const [key, condition, failed] of failing) {
    const refused = { code: 'PreconditionFailed', detail: { condition: failed } }
    await t.rejects(rename(source, key, { condition }), refused, `${key} ${failed}`)
  }
  t.same([await find(bucket, 'from'), await find(bucket, 'to')], [source, target], 'nothing has happened')
  t.equal(await rename({ ...source, etag: 'another' }, 'to'), undefined)
  t.equal(await rename({ ...source, committedAt: new Date(0) }, 'to'), undefined)
  t.ok(await rename(source, 'to', { condition: { ifMatch: target.etag, modifiedSince: seconds(-1) } }))
  await t.rejects(rename(source, 'to'), { code: 'NoSuchKey', detail: { key: 'from' } })
  const renamed = (await find(bucket, 'to'))!
  t.ok(
    await rename(renamed, 'none', { condition: { unmodifiedSince: new Date(0) } }),
    'what is not there is not modified',
  )
  await isSound(t)
})

t.test('renameObject: with a token it is done once, and never by another request', async (t) => {
  const bucket = await newBucket('Enabled')
  const source = await put(bucket, 'from')
  const [first, second] = await Promise.all([1, 2].map(() => rename(source, 'to', { token: token('t') })))
  t.ok(first)
  t.same(second, first, 'at once')
  t.same(await rename(source, 'to', { token: token('t') }), first, 'later')
  t.same(await catalogue.findRename({ bucketId: bucket.id, token: token('t') }, live), first)
  t.equal(await catalogue.findRename({ bucketId: bucket.id, token: token('other') }, live), undefined)
  const mismatch = { code: 'IdempotencyParameterMismatch' }
  await t.rejects(catalogue.findRename({ bucketId: bucket.id, token: token('t', 'b') }, live), mismatch)
  const another = await put(bucket, 'another')
  await t.rejects(rename(another, 'third', { token: token('t', 'b') }), mismatch)
  t.same((await versionsOf(bucket)).length, 4, 'a version, its marker, the target; and one that was not renamed')
  await sql(`update rename_tokens set made_at = made_at - interval '25 hours'`)
  await rename(another, 'third', { token: token('u') })
  t.same(await sql('select token from rename_tokens'), [{ token: 'u' }], 'what is old is forgotten')
})

t.test('renameObject: racing for one target, and of one source: one wins, and references stay true', async (t) => {
  const bucket = await newBucket()
  const sources = await Promise.all(Array.from({ length: 100 }, (_, n) => put(bucket, `from-${n}`)))
  const forOne = await Promise.allSettled(
    sources.map((source) => rename(source, 'target', { condition: { ifNoneMatch: '*' } })),
  )
  t.equal(forOne.filter(({ status }) => status === 'fulfilled').length, 1)
  t.ok(forOne.every((each) => each.status === 'fulfilled' || isFault(each.reason, 'PreconditionFailed')))
  const source = (await find(bucket, 'target'))!
  const ofOne = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => rename(source, `to-${n}`)))
  t.equal(ofOne.filter(({ status }) => status === 'fulfilled').length, 1)
  t.ok(ofOne.every((each) => each.status === 'fulfilled' || isFault(each.reason, 'NoSuchKey')))
  t.equal((await versionsOf(bucket)).length, 100, 'every object is there under one name')
  // In a circle, both ways: nothing waits for ever.
  const ring = await Promise.all(['x', 'y', 'z'].map((key) => put(bucket, key)))
  await Promise.allSettled(ring.flatMap((one, n) => [1, 2].map((step) => rename(one, 'xyz'[(n + step) % 3]!))))
  await isSound(t)
})

t.test('renameObject: what is told of it: created, and removed', async (t) => {
  const rule = { id: 'r', kind: 'Queue', target: 'arn', events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] } as const
  for (const [versioning, removed] of [
    ['', 'ObjectRemoved:Delete'],
    ['Enabled', 'ObjectRemoved:DeleteMarkerCreated'],
  ] as const) {
    const bucket = await newBucket(versioning, { notification: [rule] })
    const source = await put(bucket, 'from')
    await rename(source, 'to', { origin: { requestId: 'this one' } })
    const told = await sql(
      `select event_name, key, etag from event_outbox where bucket_id = $1 and origin->>'requestId' = 'this one' order by key`,
      [bucket.id],
    )
    t.same(told, [
      { event_name: removed, key: 'from', etag: null },
      { event_name: 'ObjectCreated:Copy', key: 'to', etag: source.etag },
    ])
  }
})

t.test(
  'copyObject: another object of the same ETag and time that was renamed to the source’s key is not copied',
  async (t) => {
    const bucket = await newBucket()
    const looked = await put(bucket, 'b')
    const other = commit(bucket, 'a', { etag: looked.etag, part: layout() })
    await catalogue.commitObject(other, live)
    await sql('update objects set committed_at = $1 where bucket_id = $2', [looked.committedAt, bucket.id])
    await rename((await find(bucket, 'a'))!, 'b')
    const copy = { source: looked, bucketId: bucket.id, key: 'copy' as ObjectKey, attributes, condition: {} }
    await t.rejects(catalogue.copyObject(copy, live), { code: 'PreconditionFailed' })
    await isSound(t)
  },
)
