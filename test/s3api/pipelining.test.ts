import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'

async function withBucket() {
  const s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  return s3
}

t.test('requests that are sent one behind the other are answered in order', async (t) => {
  await using s3 = await withBucket()
  const connection = await s3.raw()
  connection.send(`${[...s3.head('PUT', '/bucket/a', { 'Content-Length': '3' })].join('\r\n')}\r\n\r\none`)
  connection.send(s3.head('GET', '/bucket/a'))
  connection.send(s3.head('GET', '/bucket/b'))
  t.equal((await connection.answer()).status, 200)
  t.ok([200, 404].includes((await connection.answer()).status))
  t.equal((await connection.answer()).status, 404)
})

t.test('requests without end that wait for no answer cost the connection', async (t) => {
  await using s3 = await withBucket()
  await s3.client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: Buffer.alloc(1_000) }))
  let begun = 0
  s3.engine.beforePiece = () => {
    begun += 1
    return new Promise(() => {})
  }
  const { stackTraceLimit } = Error
  const connection = await s3.raw()
  const one = `${s3.head('GET', '/bucket/key').join('\r\n')}\r\n\r\n`
  connection.send(one.repeat(1_000))
  await connection.closed
  t.equal(Error.stackTraceLimit, stackTraceLimit, 'later errors have their stacks')
  t.ok(begun <= 16, `${begun} of 1,000 were begun`)
  t.equal(
    (await s3.client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'missing' })).catch((e) => e)).name,
    'NoSuchKey',
  )
})
