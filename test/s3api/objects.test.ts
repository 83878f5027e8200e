import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { startS3, statusOf } from '../support/s3-server.ts'

const Bucket = 'bucket'
const Key = 'key'

async function withBucket() {
  const s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  const put = (input: Partial<PutObjectCommandInput> = {}) =>
    s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'hello world', ...input }))
  const get = (input: Partial<ConstructorParameters<typeof GetObjectCommand>[0]> = {}) =>
    s3.client.send(new GetObjectCommand({ Bucket, Key, ...input }))
  const head = (input: Partial<ConstructorParameters<typeof HeadObjectCommand>[0]> = {}) =>
    s3.client.send(new HeadObjectCommand({ Bucket, Key, ...input }))
  return { s3, put, get, head, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

t.test('PutObject, GetObject, HeadObject: what was said of an object is told again', async (t) => {
  await using it = await withBucket()
  const said = {
    CacheControl: 'max-age=5',
    ContentDisposition: 'attachment; filename="a.txt"',
    ContentEncoding: 'gzip',
    ContentLanguage: 'de, en',
    ContentType: 'text/plain',
    Metadata: { one: '1', two: 'zwei  Wörter' },
    StorageClass: 'REDUCED_REDUNDANCY' as const,
    WebsiteRedirectLocation: '/other',
  }
  await it.put({ ...said, Expires: new Date('2030-01-01T00:00:00Z') })
  const Metadata = { one: '1', two: '=?UTF-8?Q?zwei__W=C3=B6rter?=' }
  const { Body, ...got } = await it.get()
  t.match(got, {
    ...said,
    Metadata,
    ContentLength: 11,
    ETag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    AcceptRanges: 'bytes',
  })
  t.equal(got.ExpiresString, 'Tue, 01 Jan 2030 00:00:00 GMT')
  t.equal(await Body!.transformToString(), 'hello world')
  const headed = await it.head()
  t.match(headed, { ...said, Metadata, ContentLength: 11 })
  t.equal(headed.ChecksumCRC32, undefined)
  await it.put({ StorageClass: 'STANDARD' })
  t.equal((await it.get()).StorageClass, undefined, 'STANDARD goes without saying')
})

t.test('PutObject: aws-chunked is how a body travels, not what it is', async (t) => {
  await using it = await withBucket()
  const Body = Readable.from([Buffer.from('hello '), Buffer.from('world')])
  await it.put({ Body, ContentLength: 11, ContentEncoding: 'gzip' })
  const got = await it.head()
  t.equal(got.ContentEncoding, 'gzip')
  const empty = Readable.from([])
  await it.put({ Body: empty, ContentLength: 0 })
  t.match(await it.head(), { ContentEncoding: undefined, ContentLength: 0 })
})

t.test('PutObject: without Content-Type it is binary/octet-stream; empty headers are none', async (t) => {
  await using it = await withBucket()
  const connection = await it.s3.raw()
  connection.send(
    it.s3.head('PUT', `/${Bucket}/${Key}`, { 'Content-Length': '0', 'Cache-Control': '', 'Content-Type': '' }),
  )
  t.equal((await connection.answer()).status, 200)
  connection.send(it.s3.head('GET', `/${Bucket}/${Key}`))
  const { headers } = await connection.answer()
  t.equal(headers['content-type'], 'binary/octet-stream')
  t.notOk('cache-control' in headers)
  t.equal(headers['content-length'], '0')
  t.match(headers['x-amz-request-id'], /^[0-9A-F]{16}$/)
  t.ok(headers['x-amz-id-2'])
  t.equal(headers.server, 'Sextant')
  t.ok(Date.parse(headers.date!))
})

t.test('PutObject: metadata beyond 2 KiB, unknown storage classes and sizes are refused', async (t) => {
  await using it = await withBucket()
  await it.put({ Metadata: { a: 'x'.repeat(2047) } })
  await t.rejects(it.put({ Metadata: { a: 'x'.repeat(2048) } }), { name: 'MetadataTooLarge' })
  await t.rejects(it.put({ StorageClass: 'GLACIER' }), { name: 'InvalidStorageClass' })
  await t.rejects(it.put({ WebsiteRedirectLocation: 'ftp://x' }), { name: 'InvalidArgument' })
  const ask = async (headers: Record<string, string>) => {
    const connection = await it.s3.raw()
    connection.send(it.s3.head('PUT', `/${Bucket}/new`, headers))
    const { status, body } = await connection.answer()
    connection.socket.destroy()
    return [status, /<Code>(\w+)/.exec(body)?.[1]]
  }
  t.same(await ask({}), [411, 'MissingContentLength'])
  t.same(await ask({ 'Transfer-Encoding': 'chunked' }), [411, 'MissingContentLength'])
  t.same(await ask({ 'Content-Length': '5368709121' }), [400, 'EntityTooLarge'])
  t.notOk(it.s3.engine.buckets.get(Bucket)!.objects.has('new'))
})

t.test('PutObject: Content-MD5 and checksums are judged', async (t) => {
  await using it = await withBucket()
  const md5 = createHash('md5').update('hello world').digest('base64')
  await it.put({ ContentMD5: md5 })
  await t.rejects(it.put({ ContentMD5: createHash('md5').update('x').digest('base64') }), { name: 'BadDigest' })
  for (const ContentMD5 of ['x', 'AAAA', `${md5}AAAA`]) {
    await t.rejects(it.put({ ContentMD5 }), { name: 'InvalidDigest' }, ContentMD5)
  }
  const sha256 = createHash('sha256').update('hello world').digest('base64')
  const written = await it.put({ ChecksumSHA256: sha256 })
  t.match(written, { ChecksumSHA256: sha256, ChecksumType: 'FULL_OBJECT' })
  t.match(await it.head({ ChecksumMode: 'ENABLED' }), { ChecksumSHA256: sha256, ChecksumType: 'FULL_OBJECT' })
  t.match(await it.head({ ChecksumMode: 'enabled' as 'ENABLED' }), { ChecksumSHA256: sha256 })
  t.equal((await it.head()).ChecksumSHA256, undefined)
  await t.rejects(it.put({ ChecksumSHA256: createHash('sha256').update('x').digest('base64') }), { name: 'BadDigest' })
  await t.rejects(it.put({ ChecksumSHA256: 'short' }), { name: 'InvalidRequest' })
  await t.rejects(it.put({ ChecksumSHA256: sha256, ChecksumCRC32: 'AAAAAA==' }), { name: 'InvalidRequest' })
  for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
    const out = await it.put({ ChecksumAlgorithm })
    t.ok(out[`Checksum${ChecksumAlgorithm}`], ChecksumAlgorithm)
    const Body = Readable.from([Buffer.from('hello world')])
    const trailing = await it.put({ ChecksumAlgorithm, Body, ContentLength: 11 })
    t.equal(trailing[`Checksum${ChecksumAlgorithm}`], out[`Checksum${ChecksumAlgorithm}`])
  }
})

