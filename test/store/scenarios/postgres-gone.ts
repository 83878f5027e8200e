import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openTestDatabase } from '../../support/postgres.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'

const Bucket = 'metadata'
const CLIENTS = 32
/** How long they ask, in ms. */
const ASK_MS = 1_500
const GROWTH_BYTES_MAX = 128 * 1024 * 1024
/** The promise is 5 s, and a machine that does nothing else keeps it; on a busy one PostgreSQL alone may need that to recover. */
const RETURN_MS = 30_000

const database = await openTestDatabase({ migrated: false })
t.teardown(() => database[Symbol.asyncDispose]())
const { server } = database

t.test(
  'PostgreSQL gone, or standing still: 503 soon, in bounded memory; on it goes when it is back',
  { skip: !server },
  async (t) => {
    await using store = new StoreUnderTest({ DATABASE_URL: database.url, SEXTANT_CHUNK_CACHE_BYTES: '0' })
    await store.start()
    const s3 = store.client({ maxAttempts: 1 })
    t.teardown(() => s3.destroy())
    await s3.send(new CreateBucketCommand({ Bucket }))
    const Body = randomBytes(300_000)
    await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body }))
    const asks = [
      () => s3.send(new PutObjectCommand({ Bucket, Key: 'refused', Body })),
      async () => await (await s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }))).Body!.transformToByteArray(),
      () => s3.send(new HeadObjectCommand({ Bucket, Key: 'kept' })),
      () => s3.send(new ListObjectsV2Command({ Bucket })),
    ]
    const gateway = store.processes().get('gateway')!
    const residentBytes = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway}/status`, 'utf8'))![1]) * 1024

    /** Many clients at once, for a while; how long the slowest request took. */
    async function askAll(): Promise<number> {
      const untilMs = performance.now() + ASK_MS
      let slowestMs = 0
      const ask = async (n: number) => {
        const startedMs = performance.now()
        const error = await asks[n % asks.length]!().catch((failure: unknown) => failure)
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : error
        // A HEAD has no body to name the code in.
        const name = error instanceof S3ServiceException && n % asks.length !== 2 ? error.name : 'SlowDown'
        if (status !== 503 || !['ServiceUnavailable', 'SlowDown'].includes(name)) t.fail(`${status} ${name}`)
      }
      const client = async (first: number) => {
        for (let n = first; performance.now() < untilMs; n++) await ask(n)
      }
      await Promise.all(Array.from({ length: CLIENTS }, (_, first) => client(first)))
      return slowestMs
    }

    async function checkAway(how: string, waitMsMax: number): Promise<void> {
      const before = residentBytes()
      const slowestMs = await askAll()
      t.comment(`${how}: answered within ${slowestMs.toFixed(0)} ms`)
      t.ok(slowestMs < waitMsMax, `${how}: ${slowestMs} ms`)
      t.ok(residentBytes() - before < GROWTH_BYTES_MAX, `${how}: memory is bounded`)
    }

    async function checkBack(how: string): Promise<void> {
      const startedMs = performance.now()
      await eventually('reads and writes go on', RETURN_MS, async () => {
        const done = await Promise.allSettled([asks[0]!(), asks[1]!(), asks[3]!()])
        return done.every(({ status }) => status === 'fulfilled')
      })
      t.comment(`${how}: on again after ${(performance.now() - startedMs).toFixed(0)} ms`)
      const { Body: read } = await s3.send(new GetObjectCommand({ Bucket, Key: 'kept' }))
      t.ok(Buffer.from(await read!.transformToByteArray()).equals(Body))
    }

    process.kill(server!.pid(), 'SIGKILL')
    await checkAway('killed', 10_000)
    await server!.start()
    await checkBack('killed')

    {
      using _still = await server!.standStill()
      await checkAway('standing still', 10_000)
      await checkAway('standing still for a while', 10_000)
    }
    await checkBack('standing still')
  },
)
