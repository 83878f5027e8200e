import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import type { ObjectKey, VersionId } from '../../src/base/ids.ts'
import type { Bucket } from '../../src/base/model.ts'
import type { NotificationRule } from '../../src/base/notifications/rules.ts'
import { asUpload, attributes, commit, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql } = fixture
const { catalogue, notifications } = meta
const target = 'arn:sextant:sqs::hook:webhook'
const EVERYTHING = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*', 's3:LifecycleExpiration:*']
let serial = 0

const rule = (rest: Partial<NotificationRule> = {}): NotificationRule => ({
  id: 'all',
  kind: 'Queue',
  target,
  events: EVERYTHING,
  ...rest,
})
const tell = (bucket: Bucket, ...value: NotificationRule[]) =>
  catalogue.changeBucketSetting({ bucket, name: 'notification', value }, live)
async function toldBucket(versioning: 'Enabled' | 'Suspended' | '' = '', ...rules: NotificationRule[]) {
  const name = `bucket-${++serial}` as never
  const bucket = await catalogue.createBucket({ name, ownerId: owner.id, region: 'r', versioning }, live)
  await tell(bucket, ...(rules.length > 0 ? rules : [rule()]))
  return bucket
}
const put = (bucket: Bucket, key: string, more = {}) => catalogue.commitObject(commit(bucket, key, more), live)
const remove = (bucket: Bucket, ...targets: { key: string; versionId?: string; condition?: { etag: string } }[]) =>
  catalogue.deleteObjects(bucket.id, targets as never, live)
const find = async (bucket: Bucket, key: string) =>
  (await catalogue.findObject({ bucket: bucket.name, key: key as ObjectKey, versionId: undefined }, live)).object!
/** What a bucket's events are, in their order: name and key. */
const events = async (bucket: Bucket) =>
  (await sql('select event_name, key from event_outbox where bucket_id = $1 order by event_id', [bucket.id])).map(
    ({ event_name, key }) => `${event_name} ${key}`,
  )
const due = async () => await notifications.listDueEvents({ target, rowsMax: 1_000 }, live)

t.test('commits, copies, uploads, tags and deletes: each is noted once, with what it made', async (t) => {
  const bucket = await toldBucket()
  const origin = { requestId: 'R1', principal: owner.id, address: '10.0.0.1' }
  await put(bucket, 'a', { origin, etag: 'e1', sizeBytes: 5 })
  await put(bucket, 'form', { origin: { ...origin, via: 'Post' } })
  const source = await find(bucket, 'a')
  await catalogue.copyObject({ source, bucketId: bucket.id, key: 'b' as ObjectKey, attributes, condition: {} }, live)
  const upload = newUpload(bucket, 'm', owner.id)
  await catalogue.createUpload(upload, live)
  const part = partCommit(upload, 1)
  await catalogue.commitPart(part, live)
  const parts = [{ number: 1, partId: part.part?.partId, sizeBytes: 5, checksum: undefined }]
  const complete = { upload: asUpload(upload), sizeBytes: 5, etag: 'e-1', checksum: undefined, parts, condition: {} }
  await catalogue.completeUpload(complete, live)
  await catalogue.completeUpload(complete, live) // repeated: it answers as before, and is no event
  const tagged = { bucketId: bucket.id, key: 'a' as ObjectKey, versionId: undefined }
  await catalogue.tagObject({ ...tagged, tags: [['k', 'v']] }, live)
  await catalogue.tagObject({ ...tagged, tags: [] }, live)
  await remove(bucket, { key: 'a' }, { key: 'never there' }, { key: 'b' }, { key: 'b' })
  t.same(await events(bucket), [
    'ObjectCreated:Put a',
    'ObjectCreated:Post form',
    'ObjectCreated:Copy b',
    'ObjectCreated:CompleteMultipartUpload m',
    'ObjectTagging:Put a',
    'ObjectTagging:Delete a',
    'ObjectRemoved:Delete a',
    'ObjectRemoved:Delete b',
  ])
  const [first] = (await due()).filter(({ key }) => key === 'a')
  t.match(first, {
    ruleId: 'all',
    sizeBytes: 5,
    etag: 'e1',
    versionId: undefined,
    origin,
    bucket: { name: bucket.name },
  })
})

