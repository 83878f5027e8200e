import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { GatewayProcess } from '../../support/gateway-process.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'

const Bucket = 'shared'
const SIZES = [700, 100_000, 2_000_001]
const KIB = 1024
/** Each stops one gateway, kills another, and starts both again. */
const ROUNDS = Number(process.env.SEXTANT_TEST_GATEWAY_ROUNDS ?? 1)

t.test(
  'several gateways on one cluster, stopped, killed and started again: each sees what any has acknowledged',
  async (t) => {
    await using store = new StoreUnderTest()
    await store.start()
    await using second = await GatewayProcess.start(store)
    await using third = await GatewayProcess.start(store)
    const endpoints = [store.announced.endpoint, second.endpoint, third.endpoint]
    const clients = endpoints.map((endpoint) => store.client({ endpoint, maxAttempts: 1 }))
    await clients[0]!.send(new CreateBucketCommand({ Bucket }))

    const acknowledged = new Map<string, Buffer>()
    const refused: unknown[] = []
    const counts = [0, 0, 0]
    const stop = new AbortController()
    /** Writes through one gateway; reads at once, and lists, through the first, which always runs. */
    async function use(gateway: number): Promise<void> {
      for (let n = 0; !stop.signal.aborted; n++) {
        const Key = `${gateway}/${n}`
        const Body = randomBytes(SIZES[n % SIZES.length]!)
        try {
          await clients[gateway]!.send(new PutObjectCommand({ Bucket, Key, Body }))
        } catch (error) {
          // Gone is gone; what it answers while it goes must not be an error of its own.
          if (error instanceof S3ServiceException && error.$response) refused.push(error)
          await sleep(50)
          continue
        }
        acknowledged.set(Key, Body)
        counts[gateway]! += 1
        const { Body: read } = await clients[0]!.send(new GetObjectCommand({ Bucket, Key }))
        t.ok(Buffer.from(await read!.transformToByteArray()).equals(Body), `${Key} is read through another gateway`)
        const { Contents } = await clients[0]!.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 1 }))
        t.equal(Contents?.[0]?.Key, Key)
      }
    }
    const users = [0, 1, 2].map(use)
    const moreFrom = async (gateway: number) => {
      const before = counts[gateway]!
      await eventually(`gateway ${gateway} is written through`, 60_000, async () => counts[gateway]! > before)
    }

    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([0, 1, 2].map(moreFrom))
      await third.stop('SIGKILL')
      await moreFrom(0)

      // An upload that is half there when the gateway is told to stop is finished.
      const half = Promise.withResolvers<void>()
      const slow = randomBytes(512 * KIB)
      async function* dribble() {
        for (let at = 0; at < slow.length; at += 64 * KIB) {
          yield slow.subarray(at, at + 64 * KIB)
          if (at === 256 * KIB) half.resolve()
          await sleep(50)
        }
      }
      const command = new PutObjectCommand({
        Bucket,
        Key: `slow/${round}`,
        Body: Readable.from(dribble()),
        ContentLength: slow.length,
      })
      const uploading = store.client({ endpoint: second.endpoint, maxAttempts: 1 }).send(command)
      uploading.catch(() => {}) // asserted below
      await half.promise
      t.match(await second.stop('SIGTERM'), { code: 0, signal: null })
      await t.resolves(uploading, 'what was under way is finished')
      acknowledged.set(`slow/${round}`, slow)
      await moreFrom(0)
      await Promise.all([second.start(), third.start()])
    }
    await Promise.all([1, 2].map(moreFrom))
    stop.abort()
    await Promise.all(users)
    t.same(refused, [], 'nobody was answered with an error')
    t.comment(`${acknowledged.size} writes were acknowledged: ${counts.join(', ')} by gateway`)
    for (const [Key, Body] of acknowledged) {
      const { Body: read } = await clients[2]!.send(new GetObjectCommand({ Bucket, Key }))
      if (!Buffer.from(await read!.transformToByteArray()).equals(Body)) t.fail(`${Key} is lost`)
    }
    for (const client of clients) client.destroy()
  },
)
