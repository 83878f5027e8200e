import { createHash } from 'node:crypto'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'
import { until } from '../support/until.ts'

const BUDGET_BYTES = 200_000
const document = (paddingBytes: number) => `<Delete><Object><Key>k</Key></Object>${' '.repeat(paddingBytes)}</Delete>`

t.test('DeleteObjects: large documents that are still coming share a memory; small ones need none', async (t) => {
  await using s3 = await startS3({ settings: { http: { documentBytesMax: BUDGET_BYTES } } })
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const begin = async (body: string, partBytes = body.length) => {
    const connection = await s3.raw()
    const md5 = createHash('md5').update(body).digest('base64')
    connection.send(s3.head('POST', '/bucket?delete', { 'Content-Length': String(body.length), 'Content-MD5': md5 }))
    connection.send(body.slice(0, partBytes))
    return connection
  }
  const large = document(300_000)
  // It takes room as it comes, twice as much each time; nothing but the server knows when.
  const slow = await begin(large, 120_000)
  const isRefused = async () => (await (await begin(large, 150_000)).answer()).status === 503
  const answer = await (await begin(large, 200_000)).answer()
  t.equal(answer.status, 503)
  t.match(answer.body, '<Code>SlowDown</Code>')
  t.ok(await isRefused())
  const small = await begin(document(10_000))
  t.equal((await small.answer()).status, 200, 'a small one is taken')
  slow.socket.destroy()
  await until(() => s3.records.some(({ status }) => status === 499 || status === 400))
  const after = await begin(document(180_000))
  t.equal((await after.answer()).status, 200, 'what the slow one held is free again')
})

t.test('GetObject: a body that nobody wants is dropped as it comes', async (t) => {
  await using s3 = await startS3({ settings: { http: { documentBytesMax: 0 } } })
  const connection = await s3.raw()
  const body = 'x'.repeat(500_000)
  connection.send(s3.head('GET', '/', { 'Content-Length': String(body.length) }))
  connection.send(body)
  t.equal((await connection.answer()).status, 200)
})