t.test('a bucket with versions: versions are named; markers that are made, and what goes for good', async (t) => {
  const bucket = await toldBucket('Enabled')
  const { versionId } = await put(bucket, 'k')
  const [marked] = await remove(bucket, { key: 'k' })
  const marker = (marked as { versionId: VersionId }).versionId
  await remove(bucket, { key: 'k', versionId: marker }, { key: 'k', versionId }, { key: 'k', versionId })
  const rows = await sql('select event_name, version_id from event_outbox where bucket_id = $1 order by event_id', [
    bucket.id,
  ])
  t.same(rows, [
    { event_name: 'ObjectCreated:Put', version_id: versionId },
    { event_name: 'ObjectRemoved:DeleteMarkerCreated', version_id: marker },
    { event_name: 'ObjectRemoved:Delete', version_id: marker },
    { event_name: 'ObjectRemoved:Delete', version_id: versionId },
  ])
})

t.test('a bucket whose versions are suspended: a marker that a call makes, and takes away again', async (t) => {
  const bucket = await toldBucket('Suspended')
  await remove(bucket, { key: 'k' }, { key: 'k', versionId: 'null' }, { key: 'k', versionId: 'null' })
  t.same(await events(bucket), ['ObjectRemoved:DeleteMarkerCreated k', 'ObjectRemoved:Delete k'])
})

t.test('what is refused is no event; of many that want to be the first, one is', async (t) => {
  const bucket = await toldBucket()
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => put(bucket, `k${n % 2}`, { condition: { ifNoneMatch: '*' } })),
  )
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 2)
  t.same((await events(bucket)).sort(), ['ObjectCreated:Put k0', 'ObjectCreated:Put k1'])
  await t.rejects(put(bucket, 'k0', { condition: { ifMatch: 'other' } }), { code: 'PreconditionFailed' })
  const source = { ...(await find(bucket, 'k0')), etag: 'other' }
  const copy = { source, bucketId: bucket.id, key: 'c' as ObjectKey, attributes, condition: {} }
  await t.rejects(catalogue.copyObject(copy, live))
  await remove(bucket, { key: 'k0', condition: { etag: 'other' } })
  const tagged = { bucketId: bucket.id, key: 'none' as ObjectKey, versionId: undefined, tags: [] }
  await t.rejects(catalogue.tagObject(tagged, live))
  t.equal((await events(bucket)).length, 2)
})

t.test('writers, deleters and what is there: each change has its event, and each event its change', async (t) => {
  const bucket = await toldBucket('Enabled')
  const answers = await Promise.allSettled(
    Array.from({ length: 200 }, (_, n) => {
      const key = `k${n % 7}`
      if (n % 3 === 0) return remove(bucket, { key }, { key: `k${(n + 1) % 7}` })
      return put(bucket, key, { condition: n % 5 === 0 ? { ifNoneMatch: '*' } : {} })
    }),
  )
  t.ok(answers.some(({ status }) => status === 'rejected'))
  const count = async (from: string) => Number((await sql(`select count(*) from ${from}`, [bucket.id]))[0]!.count)
  const unlike = await count(
    `(select key, version_id from objects where bucket_id = $1
      except select key, version_id from event_outbox where bucket_id = $1) as u`,
  )
  t.equal(unlike, 0, 'no version without its event')
  t.equal(
    await count('event_outbox where bucket_id = $1'),
    await count('objects where bucket_id = $1'),
    'no event without its version',
  )
})

t.test(
  'filters: by the bytes of a key, at its beginning and its end; of a bucket that asks for nothing, nothing',
  async (t) => {
    const bucket = await toldBucket(
      '',
      rule({ id: 'images', events: ['s3:ObjectCreated:*'], prefix: 'Ünter/', suffix: '.jpg' }),
      rule({ id: 'gone', events: ['s3:ObjectRemoved:Delete'], prefix: '%_' }),
    )
    for (const key of ['Ünter/a.jpg', 'ünter/a.jpg', 'Ünter/a.JPG', 'Ünter/', '%_x', 'ab']) {
      await put(bucket, key)
      await remove(bucket, { key })
    }
    t.same(await events(bucket), ['ObjectCreated:Put Ünter/a.jpg', 'ObjectRemoved:Delete %_x'])
    await catalogue.changeBucketSetting({ bucket, name: 'notification', value: undefined }, live)
    await put(bucket, 'Ünter/a.jpg')
    t.equal((await events(bucket)).length, 2)
  },
)

