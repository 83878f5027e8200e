import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import type { AccountId, BucketId, BucketName, ObjectKey, VersionId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Bucket } from '../../src/base/model.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { eventMessage } from '../../src/upkeep/notifications/event-message.ts'
import { type NotificationProgress, notificationsJob } from '../../src/upkeep/notifications/notifications-job.ts'
import type { NotificationCatalogue, ObjectEvent, PostEvent } from '../../src/upkeep/ports/notifications.ts'
import { postEvent } from '../../src/webhooks/post-event.ts'
import { commit, live, openMeta } from '../meta/fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql, db } = fixture
const { catalogue } = meta
let serial = 0

async function toldBucket(target: string): Promise<Bucket> {
  const name = `bucket-${++serial}` as BucketName
  const bucket = await catalogue.createBucket({ name, ownerId: owner.id, region: 'us-east-1' }, live)
  const rule = { id: 'r', kind: 'Queue', target, events: ['s3:ObjectCreated:*'] } as const
  await catalogue.changeBucketSetting({ bucket, name: 'notification', value: [rule] }, live)
  return bucket
}
const put = (bucket: Bucket, key: string) => catalogue.commitObject(commit(bucket, key), live)

/** A receiver whose way to answer can be changed; keeps what it took, or was sent. */
async function openReceiver() {
  const sent: { key: string; sequencer: string; req: IncomingMessage; body: string }[] = []
  const receiver = {
    sent,
    /** Those that it answered with 200. */
    taken: [] as { key: string; sequencer: string }[],
    answer: (_req: IncomingMessage, res: ServerResponse, _key: string) => void res.end(),
    url: '',
  }
  const server = createServer(async (req, res) => {
    let body = ''
    for await (const piece of req) body += piece
    const { key, sequencer } = JSON.parse(body).Records[0].s3.object
    sent.push({ key, sequencer, req, body })
    res.on('finish', () => {
      if (res.statusCode === 200) receiver.taken.push({ key, sequencer })
    })
    receiver.answer(req, res, key)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return receiver
}

interface RunOptions {
  url?: string
  secret?: string
  post?: PostEvent
  through?: Partial<NotificationCatalogue>
  timeoutMs?: number
  ageMsMax?: number
}

/** The job at work, until it is disposed of. */
function startJob({
  url = 'http://127.0.0.1:9/',
  secret,
  post = postEvent,
  through = {},
  timeoutMs = 10_000,
  ageMsMax = 1e9,
}: RunOptions) {
  const stop = new AbortController()
  const run = {
    progress: {} as NotificationProgress,
    report(next: object) {
      this.progress = next
    },
  }
  const job = notificationsJob(
    {
      catalogue: { ...meta.notifications, ...through },
      post,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    },
    {
      targets: { webhooks: new Map([['hook', { url, secret }]]), channels: new Set(['events']) },
      timeoutMs,
      ageMsMax,
      waitingMax: 1_000,
      intervalMs: 1_000,
    },
  )
  const work = job.work(run, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    run,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('killed'))
      await work
    },
  }
}
const HOOK = 'arn:sextant:sqs::hook:webhook'
const waiting = async (bucket: Bucket) =>
  Number((await sql('select count(*) from event_outbox where bucket_id = $1', [bucket.id]))[0]!.count)
/** No longer than a minute. What was put off is made due at once, so that nothing depends on how long that is. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 600; n++) {
    if (await what()) return
    await sql('update event_outbox set due_at = clock_timestamp() where due_at > clock_timestamp()')
    await sleep(100)
  }
  throw new Error('not within a minute')
}
/** Without what was sent again, the sequencers of each key rise. */
function inOrder(messages: readonly { key: string; sequencer: string }[]): boolean {
  const last = new Map<string, string>()
  return messages.every(({ key, sequencer }) => {
    const before = last.get(key) ?? ''
    last.set(key, sequencer)
    return sequencer >= before
  })
}

t.test(
  'a webhook that fails, hangs, and comes back: nothing is lost, and each key’s events come in order',
  async (t) => {
    const receiver = await openReceiver()
    const bucket = await toldBucket(HOOK)
    let count = 0
    receiver.answer = (_req, res) => {
      count++
      if (count % 4 === 1) res.writeHead(500).end()
      else if (count % 4 === 2) res.destroy()
      else if (count % 13 !== 3) res.end() // else it hangs
    }
    const job = startJob({ url: receiver.url, timeoutMs: 300 })
    for (let n = 0; n < 30; n++) await put(bucket, `k${n % 3}`)
    await until(async () => (await waiting(bucket)) === 0)
    await job[Symbol.asyncDispose]()
    t.equal(new Set(receiver.taken.map(({ sequencer }) => sequencer)).size, 30, 'each was taken')
    t.ok(receiver.sent.length > 30, 'some were sent again')
    t.ok(inOrder(receiver.taken))
    t.ok(inOrder(receiver.sent), 'none was sent before the one before it was taken')
    t.equal(job.run.progress.told?.[HOOK], 30)
  },
)

t.test('a key whose event is refused for ever holds up no other key', async (t) => {
  const receiver = await openReceiver()
  const bucket = await toldBucket(HOOK)
  receiver.answer = (_req, res, key) => void res.writeHead(key === 'bad' ? 400 : 200).end()
  await using _job = startJob({ url: receiver.url })
  for (let n = 0; n < 3; n++) {
    await put(bucket, 'bad')
    await put(bucket, `good-${n}`)
  }
  await until(() => receiver.taken.length === 3)
  t.equal(await waiting(bucket), 3)
  receiver.answer = (_req, res) => void res.end()
  await until(async () => (await waiting(bucket)) === 0)
  t.equal(receiver.taken.length, 6)
})