t.test('PutObject: x-amz-sdk-checksum-algorithm without its checksum is refused', async (t) => {
  await using it = await withBucket()
  const connection = await it.s3.raw()
  const named = { 'x-amz-sdk-checksum-algorithm': 'CRC32', 'Content-Length': '5' }
  connection.send(it.s3.head('PUT', `/${Bucket}/${Key}`, named))
  connection.send('hello')
  t.match((await connection.answer()).body, /<Code>InvalidRequest<.*no corresponding x-amz-checksum/)
})

t.test('conditional writes', async (t) => {
  await using it = await withBucket()
  await t.rejects(it.put({ IfMatch: '"x"' }), { name: 'NoSuchKey' })
  const { ETag } = await it.put({ IfNoneMatch: '*' })
  await t.rejects(it.put({ IfNoneMatch: '*' }), { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } })
  await t.rejects(it.put({ IfMatch: '"0123"' }), { name: 'PreconditionFailed' })
  await it.put({ IfMatch: ETag! })
  await it.put({ IfMatch: ETag!.replaceAll('"', '') })
  await it.put({ IfMatch: '*' })
})

t.test('GetObject and HeadObject: conditions in the order of RFC 9110', async (t) => {
  await using it = await withBucket()
  const { ETag: tag = '' } = await it.put()
  const other = '"0123"'
  const past = new Date(Date.now() - 86_400_000)
  const now = new Date(Date.now() + 1000)
  const status = async (input: object) => {
    const [got, headed] = await Promise.all([statusOf(it.get(input)), statusOf(it.head(input))])
    t.equal(got, headed, JSON.stringify(input))
    return got
  }
  t.equal(await status({ IfMatch: tag }), 200)
  t.equal(await status({ IfMatch: tag.replaceAll('"', '') }), 200)
  t.equal(await status({ IfMatch: `${other}, ${tag}` }), 200)
  t.equal(await status({ IfMatch: other }), 412)
  t.equal(await status({ IfMatch: '*' }), 200)
  t.equal(await status({ IfNoneMatch: tag }), 304)
  t.equal(await status({ IfNoneMatch: other }), 200)
  t.equal(await status({ IfModifiedSince: past }), 200)
  t.equal(await status({ IfUnmodifiedSince: past }), 412)
  t.equal(await status({ IfUnmodifiedSince: now }), 200)
  t.equal(await status({ IfMatch: tag, IfUnmodifiedSince: past }), 200, 'the ETag counts')
  t.equal(await status({ IfNoneMatch: other, IfModifiedSince: now }), 200, 'the ETag counts')
  t.equal(await status({ IfNoneMatch: tag, IfModifiedSince: past }), 304)
  const modified = (await it.head()).LastModified!
  t.equal(await status({ IfModifiedSince: modified }), 304)
  t.equal(await status({ IfUnmodifiedSince: modified }), 200)
  const connection = await it.s3.raw()
  connection.send(it.s3.head('GET', `/${Bucket}/${Key}`, { 'If-None-Match': tag }))
  const { status: code, headers } = await connection.answer()
  t.equal(code, 304)
  t.equal(headers.etag, tag)
  t.ok(headers['last-modified'])
  t.notOk('content-length' in headers)
})

