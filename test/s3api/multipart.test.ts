import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t from 'tap'
import { startS3, statusOf } from '../support/s3-server.ts'

const Bucket = 'bucket'
const Key = 'a key'
const MIN = 5 * 1024 * 1024

async function withBucket() {
  const s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  const create = async (input: Partial<CreateMultipartUploadCommandInput> = {}) =>
    (await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }))).UploadId!
  const part = (UploadId: string, PartNumber: number, Body: string | Buffer, more: object = {}) =>
    s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }))
  const complete = (
    UploadId: string,
    Parts: { PartNumber: number; ETag: string | undefined }[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ) =>
    s3.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }))
  return { s3, create, part, complete, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

t.test('a multipart upload from beginning to end', async (t) => {
  await using it = await withBucket()
  const created = await it.s3.client.send(
    new CreateMultipartUploadCommand({
      Bucket,
      Key,
      ContentType: 'text/plain',
      Metadata: { a: '1' },
      ChecksumAlgorithm: 'CRC32',
    }),
  )
  t.match(created, { Bucket, Key, ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' })
  const UploadId = created.UploadId!
  const one = await it.part(UploadId, 1, Buffer.alloc(MIN, 'a'), { ChecksumAlgorithm: 'CRC32' })
  const two = await it.part(UploadId, 2, 'end', { ChecksumAlgorithm: 'CRC32' })
  t.ok(one.ChecksumCRC32)
  const listed = await it.s3.client.send(new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 }))
  t.match(listed, {
    Bucket,
    Key,
    UploadId,
    IsTruncated: true,
    MaxParts: 1,
    NextPartNumberMarker: '1',
    PartNumberMarker: '0',
    StorageClass: 'STANDARD',
    ChecksumAlgorithm: 'CRC32',
    ChecksumType: 'COMPOSITE',
    Owner: { DisplayName: 'root' },
    Initiator: { DisplayName: 'root' },
    Parts: [{ PartNumber: 1, Size: MIN, ETag: one.ETag!, ChecksumCRC32: one.ChecksumCRC32! }],
  })
  const rest = await it.s3.client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: '1' }))
  t.match(rest, { IsTruncated: false, Parts: [{ PartNumber: 2, Size: 3 }] })
  const parts = [
    { PartNumber: 1, ETag: one.ETag, ChecksumCRC32: one.ChecksumCRC32 },
    { PartNumber: 2, ETag: two.ETag?.replaceAll('"', ''), ChecksumCRC32: two.ChecksumCRC32 },
  ]
  const completed = await it.complete(UploadId, parts, { MpuObjectSize: MIN + 3 })
  t.match(completed, { Bucket, Key, ETag: /^"[0-9a-f]{32}-2"$/, ChecksumType: 'COMPOSITE', ChecksumCRC32: /-2$/ })
  t.equal(completed.Location, `${it.s3.endpoint}/bucket/a%20key`)
  t.match(
    await it.complete(UploadId, parts),
    { ETag: completed.ETag!, ChecksumCRC32: completed.ChecksumCRC32! },
    'repeated',
  )
  const head = (more: object) => it.s3.client.send(new HeadObjectCommand({ Bucket, Key, ...more }))
  t.match(await head({ ChecksumMode: 'ENABLED' }), {
    ContentType: 'text/plain',
    Metadata: { a: '1' },
    ChecksumType: 'COMPOSITE',
    ChecksumCRC32: completed.ChecksumCRC32!,
  })
  const second = await it.s3.client.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }))
  t.match(second, {
    PartsCount: 2,
    ETag: completed.ETag!,
    ContentRange: `bytes ${MIN}-${MIN + 2}/${MIN + 3}`,
    ChecksumCRC32: two.ChecksumCRC32!,
    $metadata: { httpStatusCode: 206 },
  })
  t.equal(await second.Body!.transformToString(), 'end')
  t.match(await head({ PartNumber: 1 }), { PartsCount: 2, ContentLength: MIN })
  t.equal(await statusOf(head({ PartNumber: 3 })), 416)
})

