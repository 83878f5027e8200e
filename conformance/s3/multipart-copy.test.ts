import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, multipartEtag, sha256 } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const MIN = 5 * 1024 * 1024
const source = bytes(MIN + 600_000, 'source')
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'source', Body: source }))
const CopySource = `${bucket}/source`
const Key = 'target'
const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
t.teardown(() => s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch(() => {}))
const copy = (input: Partial<UploadPartCopyCommandInput> = {}) =>
  s3.send(new UploadPartCopyCommand({ Bucket: bucket, Key, UploadId, PartNumber: 9, CopySource, ...input }))

t.test('UploadPartCopy: a whole object, a range, and a sent part: completed byte for byte', async (t) => {
  const mixed = 'mixed'
  const made = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: mixed }))
  const named = { Bucket: bucket, Key: mixed, UploadId: made.UploadId }
  const whole = await s3.send(new UploadPartCopyCommand({ ...named, PartNumber: 1, CopySource }))
  const CopySourceRange = `bytes=100-${MIN + 99}`
  const range = await s3.send(new UploadPartCopyCommand({ ...named, PartNumber: 2, CopySource, CopySourceRange }))
  const sent = await s3.send(new UploadPartCommand({ ...named, PartNumber: 3, Body: 'tail' }))
  t.equal(whole.CopyPartResult?.ETag, `"${md5(source)}"`)
  t.equal(range.CopyPartResult?.ETag, `"${md5(source.subarray(100, MIN + 100))}"`)
  t.ok(range.CopyPartResult?.LastModified instanceof Date)
  const etags = [whole.CopyPartResult?.ETag, range.CopyPartResult?.ETag, sent.ETag]
  const MultipartUpload = { Parts: etags.map((ETag, n) => ({ ETag, PartNumber: n + 1 })) }
  const done = await s3.send(new CompleteMultipartUploadCommand({ ...named, MultipartUpload }))
  const pieces = [source, source.subarray(100, MIN + 100), Buffer.from('tail')]
  t.equal(done.ETag, multipartEtag(pieces))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: mixed }))
  t.equal(sha256(await got.Body!.transformToByteArray()), sha256(Buffer.concat(pieces)))
})

t.test('UploadPartCopy: ranges: first, last and all bytes: the right ones', async (t) => {
  for (const [first, last] of [
    [0, 0],
    [source.length - 1, source.length - 1],
    [0, source.length - 1],
    [5, 11],
  ] as const) {
    const done = await copy({ CopySourceRange: `bytes=${first}-${last}` })
    t.equal(done.CopyPartResult?.ETag, `"${md5(source.subarray(first, last + 1))}"`, `${first}-${last}`)
  }
})

t.test('UploadPartCopy: a range that is not `bytes=a-b`: 400 InvalidArgument (quirk 28)', async (t) => {
  for (const CopySourceRange of ['0-5', 'bytes=0-', 'bytes=-5', 'bytes=5-1', 'bytes=a-b', 'bytes=0-1,3-4', 'bytes=1'])
    await refused(t, copy({ CopySourceRange }), 400, 'InvalidArgument', CopySourceRange)
})

t.test('UploadPartCopy: a range beyond the source: refused', async (t) => {
  const path = `/${bucket}/${Key}?partNumber=9&uploadId=${UploadId}`
  for (const range of [`bytes=0-${source.length}`, `bytes=${source.length}-${source.length + 1}`]) {
    const headers = { 'x-amz-copy-source': `/${CopySource}`, 'x-amz-copy-source-range': range }
    const answer = await send({ method: 'PUT', path, headers })
    t.match([answer.status, element(answer.body, 'Code')], [/^4(00|16)$/, /^Invalid(Argument|Range|Request)$/], range)
  }
})

t.test('UploadPartCopy: conditions on the source: 412 when they fail', async (t) => {
  await refused(t, copy({ CopySourceIfMatch: '"nope"' }), 412, 'PreconditionFailed')
  await refused(t, copy({ CopySourceIfNoneMatch: `"${md5(source)}"` }), 412, 'PreconditionFailed')
  const hourAgo = new Date(Date.now() - 3_600_000)
  await refused(t, copy({ CopySourceIfUnmodifiedSince: hourAgo }), 412, 'PreconditionFailed')
  t.ok((await copy({ CopySourceIfMatch: `"${md5(source)}"` })).CopyPartResult?.ETag)
})

t.test('UploadPartCopy: source key or bucket, or upload not there: 404', async (t) => {
  await refused(t, copy({ CopySource: `${bucket}/none` }), 404, 'NoSuchKey')
  await refused(t, copy({ CopySource: `${suite.newBucketName()}/none` }), 404, 'NoSuchBucket')
  await refused(t, copy({ UploadId: 'none' }), 404, 'NoSuchUpload')
})

t.test('UploadPartCopy: its answer is CopyPartResult', async (t) => {
  const path = `/${bucket}/${Key}?partNumber=9&uploadId=${UploadId}&x-id=UploadPartCopy`
  const answer = await send({ method: 'PUT', path, headers: { 'x-amz-copy-source': CopySource } })
  t.match(String(answer.body), /<CopyPartResult[ >]/)
})

t.test('UploadPartCopy: part number 10,001: 400 InvalidArgument', async (t) => {
  const path = `/${bucket}/${Key}?partNumber=10001&uploadId=${UploadId}`
  refusedWire(
    t,
    await send({ method: 'PUT', path, headers: { 'x-amz-copy-source': CopySource } }),
    400,
    'InvalidArgument',
  )
})
