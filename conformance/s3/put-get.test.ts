import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5 } from '../support/bytes.ts'
import { openSuite, refused } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite

t.test('PutObject: bytes in memory: the ETag is their MD5, quoted; read back whole', async (t) => {
  const body = bytes(100_000)
  const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'plain', Body: body }))
  t.equal(put.ETag, `"${md5(body)}"`)
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'plain' }))
  t.same(Buffer.from(await got.Body!.transformToByteArray()), body)
  t.equal(got.ContentLength, body.length)
  t.equal(got.ETag, put.ETag)
  t.equal(got.AcceptRanges, 'bytes')
  t.ok(Math.abs(got.LastModified!.getTime() - Date.now()) < 60_000)
})

t.test('PutObject: a stream of known length: read back whole', async (t) => {
  const body = bytes(300_000, 'stream')
  const pieces = Readable.from([body.subarray(0, 7), body.subarray(7, 150_000), body.subarray(150_000)], {
    objectMode: false,
  })
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'streamed', Body: pieces, ContentLength: body.length }))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'streamed' }))
  t.same(Buffer.from(await got.Body!.transformToByteArray()), body)
})

t.test('PutObject: over an object: the new bytes and attributes, nothing of the old', async (t) => {
  await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: 'twice',
      Body: 'first and longer',
      Metadata: { old: '1' },
      CacheControl: 'no-store',
    }),
  )
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'twice', Body: 'second', ContentType: 'text/plain' }))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'twice' }))
  t.equal(await text(got.Body as Readable), 'second')
  t.same(got.Metadata, {})
  t.equal(got.CacheControl, undefined)
  t.equal(got.ContentType, 'text/plain')
})

t.test('PutObject: without a Content-Type: binary/octet-stream', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/untyped`, body: 'x' })
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'untyped' }))
  t.equal(head.ContentType, 'binary/octet-stream')
})

t.test('PutObject: every standard header: kept on GET and HEAD', async (t) => {
  const given = {
    CacheControl: 'max-age=60, public',
    ContentDisposition: 'attachment; filename="a b.txt"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de-AT, en',
    ContentType: 'text/plain; charset=utf-8',
    WebsiteRedirectLocation: '/elsewhere',
  }
  const expires = 'Wed, 21 Oct 2099 07:28:00 GMT'
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: 'headers', Body: 'x', Expires: new Date(expires), ...given }),
  )
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'headers' }))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'headers' }))
  await got.Body!.transformToByteArray()
  t.match(head, given)
  t.match(got, given)
  t.equal(head.ExpiresString, expires)
})

t.test('PutObject: Expires that is no date: kept as it came', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/expires`, body: 'x', headers: { Expires: '0' } })
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/expires` })).headers.expires, '0')
})

t.test(
  'PutObject: user metadata: names in lower case, values as they were, repeated headers joined by a comma',
  async (t) => {
    const metadata = { Mixed: 'Case Kept', 'with-dash': 'a=b; c', empty: '', 'dotted.name': '1' }
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'meta', Body: 'x', Metadata: metadata }))
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'meta' }))
    t.same(head.Metadata, { mixed: 'Case Kept', 'with-dash': 'a=b; c', empty: '', 'dotted.name': '1' })
  },
)

t.test(
  'PutObject: user metadata with non-ASCII values, as UTF-8 and as RFC 2047: reads the same when it comes back',
  async (t) => {
    const value = 'Zürich – 北京 🌍'
    const encoded = `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`
    for (const [name, sent] of Object.entries({ utf8: value, rfc2047: encoded })) {
      const path = `/${bucket}/meta-${name}`
      const put = await send({ method: 'PUT', path, body: 'x', headers: { 'x-amz-meta-city': sent } })
      t.equal(put.status, 200, `${name}: stored`)
      const head = await send({ method: 'HEAD', path })
      t.equal(decodeMetadata(head.headers['x-amz-meta-city'] ?? ''), value, name)
    }
  },
)

t.test('HeadObject: there: the headers of GET and no body; not there: 404 without a body', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'head', Body: '12345', ContentType: 'text/x-y' }))
  const [head, got] = [
    await send({ method: 'HEAD', path: `/${bucket}/head` }),
    await send({ method: 'GET', path: `/${bucket}/head` }),
  ]
  for (const name of ['content-length', 'content-type', 'etag', 'last-modified', 'accept-ranges'])
    t.equal(head.headers[name], got.headers[name], name)
  t.equal(head.headers['content-length'], '5')
  t.match(head.headers['last-modified'], /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/)
  await refused(t, s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'no such' })), 404, 'NotFound')
})

t.test('GetObject: not there: 404 NoSuchKey; bucket not there: 404 NoSuchBucket', async (t) => {
  const fault = await refused(t, s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'no such' })), 404, 'NoSuchKey')
  t.match(fault, { Key: 'no such' }, 'the error names the key')
  const gone = s3.send(new GetObjectCommand({ Bucket: suite.newBucketName(), Key: 'x' }))
  await refused(t, gone, 404, 'NoSuchBucket')
})

t.test('PutObject: storage classes: kept; STANDARD is not shown; an unknown one is refused', async (t) => {
  const Key = 'class'
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', StorageClass: 'REDUCED_REDUNDANCY' }))
  t.equal((await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).StorageClass, 'REDUCED_REDUNDANCY')
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', StorageClass: 'STANDARD' }))
  t.equal((await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).StorageClass, undefined)
  const wrong = s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', StorageClass: 'COLDEST' as 'STANDARD' }))
  await refused(t, wrong, 400, 'InvalidStorageClass')
})

t.test('DeleteObject: there and not there: 204, and it is gone', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'gone', Body: 'x' }))
  for (const round of ['first', 'again']) {
    const gone = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'gone' }))
    t.equal(gone.$metadata.httpStatusCode, 204, round)
    t.equal(gone.DeleteMarker, undefined)
  }
  await refused(t, s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'gone' })), 404, 'NoSuchKey')
  const nowhere = s3.send(new DeleteObjectCommand({ Bucket: suite.newBucketName(), Key: 'gone' }))
  await refused(t, nowhere, 404, 'NoSuchBucket')
})

/** S3 shows non-ASCII values as raw UTF-8 or as RFC 2047 words: both are for the client to read. */
function decodeMetadata(value: string): string {
  const word = /^=\?utf-8\?([bq])\?([^?]*)\?=$/i.exec(value)
  if (!word) return Buffer.from(value, 'latin1').toString()
  if (word[1]!.toLowerCase() === 'b') return Buffer.from(word[2]!, 'base64').toString()
  const raw = word[2]!
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(raw, 'latin1').toString()
}