t.test('CreateMultipartUpload: what algorithm goes with what type', async (t) => {
  await using it = await withBucket()
  const made = async (input: Partial<CreateMultipartUploadCommandInput>) =>
    (await it.s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }))).ChecksumType
  t.equal(await made({ ChecksumAlgorithm: 'CRC64NVME' }), 'FULL_OBJECT')
  t.equal(await made({ ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' }), 'FULL_OBJECT')
  t.equal(await made({ ChecksumAlgorithm: 'SHA256' }), 'COMPOSITE')
  for (const bad of [
    { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' },
    { ChecksumAlgorithm: 'SHA1', ChecksumType: 'FULL_OBJECT' },
  ] as const) {
    await t.rejects(made(bad), { name: 'InvalidRequest' })
  }
  const connection = await it.s3.raw()
  connection.send(
    it.s3.head('POST', '/bucket/key?uploads', { 'Content-Length': '0', 'x-amz-checksum-type': 'COMPOSITE' }),
  )
  t.equal((await connection.answer()).status, 400)
})

t.test('CompleteMultipartUpload: refusals', async (t) => {
  await using it = await withBucket()
  const UploadId = await it.create()
  const one = await it.part(UploadId, 1, 'small')
  const two = await it.part(UploadId, 2, 'end')
  const parts = [
    { PartNumber: 1, ETag: one.ETag },
    { PartNumber: 2, ETag: two.ETag },
  ]
  await t.rejects(it.complete(UploadId, []), { name: 'MalformedXML' })
  await t.rejects(it.complete(UploadId, parts), { name: 'EntityTooSmall' })
  await t.rejects(it.complete(UploadId, parts.toReversed()), { name: 'InvalidPartOrder' })
  await t.rejects(it.complete(UploadId, [{ PartNumber: 3, ETag: one.ETag }]), { name: 'InvalidPart' })
  await t.rejects(it.complete(UploadId, [{ PartNumber: 1, ETag: two.ETag }]), { name: 'InvalidPart' })
  await t.rejects(it.complete('00000000-0000-7000-8000-999999999999', parts), { name: 'NoSuchUpload' })
  await t.rejects(it.complete(UploadId, parts.slice(1), { MpuObjectSize: 5 }), { name: 'InvalidRequest' })
  await it.s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'there' }))
  await t.rejects(it.complete(UploadId, parts.slice(1), { IfNoneMatch: '*' }), { name: 'PreconditionFailed' })
  await it.complete(UploadId, parts.slice(1))
})

