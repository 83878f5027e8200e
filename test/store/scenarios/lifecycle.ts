import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { settledFsck } from '../../support/fsck.ts'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { kill } from '../../support/up.ts'
import { openWebhook, withoutRepeats } from '../../support/webhook.ts'

const VERSIONED = 'versioned'
const PLAIN = 'plain'
/** Keys. */
const DUE = 300
/** Of each key a plain object, a current version and two former ones, and an upload. */
const ACTIONS = 5 * DUE
const YOUNG = 20
const WAIT_MS = 120_000
/** Between a kill and the next, once it has been seen at work again. */
const KILL_EVERY_MS = 700
const KILLS_MIN = 5
/** So slow that it is killed in the middle of it: a deletion counts as ten. */
const OBJECTS_PER_SECOND = 1_000

t.test('gateways killed while rules are carried out: what is due is done once, and told once', async (t) => {
  using webhook = await openWebhook()
  await using store = new StoreUnderTest({
    SEXTANT_WEBHOOKS: JSON.stringify({ hook: { url: webhook.url } }),
    SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
    SEXTANT_LIFECYCLE_OBJECTS_PER_SECOND: String(OBJECTS_PER_SECOND),
    SEXTANT_ORPHAN_AGE_SECONDS: '0',
  })
  await store.start()
  const s3 = store.client()
  t.teardown(() => s3.destroy())
  const sql = (text: string) => execute(store.databaseUrl(), text)
  const put = async (Bucket: string, Key: string) => await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  const keys = Array.from({ length: DUE }, (_, n) => `due/${n}`)
  const young = Array.from({ length: YOUNG }, (_, n) => `due/young ${n}`)
  const spared = Array.from({ length: YOUNG }, (_, n) => `spared/${n}`)

  for (const Bucket of [PLAIN, VERSIONED]) {
    await s3.send(new CreateBucketCommand({ Bucket }))
    const QueueConfigurations = [
      { QueueArn: 'arn:sextant:sqs::hook:webhook', Events: ['s3:LifecycleExpiration:*' as const] },
    ]
    const NotificationConfiguration = { QueueConfigurations }
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))
  }
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await s3.send(new PutBucketVersioningCommand({ Bucket: VERSIONED, VersioningConfiguration }))
  for (const bucket of [PLAIN, VERSIONED, VERSIONED, VERSIONED]) {
    await forEach([...keys, ...spared], async (key) => await put(bucket, key))
  }
  const begin = async (Key: string) => await s3.send(new CreateMultipartUploadCommand({ Bucket: PLAIN, Key }))
  await forEach(keys, begin)
  // The database's clock is not moved: what lies in it is made older.
  await sql(`update objects set committed_at = committed_at - interval '10 days'`)
  await sql(`update upload_sessions set initiated_at = initiated_at - interval '10 days' where kind = 'multipart'`)
  for (const key of young) await Promise.all([put(PLAIN, key), put(VERSIONED, key), begin(key)])
  for (const Bucket of [PLAIN, VERSIONED]) {
    const rule = {
      ID: 'due',
      Status: 'Enabled' as const,
      Filter: { Prefix: 'due/' },
      Expiration: { Days: 5 },
      NoncurrentVersionExpiration: { NoncurrentDays: 5 },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 5 },
    }
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }))
  }

  let kills = 0
  for (let seen = 0; seen < ACTIONS; ) {
    await eventually('it goes on', WAIT_MS, async () => (await actionsDone(store)) > seen)
    await sleep(KILL_EVERY_MS)
    seen = await actionsDone(store)
    if (seen >= ACTIONS) break
    kill(store.processes().get('gateway')!, 'SIGKILL')
    kills += 1
    t.comment(`killed when ${seen} of ${ACTIONS} were done`)
  }
  t.ok(kills >= KILLS_MIN, `${kills} kills`)
  await eventually('a whole pass is over', WAIT_MS, async () => {
    const [job] = await sql(`select from jobs where name = 'lifecycle' and progress ? 'last' and runner is null`)
    return job !== undefined
  })
  await eventually('all is told', WAIT_MS, async () => (await sql('select from event_outbox limit 1')).length === 0)
  const serves = async () => (await fetch(`${store.announced.endpoint}/health`).catch(() => undefined))?.ok === true
  await eventually('it serves', WAIT_MS, serves)

  const versionsOf = async (Bucket: string) => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    const all = [
      ...Versions.map((one) => ({ ...one, kind: 'version' })),
      ...DeleteMarkers.map((one) => ({ ...one, kind: 'marker' })),
    ]
    return all.map(({ Key, IsLatest, kind }) => `${Key} ${IsLatest ? 'current' : 'former'} ${kind}`).sort()
  }
  const current = (all: readonly string[]) => all.map((key) => `${key} current version`)
  t.same(await versionsOf(PLAIN), current([...young, ...spared]).sort(), 'what is due is gone, and nothing else')
  const former = (all: readonly string[]) => all.map((key) => `${key} former version`)
  const markers = keys.map((key) => `${key} current marker`)
  const left = [...markers, ...former(keys), ...current([...young, ...spared]), ...former([...spared, ...spared])]
  t.same(await versionsOf(VERSIONED), left.sort(), 'one delete marker a key, former versions gone, and nothing else')
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: PLAIN }))
  t.same(Uploads.map(({ Key }) => Key).sort(), young.toSorted(), 'uploads that are due are aborted, and no other')

  const told = withoutRepeats(webhook.taken).map(({ bucket, key, eventName }) => `${bucket}/${key} ${eventName}`)
  const gone = (bucket: string) => keys.map((key) => `${bucket}/${key} LifecycleExpiration:Delete`)
  const marked = keys.map((key) => `${VERSIONED}/${key} LifecycleExpiration:DeleteMarkerCreated`)
  t.same(
    told.sort(),
    [...gone(PLAIN), ...marked, ...gone(VERSIONED), ...gone(VERSIONED)].sort(),
    'each was told as one',
  )
  const { ok, missing, damaged, orphans, tables, problems } = await settledFsck(store.directory, WAIT_MS)
  t.match({ ok, missing, damaged, orphans, tables, problems }, { ok: true, orphans: { chunks: 0 }, tables: [] })
  await saveResult({
    name: 'lifecycle through kills',
    test: 'test/store/scenarios/lifecycle.ts',
    promise: 'What is due by lifecycle rules is done once, and nothing else, through kills of the gateway that does it',
    passed: t.passing(),
    runs: `${ACTIONS} objects, current and former versions and uploads that were due, beside ${3 * YOUNG + 4 * YOUNG} that were not; ${kills} kills (-9) in the middle`,
    result: `all of them gone or marked, once; ${told.length} events of that at a webhook, ${webhook.taken.length - told.length} of them again`,
  })
})

/** How many actions are seen by their effect. */
async function actionsDone(store: StoreUnderTest): Promise<number> {
  const due = `key ~ '^due/[0-9]'`
  const rows = await execute(
    store.databaseUrl(),
    `select (select count(*) filter (where is_delete_marker) - count(*) filter (where not is_delete_marker)
               from objects where ${due}) -
            (select count(*) from upload_sessions where kind = 'multipart' and state = 'open' and ${due}) as done`,
  )
  // Before anything is done, of each key one plain object, three versions and an upload are there.
  return 5 * DUE + Number(rows[0]!.done)
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values()
  const worker = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