t.test('lifecycle rules that are carried out: told as such, and not as a client’s deletes', async (t) => {
  for (const [versioning, name] of [
    ['', 'LifecycleExpiration:Delete old'],
    ['Enabled', 'LifecycleExpiration:DeleteMarkerCreated old'],
  ] as const) {
    const bucket = await toldBucket(versioning, rule({ events: ['s3:LifecycleExpiration:*', 's3:ObjectRemoved:*'] }))
    const lifecycle = { revision: '1', rules: [], transitionSizeMin: 'all_storage_classes_128K' as const }
    await catalogue.putLifecycle({ bucket, lifecycle }, live)
    await put(bucket, 'old')
    const query = {
      bucketId: bucket.id,
      kind: 'current',
      prefix: '',
      after: undefined,
      keepMax: 0,
      rowsMax: 9,
    } as const
    const page = await meta.lifecycle.listCandidates(query, live)
    const order = {
      bucketId: bucket.id,
      revision: '1',
      kind: 'current',
      due: page.map((each) => ({ ...each, keep: 0 })),
    }
    t.equal(await meta.lifecycle.expire(order as never, live), 1)
    t.same(await events(bucket), [name])
  }
})

t.test('of a key only the first event is due; when it is gone, the next one is', async (t) => {
  const bucket = await toldBucket()
  for (const key of ['a', 'b', 'a', 'a']) await put(bucket, key)
  const mine = async () => (await due()).filter((event) => event.bucket.name === bucket.name)
  const ids = (await sql('select event_id from event_outbox where bucket_id = $1 order by event_id', [bucket.id])).map(
    ({ event_id }) => Number(event_id),
  )
  const dueIds = async () => (await mine()).map(({ eventId }) => eventId).sort((a, b) => a - b)
  t.same(await dueIds(), [ids[0], ids[1]])
  await notifications.postponeEvents([{ eventId: ids[0]!, delayMs: 60_000 }], live)
  t.same(await dueIds(), [ids[1]], 'what is put off holds up its own key alone')
  await notifications.forgetEvents([ids[0]!, ids[1]!], live)
  t.same(await dueIds(), [ids[2]])
  await notifications.forgetEvents([ids[2]!], live)
  t.same(await dueIds(), [ids[3]])
})

t.test('an event that is noted while the one before it is forgotten does not wait for ever', async (t) => {
  const bucket = await toldBucket()
  await put(bucket, 'x')
  const mine = async () => (await due()).filter((event) => event.bucket.name === bucket.name)
  const [first] = await mine()
  const writer = new pg.Client({ connectionString: fixture.db.url })
  await writer.connect()
  t.teardown(() => writer.end())
  await writer.query('begin')
  await writer.query("select lock_keys_v1(array[$1::bigint], array['x'])", [bucket.id])
  await writer.query("select note_event_v1('ObjectCreated:Put', $1, 'x', 'null', 1, 'e', null)", [bucket.id])
  const forgotten = notifications.forgetEvents([first!.eventId], live)
  await sleep(200) // as long as it takes, if nothing holds it up
  await writer.query('commit')
  await forgotten
  t.equal((await mine()).length, 1)
})

t.test('what has waited too long, or is too much, is dropped, the oldest first', async (t) => {
  const old = await toldBucket('', rule({ target: 'arn:old' }))
  for (let n = 0; n < 10; n++) await put(old, `k${n % 2}`)
  await sql(
    `update event_outbox set made_at = made_at - interval '1 hour'
      where event_id in (select event_id from event_outbox where target = 'arn:old' order by event_id limit 3)`,
  )
  const drop = (more: object) =>
    notifications.dropEvents(
      { target: 'arn:old', ageMsMax: 1_800_000, waitingMax: 100, droppedMax: 1_000, ...more },
      live,
    )
  t.equal(await drop({}), 3, 'by their age')
  t.equal(await drop({}), 0)
  t.equal(await drop({ waitingMax: 4 }), 3, 'by their number')
  t.equal((await events(old)).length, 4)
  const left = await notifications.listDueEvents({ target: 'arn:old', rowsMax: 9 }, live)
  t.same(left.map(({ key }) => key).sort(), ['k0', 'k1'], 'what stood behind them is due')
})

t.test('the targets that events wait for, and whether any bucket asks for some', async (t) => {
  const { targets, isAsked } = await notifications.look(live)
  t.same([targets, isAsked], [['arn:old', target], true])
})
