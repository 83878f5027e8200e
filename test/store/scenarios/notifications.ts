import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { kill } from '../../support/up.ts'

const Bucket = 'told'
const KEYS = 4
const ROUNDS = 10

/** What the receiver took, in the order in which it did. */
interface Taken {
  key: string
  eTag: string | undefined
  eventName: string
  sequencer: string
}

t.test(
  'gateways killed while a webhook is away: it hears of every acknowledged write, of each key in order',
  async (t) => {
    const taken: Taken[] = []
    let isAway = true
    const receiver = createServer(async (req, res) => {
      let body = ''
      for await (const piece of req) body += piece
      const { eventName, s3 } = JSON.parse(body).Records[0]
      if (isAway) return void (taken.length % 2 === 0 ? res.writeHead(503).end() : res.destroy())
      taken.push({ eventName, ...s3.object })
      // Now and then it takes an event, and does not come to say so.
      if (taken.length % 7 === 3) res.destroy()
      else res.end()
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    t.teardown(() => receiver.close())
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
    await using store = new StoreUnderTest({
      SEXTANT_WEBHOOKS: JSON.stringify({ hook: { url, secret: 'a secret' } }),
      SEXTANT_JOB_INTERVAL_SECONDS: '0.5',
    })
    await store.start()
    const s3 = store.client({ maxAttempts: 1 })
    t.teardown(() => s3.destroy())
    await s3.send(new CreateBucketCommand({ Bucket }))
    const QueueArn = 'arn:sextant:sqs::hook:webhook'
    const Events = ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] as const
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: { QueueConfigurations: [{ QueueArn, Events: [...Events] }] },
      }),
    )

    /** ETags of each key in the order in which they were acknowledged. */
    const acknowledged = new Map<string, string[]>()
    const writeSome = async (from: number) =>
      await Promise.all(
        Array.from({ length: KEYS }, async (_, k) => {
          const Key = `key ${k}`
          const etags = acknowledged.get(Key) ?? []
          acknowledged.set(Key, etags)
          for (let n = from; n < from + ROUNDS; n++) {
            const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: `${k} ${n}` }))
            etags.push(ETag!.replaceAll('"', ''))
          }
        }),
      )
    await writeSome(0)
    kill(store.processes().get('gateway')!, 'SIGKILL')
    const serves = async () => (await fetch(`${store.announced.endpoint}/health`).catch(() => undefined))?.ok === true
    await eventually('a gateway serves again', 60_000, serves)
    isAway = false
    await eventually('some events are taken', 60_000, async () => taken.length > 5)
    await store.killAll()
    await store.start()
    await writeSome(ROUNDS)
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key 0' }))

    const toldOf = (key: string) => {
      // What came again has the sequencer that it had.
      const mine = taken.filter((event) => event.key === key.replace(' ', '+'))
      return mine.filter(({ sequencer }, n) => mine.findIndex((event) => event.sequencer === sequencer) === n)
    }
    await eventually('all events are taken', 90_000, async () =>
      [...acknowledged].every(([key, etags]) => toldOf(key).length >= etags.length + (key === 'key 0' ? 1 : 0)),
    )
    for (const [key, etags] of acknowledged) {
      const told = toldOf(key)
      const names = told.map(({ eventName }) => eventName)
      t.same(
        names.filter((name) => name === 'ObjectCreated:Put').length,
        etags.length,
        `${key}: each once, but for repeats`,
      )
      t.same(
        told.flatMap(({ eTag }) => eTag ?? []),
        etags,
        `${key}: in the order in which they were written`,
      )
      if (key === 'key 0') t.equal(names.at(-1), 'ObjectRemoved:Delete')
    }
  },
)