t.test('CompleteMultipartUpload: 10,000 parts with SHA-256, indented, are taken', async (t) => {
  await using it = await withBucket()
  const UploadId = await it.create()
  const sum = `<ChecksumSHA256>${Buffer.alloc(32).toString('base64')}</ChecksumSHA256>`
  const part = (i: number) =>
    `  <Part>\n    <ChecksumAlgorithm>SHA256</ChecksumAlgorithm>\n    ${sum}\n    <ETag>&quot;${'a'.repeat(32)}&quot;</ETag>\n    <PartNumber>${i}</PartNumber>\n  </Part>\n`
  const parts = Array.from({ length: 10_000 }, (_, i) => part(i + 1)).join('')
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n${parts}</CompleteMultipartUpload>`
  t.comment(`${body.length} bytes`)
  const connection = await it.s3.raw()
  connection.send(it.s3.head('POST', `/bucket/a%20key?uploadId=${UploadId}`, { 'Content-Length': String(body.length) }))
  connection.send(body)
  t.match((await connection.answer()).body, '<Code>InvalidPart</Code>')
})

t.test('UploadPartCopy: whole or a range, which is bytes=first-last and nothing else', async (t) => {
  await using it = await withBucket()
  await it.s3.client.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'hello world' }))
  const UploadId = await it.create()
  const copy = (CopySourceRange?: string, more: object = {}) =>
    it.s3.client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key,
        UploadId,
        PartNumber: 1,
        CopySource: 'bucket/source',
        CopySourceRange,
        ...more,
      }),
    )
  const { CopyPartResult } = await copy('bytes=6-10')
  t.equal(CopyPartResult?.ETag, '"7d793037a0760186574b0282f2f435e7"')
  t.ok(CopyPartResult?.LastModified)
  for (const range of ['bytes=6-', 'bytes=-5', '6-10', 'bytes=0-1,3-4', 'bytes=5-4']) {
    await t.rejects(copy(range), { name: 'InvalidArgument' }, range)
  }
  await t.rejects(copy('bytes=0-11'), { name: 'InvalidRange' })
  await t.rejects(copy(undefined, { CopySourceIfNoneMatch: '*' }), { name: 'PreconditionFailed' })
  await t.rejects(copy(undefined, { CopySource: 'bucket/none' }), { name: 'NoSuchKey' })
  await copy()
  const { Parts } = await it.s3.client.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  t.match(Parts, [{ Size: 11 }])
})

t.test('AbortMultipartUpload, and what comes after it', async (t) => {
  await using it = await withBucket()
  const UploadId = await it.create()
  const abort = () => it.s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
  t.equal((await abort()).$metadata.httpStatusCode, 204)
  await t.rejects(abort(), { name: 'NoSuchUpload' })
  await t.rejects(it.part(UploadId, 1, 'x'), { name: 'NoSuchUpload' })
  await t.rejects(it.s3.client.send(new ListPartsCommand({ Bucket, Key, UploadId })), { name: 'NoSuchUpload' })
})

t.test('ListMultipartUploads: prefix, delimiter, pages', async (t) => {
  await using it = await withBucket()
  for (const key of ['a/1', 'a/2', 'b', 'b', 'c']) await it.create({ Key: key })
  const list = (input: object = {}) => it.s3.client.send(new ListMultipartUploadsCommand({ Bucket, ...input }))
  const keys = (page: Awaited<ReturnType<typeof list>>) => page.Uploads?.map((each) => each.Key)
  const all = await list()
  t.same(keys(all), ['a/1', 'a/2', 'b', 'b', 'c'])
  t.match(all, { Bucket, IsTruncated: false, MaxUploads: 1000, KeyMarker: '', UploadIdMarker: '' })
  t.match(all.Uploads?.[0], {
    Initiator: { DisplayName: 'root' },
    Owner: { DisplayName: 'root' },
    StorageClass: 'STANDARD',
  })
  t.same(keys(await list({ Prefix: 'a/' })), ['a/1', 'a/2'])
  const rolled = await list({ Delimiter: '/' })
  t.same(rolled.CommonPrefixes, [{ Prefix: 'a/' }])
  t.same(keys(rolled), ['b', 'b', 'c'])
  const first = await list({ MaxUploads: 3 })
  t.match(first, { IsTruncated: true, NextKeyMarker: 'b', NextUploadIdMarker: first.Uploads?.[2]?.UploadId })
  const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = first
  t.same(keys(await list({ KeyMarker, UploadIdMarker })), ['b', 'c'])
  t.same(keys(await list({ KeyMarker: 'b' })), ['c'])
})

t.test('the SDK’s own Upload of a stream', async (t) => {
  await using it = await withBucket()
  const Body = Buffer.alloc(2 * MIN + 17, 'z')
  const done = await new Upload({ client: it.s3.client, params: { Bucket, Key, Body }, partSize: MIN }).done()
  t.match(done.ETag, /-3"$/)
  const { Body: got } = await it.s3.client.send(new GetObjectCommand({ Bucket, Key }))
  t.ok(Buffer.from(await got!.transformToByteArray()).equals(Body))
})