t.test('what is taken while others are looked for is not sent again', async (t) => {
  const receiver = await openReceiver()
  const bucket = await toldBucket(HOOK)
  receiver.answer = (_req, res) => void setTimeout(() => res.end(), 30)
  for (let n = 0; n < 40; n++) await put(bucket, `k${n % 10}`)
  await using _job = startJob({
    url: receiver.url,
    through: {
      async listDueEvents(...query) {
        const found = await meta.notifications.listDueEvents(...query)
        await sleep(100) // it is old by the time that it comes
        return found
      },
    },
  })
  await until(async () => (await waiting(bucket)) === 0)
  t.equal(receiver.sent.length, 40)
  t.ok(inOrder(receiver.sent))
})

t.test('a webhook that hangs holds up no other target', async (t) => {
  const receiver = await openReceiver()
  receiver.answer = () => {}
  const client = new pg.Client({ connectionString: db.url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('listen events')
  const payloads: string[] = []
  client.on('notification', ({ payload }) => payloads.push(payload!))
  const hung = await toldBucket(HOOK)
  const bucket = await toldBucket('arn:sextant:sqs::events:postgres')
  await using job = startJob({ url: receiver.url, timeoutMs: 60_000 })
  await put(hung, 'k')
  await until(() => receiver.sent.length === 1)
  for (let n = 0; n < 10; n++) await put(bucket, `ü ${n % 2}`)
  await until(() => payloads.length >= 10)
  const told = payloads.map((payload) => JSON.parse(payload).Records[0].s3)
  t.ok(inOrder(told.map(({ object }) => object)))
  t.match(told[0], { bucket: { name: bucket.name }, object: { key: '%C3%BC+0', size: 5 }, configurationId: 'r' })
  t.equal(await waiting(bucket), 0)
  t.equal(payloads.length, 10, 'by NOTIFY each comes once')
  t.equal(job.run.progress.told?.['arn:sextant:sqs::events:postgres'], 10)
  await sql('delete from event_outbox')
})

t.test('stopped after an event was taken and before it was forgotten: it is sent again', async (t) => {
  const receiver = await openReceiver()
  const bucket = await toldBucket(HOOK)
  await put(bucket, 'k')
  const sentFirst = Promise.withResolvers<void>()
  const post: PostEvent = async (...args) => {
    await postEvent(...args)
    sentFirst.resolve()
    await new Promise((_, reject) => args[2].addEventListener('abort', () => reject(new Error('killed'))))
  }
  const killed = startJob({ url: receiver.url, post })
  await sentFirst.promise
  await killed[Symbol.asyncDispose]()
  t.equal(await waiting(bucket), 1)
  await using _job = startJob({ url: receiver.url })
  await until(async () => (await waiting(bucket)) === 0)
  t.equal(receiver.sent.length, 2)
})

t.test('a message is signed, and a redirect is not followed', async (t) => {
  const receiver = await openReceiver()
  const elsewhere = await openReceiver()
  const bucket = await toldBucket(HOOK)
  receiver.answer = (_req, res) => void res.writeHead(307, { location: elsewhere.url }).end()
  await using _job = startJob({ url: receiver.url, secret: 'a secret' })
  await put(bucket, 'k')
  await until(() => receiver.sent.length >= 2)
  const { req, body } = receiver.sent[0]!
  const signature = createHmac('sha256', 'a secret').update(body).digest('hex')
  t.match(req.headers, { 'x-sextant-signature': `sha256=${signature}`, 'content-type': 'application/json' })
  t.equal(elsewhere.sent.length, 0)
  receiver.answer = (_req, res) => void res.end()
  await until(async () => (await waiting(bucket)) === 0)
})

t.test('a webhook that never comes back: what is too old is dropped, and counted', async (t) => {
  const bucket = await toldBucket(HOOK)
  await put(bucket, 'k')
  await put(bucket, 'k')
  await sql(`update event_outbox set made_at = made_at - interval '2 hours'`)
  await using job = startJob({ ageMsMax: 3_600_000 })
  await until(async () => (await waiting(bucket)) === 0)
  await until(() => job.run.progress.dropped !== undefined)
  t.same(job.run.progress, { dropped: { [HOOK]: 2 } })
})

t.test('a message fits into a NOTIFY, whatever the key, the id of its rule, and who asked', async (t) => {
  const event: ObjectEvent = {
    eventId: 0xbeef,
    ruleId: '\u0001'.repeat(255),
    name: 'ObjectCreated:CompleteMultipartUpload',
    bucket: {
      id: 1 as BucketId,
      name: 'b'.repeat(63) as BucketName,
      ownerId: 'f'.repeat(64) as AccountId,
      region: 'r'.repeat(64),
    },
    key: '\u0001'.repeat(1024) as ObjectKey,
    versionId: 'f'.repeat(32) as VersionId,
    sizeBytes: 50 * 1024 ** 4,
    etag: `${'f'.repeat(32)}-10000`,
    origin: { requestId: 'F'.repeat(16), principal: 'f'.repeat(64), address: 'f'.repeat(39) },
    happenedAt: new Date(0),
    attempts: 0,
  }
  t.ok(Buffer.byteLength(eventMessage(event)) < 8_000)
  const { object } = JSON.parse(eventMessage({ ...event, key: 'a b/ü+%' as ObjectKey })).Records[0].s3
  t.match(object, { key: 'a+b/%C3%BC%2B%25', sequencer: '000000000000BEEF' })
})