t.test('GetObject and HeadObject: ranges', async (t) => {
  await using it = await withBucket()
  const { ETag } = await it.put()
  const range = async (Range: string) => {
    const { Body, ...rest } = await it.get({ Range })
    const headed = await it.head({ Range })
    t.equal(headed.ContentRange, rest.ContentRange)
    t.equal(headed.ContentLength, rest.ContentLength)
    t.equal(headed.$metadata.httpStatusCode, rest.$metadata.httpStatusCode)
    return [rest.$metadata.httpStatusCode, rest.ContentRange, await Body!.transformToString()]
  }
  t.same(await range('bytes=0-4'), [206, 'bytes 0-4/11', 'hello'])
  t.same(await range('bytes=6-'), [206, 'bytes 6-10/11', 'world'])
  t.same(await range('bytes=-5'), [206, 'bytes 6-10/11', 'world'])
  t.same(await range('bytes=-50'), [206, 'bytes 0-10/11', 'hello world'])
  t.same(await range('bytes=6-500'), [206, 'bytes 6-10/11', 'world'])
  t.same(await range('bytes=0-0,2-2'), [200, undefined, 'hello world'], 'several: all of it')
  t.same(await range('lines=0-1'), [200, undefined, 'hello world'])
  await t.rejects(it.get({ Range: 'bytes=11-' }), { name: 'InvalidRange', $metadata: { httpStatusCode: 416 } })
  t.equal((await it.get({ Range: 'bytes=0-4' })).ChecksumCRC32, undefined, 'the checksum is of the whole')
  const connection = await it.s3.raw()
  for (const [ifRange, status] of [
    [ETag!, 206],
    ['"other"', 200],
  ] as const) {
    connection.send(it.s3.head('GET', `/${Bucket}/${Key}`, { Range: 'bytes=0-4', 'If-Range': ifRange }))
    t.equal((await connection.answer()).status, status)
  }
  await it.put({ Body: '' })
  await t.rejects(it.get({ Range: 'bytes=0-' }), { name: 'InvalidRange' })
  await t.rejects(it.get({ Range: 'bytes=-1' }), { name: 'InvalidRange' })
})

