import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import { type BucketName, NULL_VERSION, type ObjectKey, type ServerNumber } from '../../src/base/ids.ts'
import type { ObjectVersion } from '../../src/base/model.ts'
import { commitObjects } from '../../src/meta/queries/commit-objects.ts'
import { attributes, brokenReferences, commit, layout, live, newPartId, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner, sql } = fixture
const { catalogue } = meta

const key = (name: string) => name as ObjectKey
const find = (name: string, inBucket = bucket.name) =>
  catalogue.findObject({ bucket: inBucket, key: key(name), versionId: undefined, withLayouts: true }, live)
const refusedAs = async (work: Promise<unknown>, code: Parameters<typeof isFault>[1]) =>
  await work.then(
    () => false,
    (error) => isFault(error, code) || Promise.reject(error),
  )
const makeBucket = (name: string) =>
  catalogue.createBucket({ name: name as BucketName, ownerId: owner.id, region: 'eu' }, live)

t.test('commitObject: what was committed is found whole', async (t) => {
  const wanted = commit(bucket, 'a + b/ü😀')
  const answer = await catalogue.commitObject(wanted, live)
  const found = await find('a + b/ü😀')
  t.same(found.bucket, bucket)
  t.same(found.layouts, [wanted.part])
  t.same(found.object, {
    bucketId: bucket.id,
    key: wanted.key,
    versionId: NULL_VERSION,
    sizeBytes: 5,
    etag: wanted.etag,
    committedAt: answer.committedAt,
    attributes,
    checksum: wanted.checksum,
    isMultipart: false,
    parts: [{ number: 1, partId: wanted.part!.partId, sizeBytes: 5, checksum: undefined }],
  } satisfies ObjectVersion)
  const version = { bucket: bucket.name, key: wanted.key, versionId: answer.versionId }
  t.same(await catalogue.findObject({ ...version, withLayouts: true }, live), found, 'by version too')
  t.same(await catalogue.findObject(version, live), { ...found, layouts: [] }, 'and without its layouts')
})

t.test('commitObject: an object without bytes has a part without id', async (t) => {
  await catalogue.commitObject(commit(bucket, 'empty', { sizeBytes: 0, part: undefined, checksum: undefined }), live)
  const { object, layouts } = await find('empty')
  t.same(object?.parts, [{ number: 1, partId: undefined, sizeBytes: 0, checksum: undefined }])
  t.same(layouts, [])
})

t.test('commitObject: overwriting dooms what was there, and a late reader still finds its layout', async (t) => {
  const first = commit(bucket, 'twice')
  await catalogue.commitObject(first, live)
  await catalogue.commitObject(commit(bucket, 'twice'), live)
  t.same(await catalogue.findParts([newPartId(), first.part!.partId], live), [undefined, first.part])
  t.equal((await sql('select * from doomed_parts where part_id = $1', [first.part!.partId])).length, 1)
})

t.test('commitObject: conditions are judged in the commit', async (t) => {
  t.ok(
    await refusedAs(catalogue.commitObject(commit(bucket, 'cond', { condition: { ifMatch: '*' } }), live), 'NoSuchKey'),
  )
  const first = commit(bucket, 'cond', { condition: { ifNoneMatch: '*' } })
  await catalogue.commitObject(first, live)
  const put = (condition: object) => catalogue.commitObject(commit(bucket, 'cond', { condition }), live)
  t.ok(await refusedAs(put({ ifNoneMatch: '*' }), 'PreconditionFailed'))
  t.ok(await refusedAs(put({ ifMatch: 'other' }), 'PreconditionFailed'))
  t.equal((await find('cond')).object?.etag, first.etag)
  await put({ ifMatch: first.etag })
  await put({ ifMatch: '*' })
  await catalogue.deleteObjects(bucket.id, [{ key: key('cond') }], live)
  await put({ ifNoneMatch: '*' })
})

t.test('commitObject: a repeated commit gives the first answer, also when it was overwritten since', async (t) => {
  const wanted = commit(bucket, 'again', { condition: { ifNoneMatch: '*' } })
  const first = await catalogue.commitObject(wanted, live)
  t.same(await catalogue.commitObject(wanted, live), first)
  const newer = commit(bucket, 'again')
  await catalogue.commitObject(newer, live)
  t.same(await catalogue.commitObject(wanted, live), first)
  t.equal((await find('again')).object?.etag, newer.etag, 'and changes nothing')
})

