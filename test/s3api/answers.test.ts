import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'
import { until } from '../support/until.ts'

async function withBucket(options?: Parameters<typeof startS3>[0]) {
  const s3 = await startS3(options)
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return s3
}

t.test('a client that does not take its answer is let go', async (t) => {
  await using s3 = await withBucket({ settings: { http: { answerIdleMs: 200 } } })
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: Buffer.alloc(50_000_000) }))
  const connection = await s3.raw()
  connection.socket.pause()
  connection.send(s3.head('GET', '/bucket/key'))
  await until(() => s3.records.at(-1)?.operation === 'GetObject')
  t.equal(s3.records.at(-1)?.status, 499)
})

t.test(
  'bytes are used until the kernel has them, and no longer: a client that reads late gets all of them right',
  async (t) => {
    await using s3 = await withBucket()
    const Body = randomBytes(12_000_000)
    await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body }))
    const connection = await s3.raw()
    connection.socket.pause()
    // The second answer waits for the first.
    connection.send(s3.head('GET', '/bucket/key'))
    connection.send(s3.head('GET', '/bucket/key', { Range: 'bytes=100-300099' }))
    await sleep(300)
    connection.socket.resume()
    t.equal((await connection.answer()).body, Body.toString('latin1'))
    t.equal((await connection.answer()).body, Body.toString('latin1', 100, 300_100))
  },
)
