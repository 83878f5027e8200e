import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { saveResult } from '../../support/reliability.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { kill } from '../../support/up.ts'
import { openWebhook, type TakenEvent, withoutRepeats } from '../../support/webhook.ts'

const Bucket = 'told'
const KEYS = Array.from({ length: 6 }, (_, n) => `key ${n}`)
/** Of the gateway, which tells and takes writes meanwhile. */
const KILLS = 6
/** Between two kills at least so many events are taken: it is killed while it tells. */
const TAKEN_BETWEEN = 12
/** Acknowledged, before it is over. */
const WRITES_MIN = 300
const WAIT_MS = 90_000

/** What was asked of a key, in order, one after the other. A write without an answer may have come to pass. */
interface Asked {
  /** Of the body; undefined: a delete. */
  eTag: string | undefined
  isAcknowledged: boolean
}
type History = Map<string, Asked[]>

t.test(
  'gateways killed while a webhook is told: it hears of every acknowledged write, of each key in order',
  async (t) => {
    using webhook = await openWebhook({ takesMs: 40 })
    await using store = new StoreUnderTest({
      SEXTANT_WEBHOOKS: JSON.stringify({ hook: { url: webhook.url, secret: 'a secret' } }),
      SEXTANT_JOB_INTERVAL_SECONDS: '0.5',
    })
    await store.start()
    const s3 = store.client({ maxAttempts: 1 })
    t.teardown(() => s3.destroy())
    await s3.send(new CreateBucketCommand({ Bucket }))
    const QueueArn = 'arn:sextant:sqs::hook:webhook'
    const Events = ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:*' as const]
    const NotificationConfiguration = { QueueConfigurations: [{ QueueArn, Events }] }
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }))

    const asked: History = new Map(KEYS.map((key) => [key, []]))
    let isOver = false
    const writing = KEYS.map((key) => writeOn(s3, { key, history: asked.get(key)!, isOver: () => isOver }))
    t.teardown(() => {
      isOver = true
    })
    webhook.isAway = true
    await sleep(1_500)
    const serves = async () => (await fetch(`${store.announced.endpoint}/health`).catch(() => undefined))?.ok === true
    const killGateway = async () => {
      kill(store.processes().get('gateway')!, 'SIGKILL')
      await eventually('a gateway serves again', WAIT_MS, serves)
    }
    await killGateway()
    webhook.isAway = false
    for (let n = 0; n < KILLS; n++) {
      const before = webhook.taken.length
      await eventually('some events are taken', WAIT_MS, async () => webhook.taken.length >= before + TAKEN_BETWEEN)
      await killGateway()
    }
    await store.killAll()
    await store.start()
    const all = () => [...asked.values()].flat()
    const acknowledged = () => all().filter(({ isAcknowledged }) => isAcknowledged).length
    await eventually('enough is written', WAIT_MS, async () => acknowledged() >= WRITES_MIN)
    isOver = true
    await Promise.all(writing)

    await eventually('all events are taken', WAIT_MS, async () => wrongWith(asked, webhook.taken).length === 0).catch(
      () => {},
    )
    const { taken } = webhook
    const wrong = wrongWith(asked, taken)
    t.same(wrong, [], 'each acknowledged change was told, none that was not asked for, those of a key in order')
    t.ok(acknowledged() < all().length, `${acknowledged()} of ${all().length} writes were acknowledged`)
    showThatItCanFail(t, asked, taken)
    await saveResult({
      name: 'events through kills',
      test: 'test/store/scenarios/notifications.ts',
      promise:
        'A webhook hears of each acknowledged change at least once, and of the changes of a key in order, through kills of the gateway that tells it',
      passed: t.passing(),
      runs: `${all().length} puts and deletes of ${KEYS.length} keys, ${acknowledged()} of them acknowledged; ${KILLS + 1} kills (-9) of the gateway, and one of the whole store`,
      result: `${wrong.length} keys of which an event was missing, made up or out of order; ${taken.length} events taken, ${taken.length - withoutRepeats(taken).length} of them again`,
    })
  },
)

async function writeOn(
  s3: S3Client,
  { key, history, isOver }: { key: string; history: Asked[]; isOver(): boolean },
): Promise<void> {
  for (let n = 0; !isOver(); n++) {
    // What is there is deleted now and then; a delete of nothing would be no event.
    const isDelete = n % 9 === 8 && history.at(-1)!.isAcknowledged && history.at(-1)!.eTag !== undefined
    const Body = `${key} ${n}`
    const one: Asked = {
      eTag: isDelete ? undefined : createHash('md5').update(Body).digest('hex'),
      isAcknowledged: false,
    }
    history.push(one)
    const target = { Bucket, Key: key }
    const sent = isDelete
      ? s3.send(new DeleteObjectCommand(target))
      : s3.send(new PutObjectCommand({ ...target, Body }))
    one.isAcknowledged = await sent.then(
      () => true,
      () => false,
    )
    await sleep(one.isAcknowledged ? 30 : 200)
  }
}

/** Keys of which not every acknowledged change was told, or another one, or not in order, but for what came again. */
function wrongWith(asked: History, taken: readonly TakenEvent[]): string[] {
  const first = Map.groupBy(withoutRepeats(taken), ({ key }) => key)
  const strange = [...first.keys()].filter((key) => !asked.has(key))
  const wrong = [...asked].filter(([key, changes]) => {
    const told = [...(first.get(key) ?? [])]
    for (const { eTag, isAcknowledged } of changes) {
      if (told.length > 0 && told[0]!.eTag === eTag) told.shift()
      else if (isAcknowledged) return true
    }
    return told.length > 0
  })
  return [...strange, ...wrong.map(([key]) => key)]
}

/** That the judge finds what it is there for. */
function showThatItCanFail(
  t: { same(found: unknown, wanted: unknown, name: string): unknown },
  asked: History,
  taken: readonly TakenEvent[],
) {
  const [key, changes] = [...asked][0]!
  const mine = withoutRepeats(taken).filter((event) => event.key === key)
  const some = changes.find(({ isAcknowledged, eTag }) => isAcknowledged && eTag !== undefined)!
  const without = taken.filter(({ eTag }) => eTag !== some.eTag)
  t.same(wrongWith(asked, without), [key], 'an event that never came would be found')
  const others = taken.filter((event) => event.key !== key)
  t.same(wrongWith(asked, [...others, mine[1]!, mine[0]!, ...mine.slice(2)]), [key], 'and two in the wrong order')
  const madeUp = { ...mine[0]!, sequencer: 'F'.repeat(16) }
  t.same(wrongWith(asked, [...taken, madeUp]), [key], 'and one of a change that was not made')
}