t.test('commitObject: one refusal in a batch leaves the others alone', async (t) => {
  const gone = await makeBucket('gone-soon')
  await catalogue.deleteBucket(gone, live)
  const results = await Promise.allSettled([
    catalogue.commitObject(commit(bucket, 'mixed/1'), live),
    catalogue.commitObject(commit(gone, 'mixed/2'), live),
    catalogue.commitObject(commit(bucket, 'mixed/3', { condition: { ifMatch: 'x' } }), live),
    catalogue.commitObject(commit(bucket, 'mixed/4\0', {}), live), // PostgreSQL knows no U+0000: an error, not a refusal
    catalogue.commitObject(commit(bucket, 'mixed/5'), live),
  ])
  t.same(
    results.map((r) => (r.status === 'fulfilled' ? 'ok' : (r.reason.code as string))),
    ['ok', 'NoSuchBucket', 'NoSuchKey', '22021', 'ok'],
  )
})

t.test('commitObject: a missing chunk goes to the repair queue in the same transaction', async (t) => {
  const part = layout({ servers: [1, 0, 3, 4, 5, 0, 7, 8] as ServerNumber[] })
  await catalogue.commitObject(commit(bucket, 'hurt', { part }), live)
  const queued = await sql('select missing_chunks from repair_queue where part_id = $1', [part.partId])
  t.same(queued, [{ missing_chunks: 2 }])
  const chunks = await sql('select * from chunks where part_id = $1 order by chunk_number', [part.partId])
  t.same(
    chunks.map((c) => c.is_missing),
    part.servers.map((server) => server === 0),
  )
  t.same(Buffer.concat(chunks.map((c) => c.chunk_hash as Buffer)), part.chunkHashes)
})

t.test('commitObject: a part that was given up can never be committed', async (t) => {
  const wanted = commit(bucket, 'late')
  await catalogue.doomUncommitted([wanted.part!], live)
  t.ok(await refusedAs(catalogue.commitObject(wanted, live), 'ServiceUnavailable'))
  t.equal((await find('late')).object, undefined)
  const kept = commit(bucket, 'kept')
  await catalogue.commitObject(kept, live)
  await catalogue.doomUncommitted([kept.part!, wanted.part!], live)
  t.equal((await sql('select * from doomed_parts where part_id = $1', [kept.part!.partId])).length, 0)
})

t.test('commitObject: an abort before it is sent commits nothing; after that it waits for the outcome', async (t) => {
  const aborted = AbortSignal.abort(new Error('gone'))
  await t.rejects(catalogue.commitObject(commit(bucket, 'aborted'), aborted), { message: 'gone' })
  t.equal((await find('aborted')).object, undefined)
  const later = new AbortController()
  const answer = catalogue.commitObject(commit(bucket, 'sent'), later.signal)
  setImmediate(() => later.abort(new Error('too late')))
  t.ok((await answer).committedAt)
})

t.test('commitObject: a part whose session is not locked meanwhile is refused', async (t) => {
  const [sessions, ...rest] = commitObjects.bind([
    commit(bucket, 'unlocked', { part: layout({ partId: newPartId(7) }) }),
  ])
  t.same(sessions, [7])
  for (const [locked, outcome] of [
    [[], 'session-over'],
    [[8], 'session-over'],
    [[7], 'ok'],
  ] as const) {
    const [row] = await sql(commitObjects.text, [locked, ...rest])
    t.equal(commitObjects.row(row!)[0]!.outcome, outcome)
  }
})

t.test('findObject: tells a missing bucket from a missing key', async (t) => {
  t.same(await find('x', 'no-such-bucket' as BucketName), { bucket: undefined, object: undefined, layouts: [] })
  t.same(await find('no such key'), { bucket, object: undefined, layouts: [] })
  t.equal(await catalogue.findBucket('no-such-bucket' as BucketName, live), undefined)
  t.same(await catalogue.findBucket(bucket.name, live), bucket)
})

