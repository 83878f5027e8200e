import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Client } from 'pg'
import t from 'tap'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { kill } from '../../support/up.ts'

const MIB = 1024 * 1024
const Bucket = 'stopped'
/** All times as short as they may be: what takes an hour takes seconds. */
const quick = {
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_PUT_TTL_SECONDS: '2',
  SEXTANT_UPLOAD_TTL_SECONDS: '3',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
  SEXTANT_HEARTBEAT_SECONDS: '0.3',
}

/** Sends `bytes`, then nothing more, until it is aborted. */
function stalled(bytes: number, signal: AbortSignal): Readable {
  async function* body() {
    for (let sent = 0; sent < bytes; sent += MIB) yield randomBytes(MIB)
    await sleep(120_000, undefined, { signal }).catch(() => {})
  }
  return Readable.from(body())
}

t.test('uploads that stop leave nothing on the nodes', async (t) => {
  await using store = new StoreUnderTest(quick)
  await store.start()
  const s3 = store.client({ maxAttempts: 1 })
  const database = new Client({ connectionString: store.databaseUrl() })
  await database.connect()
  await using _ = { [Symbol.asyncDispose]: () => database.end() }
  const chunks = async () => {
    const { rows } = await database.query('select sum(chunk_count)::int as chunks from storage_servers')
    return rows[0].chunks as number
  }
  const rowsIn = async (table: string) =>
    (await database.query(`select count(*)::int as rows from ${table}`)).rows[0].rows as number
  await s3.send(new CreateBucketCommand({ Bucket }))
  t.equal(await chunks(), 0, 'a fresh store has no chunks')

  await t.test('a client that disconnects', async (t) => {
    const gone = new AbortController()
    const body = stalled(24 * MIB, gone.signal)
    const sending = s3.send(new PutObjectCommand({ Bucket, Key: 'cut-off', Body: body, ContentLength: 48 * MIB }), {
      abortSignal: gone.signal,
    })
    sending.catch(() => {})
    await sleep(1500)
    gone.abort()
    await t.rejects(sending)
    await s3.send(new PutObjectCommand({ Bucket, Key: 'marker', Body: randomBytes(1000) }))
    await eventually('the marker alone is on the nodes', 60_000, async () => (await chunks()) === 8)
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'marker' }))
    await eventually('the deleted marker is gone', 60_000, async () => (await chunks()) === 0)
    t.equal(await rowsIn('parts'), 0)
    t.equal(await rowsIn('doomed_parts'), 0)
  })

  await t.test('a gateway killed in the middle of uploads, large and small', async () => {
    const gone = new AbortController()
    const unfinished = [1, 2, 3].map((n) =>
      s3
        .send(
          new PutObjectCommand({ Bucket, Key: `k${n}`, Body: stalled(12 * MIB, gone.signal), ContentLength: 48 * MIB }),
          { abortSignal: gone.signal },
        )
        .catch(() => {}),
    )
    const small = (async () => {
      for (let n = 0; n < 10_000 && !gone.signal.aborted; n++) {
        const sent = s3.send(new PutObjectCommand({ Bucket, Key: 'small', Body: randomBytes(5000) }))
        await sent.catch(() => gone.abort())
      }
    })()
    await sleep(1500)
    kill(store.processes().get('gateway')!, 'SIGKILL')
    await Promise.all([small, ...unfinished])
    await eventually(
      'the gateway is back',
      60_000,
      async () => (await fetch(`${store.announced.endpoint}/health`).catch(() => null))?.ok ?? false,
    )
    await eventually('only the last small object is left', 60_000, async () => {
      const parts = await rowsIn('parts')
      return parts <= 1 && (await chunks()) === 8 * parts
    })
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'small' }))
    await eventually('nothing is left', 60_000, async () => (await chunks()) === 0)
  })

  await t.test('a multipart upload that is never completed', async (t) => {
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'never' }))
    for (const PartNumber of [1, 2, 2]) {
      await s3.send(new UploadPartCommand({ Bucket, Key: 'never', UploadId, PartNumber, Body: randomBytes(5 * MIB) }))
    }
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
    t.equal(Uploads?.length, 1)
    await eventually('its chunks are gone', 60_000, async () => (await chunks()) === 0)
    await t.rejects(s3.send(new ListPartsCommand({ Bucket, Key: 'never', UploadId })), { name: 'NoSuchUpload' })
    for (const table of ['parts', 'upload_parts', 'doomed_parts']) t.equal(await rowsIn(table), 0, table)
  })
})
