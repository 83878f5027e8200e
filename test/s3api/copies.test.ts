import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'

async function withSource() {
  const s3 = await startS3()
  for (const Bucket of ['bucket', 'second']) await s3.client.send(new CreateBucketCommand({ Bucket }))
  const said = { ContentType: 'text/plain', Metadata: { a: '1' }, WebsiteRedirectLocation: '/x' }
  const source = await s3.client.send(
    new PutObjectCommand({ Bucket: 'bucket', Key: 'so urce+ü', Body: 'hello', ...said }),
  )
  const copy = (input: Partial<CopyObjectCommandInput> = {}) =>
    s3.client.send(
      new CopyObjectCommand({ Bucket: 'second', Key: 'copy', CopySource: '/bucket/so%20urce%2B%C3%BC', ...input }),
    )
  const head = (Key = 'copy', Bucket = 'second') => s3.client.send(new HeadObjectCommand({ Bucket, Key }))
  return { s3, copy, head, etag: source.ETag!, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

t.test('CopyObject: bytes and metadata go along, storage class and redirect do not', async (t) => {
  await using it = await withSource()
  const { CopyObjectResult } = await it.copy({ StorageClass: 'REDUCED_REDUNDANCY' })
  t.match(CopyObjectResult, { ETag: it.etag, ChecksumType: 'FULL_OBJECT' })
  t.ok(CopyObjectResult?.LastModified instanceof Date)
  t.ok(CopyObjectResult?.ChecksumCRC32)
  const headed = await it.head()
  t.match(headed, { ContentType: 'text/plain', Metadata: { a: '1' }, StorageClass: 'REDUCED_REDUNDANCY' })
  t.equal(headed.WebsiteRedirectLocation, undefined)
  const got = await it.s3.client.send(new GetObjectCommand({ Bucket: 'second', Key: 'copy' }))
  t.equal(await got.Body!.transformToString(), 'hello')
})

t.test('CopyObject: REPLACE gives it what the request says', async (t) => {
  await using it = await withSource()
  await it.copy({ MetadataDirective: 'REPLACE', ContentType: 'text/html', Metadata: { b: '2' } })
  t.match(await it.head(), { ContentType: 'text/html', Metadata: { b: '2' } })
  await it.copy({ ContentType: 'text/html', Metadata: { b: '2' } })
  t.match(await it.head(), { ContentType: 'text/plain', Metadata: { a: '1' } }, 'COPY passes the new ones over')
  await t.rejects(it.copy({ MetadataDirective: 'OTHER' as 'COPY' }), { name: 'InvalidArgument' })
})

t.test('CopyObject: onto itself only with a change', async (t) => {
  await using it = await withSource()
  const itself = { Bucket: 'bucket', Key: 'so urce+ü' }
  await t.rejects(it.copy(itself), { name: 'InvalidRequest', $metadata: { httpStatusCode: 400 } })
  await it.copy({ ...itself, MetadataDirective: 'REPLACE', Metadata: { c: '3' } })
  t.match(await it.head('so urce+ü', 'bucket'), { Metadata: { c: '3' } })
  await it.copy({ ...itself, StorageClass: 'REDUCED_REDUNDANCY' })
})

t.test('CopyObject: failed conditions on the source are 412, never 304', async (t) => {
  await using it = await withSource()
  const past = new Date(Date.now() - 86_400_000)
  const { LastModified: modified } = await it.head('so urce+ü', 'bucket')
  const failed = { name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } }
  await t.rejects(it.copy({ CopySourceIfMatch: '"x"' }), failed)
  await t.rejects(it.copy({ CopySourceIfNoneMatch: it.etag }), failed)
  await t.rejects(it.copy({ CopySourceIfModifiedSince: modified! }), failed)
  await t.rejects(it.copy({ CopySourceIfUnmodifiedSince: past }), failed)
  await it.copy({ CopySourceIfMatch: it.etag, CopySourceIfUnmodifiedSince: past })
  await t.rejects(it.copy({ IfNoneMatch: '*' }), failed, 'the copy is there')
})

t.test('CopyObject: sources that are not there, not one’s own, or no source at all', async (t) => {
  await using it = await withSource()
  await t.rejects(it.copy({ CopySource: 'bucket/none' }), { name: 'NoSuchKey' })
  await t.rejects(it.copy({ CopySource: 'nobody/key' }), { name: 'NoSuchBucket' })
  await t.rejects(it.copy({ CopySource: 'bucket' }), { name: 'InvalidArgument' })
  await it.s3.other.send(new CreateBucketCommand({ Bucket: 'others' }))
  await it.s3.other.send(new PutObjectCommand({ Bucket: 'others', Key: 'key', Body: 'secret' }))
  await t.rejects(it.copy({ CopySource: 'others/key' }), { name: 'AccessDenied' })
  await t.rejects(it.copy({ ExpectedSourceBucketOwner: it.s3.otherKey.account.id }), { name: 'AccessDenied' })
  t.notOk(it.s3.engine.buckets.get('second')!.objects.has('copy'))
})

t.test('CopyObject: over 5 GiB, or with a checksum of another kind, is refused', async (t) => {
  await using it = await withSource()
  await t.rejects(it.copy({ ChecksumAlgorithm: 'SHA256' }), { name: 'NotImplemented' })
  await it.copy({ ChecksumAlgorithm: 'CRC32' })
  const held = it.s3.engine.buckets.get('bucket')!.objects.get('so urce+ü')!
  held.version = { ...held.version, sizeBytes: 5 * 1024 ** 3 + 1 }
  await t.rejects(it.copy(), { name: 'InvalidRequest' })
})