t.test('copyObject: shares the parts, whichever goes first', async (t) => {
  const other = await makeBucket('copies')
  const wanted = commit(bucket, 'source')
  await catalogue.commitObject(wanted, live)
  const source = (await find('source')).object!
  const renewed = { ...attributes, userMetadata: { new: '1' } }
  const copy = { source, bucketId: other.id, key: key('copy'), attributes: renewed, condition: {} }
  await catalogue.copyObject(copy, live)
  await catalogue.deleteObjects(bucket.id, [{ key: key('source') }], live)
  const { object, layouts } = await find('copy', other.name)
  t.same(object?.attributes, renewed)
  t.equal(object?.etag, wanted.etag)
  t.same(layouts, [wanted.part])
  t.same(await sql(brokenReferences), [])
  t.ok(await refusedAs(catalogue.copyObject(copy, live), 'NoSuchKey'), 'the source is gone')
  await catalogue.deleteObjects(other.id, [{ key: key('copy') }], live)
  t.equal((await sql('select * from doomed_parts where part_id = $1', [wanted.part!.partId])).length, 1)
})

t.test('copyObject: onto itself, onto a gone bucket, from a changed source, under conditions', async (t) => {
  await catalogue.commitObject(commit(bucket, 'self'), live)
  const source = (await find('self')).object!
  const copy = { source, bucketId: bucket.id, key: source.key, attributes, condition: {} }
  await catalogue.copyObject(copy, live)
  t.ok(await refusedAs(catalogue.copyObject(copy, live), 'PreconditionFailed'), 'it is a newer version now')
  const fresh = (await find('self')).object!
  const onto = (name: string, condition: object, bucketId = bucket.id) =>
    catalogue.copyObject({ source: fresh, bucketId, key: key(name), attributes, condition }, live)
  t.ok(await refusedAs(onto('self', { ifNoneMatch: '*' }), 'PreconditionFailed'))
  t.ok(await refusedAs(onto('absent', { ifMatch: 'x' }), 'NoSuchKey'))
  t.ok(await refusedAs(onto('absent', {}, 999_999 as typeof bucket.id), 'NoSuchBucket'))
  t.same(await sql(brokenReferences), [])
})

t.test('deleteObjects: a thousand keys, missing ones and repeated ones', async (t) => {
  const keys = Array.from({ length: 1000 }, (_, n) => key(`many/${n % 990}`))
  await Promise.all(keys.slice(0, 300).map((k) => catalogue.commitObject(commit(bucket, k), live)))
  await catalogue.deleteObjects(
    bucket.id,
    keys.map((name) => ({ key: name })),
    live,
  )
  const page = await catalogue.listObjects(
    { bucketId: bucket.id, prefix: 'many/', delimiter: '', after: '', rowsMax: 10 },
    live,
  )
  t.same(page, { objects: [], commonPrefixes: [], isTruncated: false, next: undefined })
  t.same(await sql(brokenReferences), [])
  await catalogue.deleteObjects(bucket.id, [], live)
})

t.test('buckets: taken names, emptiness, listing', async (t) => {
  const stranger = await meta.accounts.createAccount({ name: 'stranger' }, live)
  t.ok(await refusedAs(makeBucket('photos'), 'BucketAlreadyOwnedByYou'))
  const theirs = catalogue.createBucket({ name: bucket.name, ownerId: stranger.id, region: 'eu' }, live)
  t.ok(await refusedAs(theirs, 'BucketAlreadyExists'))
  t.ok(await refusedAs(catalogue.deleteBucket(bucket, live), 'BucketNotEmpty'))
  const made = await Promise.all(['l-b', 'l-a', 'l-c', 'm-a'].map(makeBucket))
  const names = async (prefix: string, after: string, rowsMax: number) =>
    (await catalogue.listBuckets({ ownerId: owner.id, prefix, after, rowsMax }, live)).map((b) => b.name as string)
  t.same(await names('l-', '', 9), ['l-a', 'l-b', 'l-c'])
  t.same(await names('', 'l-b', 2), ['l-c', 'm-a'])
  t.same(await names('l-', 'l-a', 1), ['l-b'])
  for (const b of made) await catalogue.deleteBucket(b, live)
  t.ok(await refusedAs(catalogue.deleteBucket(made[0]!, live), 'NoSuchBucket'))
  t.same(await names('l-', '', 9), [])
})
