import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'
import { isEver } from '../support/until.ts'

/** Of a listing of 1,000 keys as long as can be, roughly. */
const LISTING_BYTES = 1_400_000
/** More than the kernel takes for a client that does not read. */
const LISTINGS = 16

async function withKeys(http: { answerIdleMs?: number; answerBytesMax?: number }) {
  const s3 = await startS3({ settings: { http } })
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: '' }))
  const { objects } = [...s3.engine.buckets.values()][0]!
  const { version, bytes } = objects.get('key')!
  objects.clear()
  for (let n = 0; n < 1000; n++) {
    const key = `${'x'.repeat(1000)}${n}` as typeof version.key
    objects.set(key, { version: { ...version, key }, bytes })
  }
  return s3
}

type S3 = Awaited<ReturnType<typeof withKeys>>

/** Asks for all of it again and again, and takes nothing. */
async function askInVain(s3: S3) {
  const silent = await s3.raw()
  silent.socket.pause()
  for (let n = 0; n < LISTINGS; n++) silent.send(s3.head('GET', '/bucket?list-type=2'))
  return silent
}

async function statusOfListing(s3: S3, query: string): Promise<number> {
  const connection = await s3.raw()
  connection.send(s3.head('GET', `/bucket?list-type=2${query}`, { Connection: 'close' }))
  const { status } = await connection.answer()
  return status
}

t.test('ListObjectsV2: a large answer needs memory until it is taken; a small one does not', async (t) => {
  await using s3 = await withKeys({ answerBytesMax: LISTING_BYTES })
  for (let n = 0; n < 3; n++) t.equal(await statusOfListing(s3, ''), 200, 'what was taken is free again')
  await using full = await withKeys({ answerBytesMax: LISTING_BYTES / 2 })
  t.equal(await statusOfListing(full, ''), 503)
  t.equal(await statusOfListing(full, '&max-keys=10'), 200)
})

t.test('ListObjectsV2: a client that takes nothing of its answer is let go', async (t) => {
  await using s3 = await withKeys({ answerIdleMs: 300, answerBytesMax: LISTING_BYTES * 100 })
  await askInVain(s3)
  t.ok(await isEver(() => s3.records.some(({ status }) => status === 499)))
})

t.test('PutObject: what is sent ahead is begun when all before it is answered', async (t) => {
  await using s3 = await withKeys({ answerBytesMax: LISTING_BYTES * 100 })
  const connection = await s3.raw()
  connection.socket.pause()
  for (let n = 0; n < LISTINGS - 2; n++) connection.send(s3.head('GET', '/bucket?list-type=2'))
  connection.send(s3.head('PUT', '/bucket/ahead', { 'Content-Length': '0' }))
  const isThere = () => s3.engine.buckets.get('bucket' as never)!.objects.has('ahead' as never)
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.notOk(isThere())
  connection.socket.resume()
  t.ok(await isEver(isThere))
})