t.test('GetObject: partNumber on a plain object', async (t) => {
  await using it = await withBucket()
  await it.put()
  const part = await it.get({ PartNumber: 1 })
  t.match(part, { ContentRange: 'bytes 0-10/11', PartsCount: undefined, $metadata: { httpStatusCode: 206 } })
  t.ok(part.ChecksumCRC32)
  await t.rejects(it.get({ PartNumber: 2 }), { name: 'InvalidPartNumber', $metadata: { httpStatusCode: 416 } })
  await t.rejects(it.get({ PartNumber: 1, Range: 'bytes=0-1' }), { name: 'InvalidRequest' })
})

t.test('GetObject: response-* overrides, signed and presigned; never two headers of a name', async (t) => {
  await using it = await withBucket()
  await it.put({ ContentType: 'text/plain', CacheControl: 'no-cache' })
  const overrides = {
    ResponseCacheControl: 'max-age=1',
    ResponseContentDisposition: 'attachment; filename="ü.txt"',
    ResponseContentType: 'text/html',
    ResponseExpires: new Date('2030-01-01T00:00:00Z'),
  }
  const got = await it.get(overrides)
  t.match(got, { CacheControl: 'max-age=1', ContentType: 'text/html', ExpiresString: 'Tue, 01 Jan 2030 00:00:00 GMT' })
  const url = await getSignedUrl(it.s3.client, new GetObjectCommand({ Bucket, Key, ...overrides }))
  const response = await fetch(url)
  t.equal(response.headers.get('content-type'), 'text/html')
  t.equal(await response.text(), 'hello world')
  await t.rejects(it.get({ ResponseContentType: 'text/html\r\nX-Injected: 1' }), { name: 'InvalidArgument' })
  await t.rejects(it.get({ ResponseContentType: '日本' }), { name: 'InvalidArgument' })
})

t.test('presigned PUT: what the presigner moved into the query counts as headers', async (t) => {
  await using it = await withBucket()
  const url = await getSignedUrl(
    it.s3.client,
    new PutObjectCommand({ Bucket, Key, Metadata: { a: 'grün' }, StorageClass: 'REDUCED_REDUNDANCY' }),
  )
  t.equal((await fetch(url, { method: 'PUT', body: 'hello' })).status, 200)
  t.match(await it.head(), { Metadata: { a: '=?UTF-8?Q?gr=C3=BCn?=' }, StorageClass: 'REDUCED_REDUNDANCY' })
  const encrypted = await getSignedUrl(
    it.s3.client,
    new PutObjectCommand({ Bucket, Key, ServerSideEncryption: 'AES256' }),
    {
      hoistableHeaders: new Set(['x-amz-server-side-encryption']),
    },
  )
  t.equal((await fetch(encrypted, { method: 'PUT', body: 'hello' })).status, 200)
  t.match(await it.head(), { ServerSideEncryption: 'AES256' })
})

t.test('a missing key is 404 for the owner, also with a version', async (t) => {
  await using it = await withBucket()
  await t.rejects(it.get({ Key: 'none' }), { name: 'NoSuchKey', $metadata: { httpStatusCode: 404 } })
  t.equal(await statusOf(it.head({ Key: 'none' })), 404)
  await it.put()
  await it.get({ VersionId: 'null' })
  await t.rejects(it.get({ VersionId: '0'.repeat(32) }), { name: 'NoSuchVersion' })
  await t.rejects(it.get({ VersionId: 'some' }), { name: 'InvalidArgument' })
})

t.test('DeleteObject: gone is gone, missing or not', async (t) => {
  await using it = await withBucket()
  await it.put()
  const remove = (input: object = {}) => it.s3.client.send(new DeleteObjectCommand({ Bucket, Key, ...input }))
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  await it.put()
  await t.rejects(remove({ VersionId: 'some' }), { name: 'InvalidArgument' })
  t.equal((await remove({ VersionId: 'null' })).$metadata.httpStatusCode, 204)
  t.equal(it.s3.engine.buckets.get(Bucket)!.objects.size, 0)
})

t.test('DeleteObjects: all in one, quiet or not, faults by key', async (t) => {
  await using it = await withBucket()
  const remove = (keys: string[], Quiet?: boolean) =>
    it.s3.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((each) => ({ Key: each })), Quiet } }),
    )
  for (const each of ['a', 'b', 'c & <d>']) await it.put({ Key: each })
  const out = await remove(['a', 'missing', 'c & <d>'])
  t.same(
    out.Deleted?.map((each) => each.Key),
    ['a', 'missing', 'c & <d>'],
  )
  t.same([...it.s3.engine.buckets.get(Bucket)!.objects.keys()], ['b'])
  const quiet = await remove(['b', 'k'.repeat(1025)], true)
  t.equal(quiet.Deleted, undefined)
  t.match(quiet.Errors, [{ Code: 'KeyTooLongError', Key: 'k'.repeat(1025) }])
  t.equal(it.s3.engine.buckets.get(Bucket)!.objects.size, 0)
  t.equal((await remove(Array.from({ length: 1000 }, (_, i) => `k${i}`))).Deleted?.length, 1000)
  await t.rejects(remove(Array.from({ length: 1001 }, (_, i) => `k${i}`)), { name: 'MalformedXML' })
  await t.rejects(remove([]), { name: 'MalformedXML' })
  const versions = { Objects: [{ Key: 'a', VersionId: 'x' }] }
  const failed = await it.s3.client.send(new DeleteObjectsCommand({ Bucket, Delete: versions }))
  t.match(failed.Errors, [{ Key: 'a', VersionId: 'x', Code: 'NoSuchVersion' }])
})

t.test('DeleteObjects: the body must be proven, and is judged', async (t) => {
  await using it = await withBucket()
  const body = '<Delete><Object><Key>a</Key></Object></Delete>'
  const ask = async (headers: Record<string, string>, sent: string | Buffer = body) => {
    const connection = await it.s3.raw()
    connection.send(it.s3.head('POST', `/${Bucket}?delete`, { 'Content-Length': String(sent.length), ...headers }))
    connection.send(sent)
    const answer = await connection.answer()
    connection.socket.destroy()
    return [answer.status, /<Code>(\w+)/.exec(answer.body)?.[1]]
  }
  const md5 = (text: string | Buffer) => ({ 'Content-MD5': createHash('md5').update(text).digest('base64') })
  t.same(await ask(md5(body)), [200, undefined])
  t.same(await ask({ 'x-amz-checksum-sha1': createHash('sha1').update(body).digest('base64') }), [200, undefined])
  t.same(await ask({}), [400, 'InvalidRequest'])
  t.same(await ask(md5('x')), [400, 'BadDigest'])
  t.same(await ask({ 'x-amz-checksum-crc32': 'AAAAAA==' }), [400, 'BadDigest'])
  const big = Buffer.alloc(2 * 1024 * 1024 + 1, 'x')
  t.same(await ask(md5(big), big), [400, 'MaxMessageLengthExceeded'])
  const hostile = [
    '<!DOCTYPE Delete [<!ENTITY a "b">]><Delete/>',
    '<Delete><Object><Key>&a;</Key></Object></Delete>',
    '<Delete',
    '',
  ]
  for (const each of hostile) t.match(await ask(md5(each), each), [400, /MalformedXML|MissingRequestBody/], each)
  const cr =
    '<?xml version="1.0"?><s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/"><s3:Object><s3:Key> a&#13;&amp;&#x26; </s3:Key></s3:Object></s3:Delete>'
  await it.put({ Key: ' a\r&& ' })
  t.same(await ask(md5(cr), cr), [200, undefined])
  t.equal(it.s3.engine.buckets.get(Bucket)!.objects.size, 0)
})
