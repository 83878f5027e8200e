import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  type ObjectAttributes,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, multipartEtag } from '../support/bytes.ts'
import { checksum, compositeChecksum } from '../support/checksums.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket: Bucket, send } = suite
const all: ObjectAttributes[] = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']
const path = `/${Bucket}/plain?attributes`
const body = Buffer.from('attributes')
await s3.send(new PutObjectCommand({ Bucket, Key: 'plain', Body: body, ChecksumAlgorithm: 'SHA256' }))

const data = [bytes(5 * 1024 * 1024, 'one'), bytes(5 * 1024 * 1024, 'two'), bytes(3, 'three')]

/** Parts 1, 3 and 5: numbers need not follow on one another. */
async function multipart(Key: string, ChecksumAlgorithm?: 'SHA256'): Promise<void> {
  const given = { Bucket, Key, ...(ChecksumAlgorithm && { ChecksumAlgorithm }) }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(given))
  const Parts = []
  for (const [n, Body] of data.entries()) {
    const PartNumber = 1 + 2 * n
    const { ETag, ChecksumSHA256 } = await s3.send(new UploadPartCommand({ ...given, UploadId, PartNumber, Body }))
    Parts.push({ PartNumber, ETag, ...(ChecksumSHA256 && { ChecksumSHA256 }) })
  }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
}

t.test('GetObjectAttributes: a plain object: ETag without quotes, checksum, size, class; no parts', async (t) => {
  const got = await s3.send(new GetObjectAttributesCommand({ Bucket, Key: 'plain', ObjectAttributes: all }))
  t.equal(got.ETag, md5(body))
  t.same(got.Checksum, { ChecksumSHA256: checksum('SHA256', body), ChecksumType: 'FULL_OBJECT' })
  t.same([got.StorageClass, got.ObjectSize, got.ObjectParts], ['STANDARD', body.length, undefined])
  t.ok(Math.abs(got.LastModified!.getTime() - Date.now()) < 60_000)
})

t.test(
  'GetObjectAttributes: only what was asked for, with blanks in the header too; Last-Modified by RFC 7231',
  async (t) => {
    const answer = await send({ method: 'GET', path, headers: { 'x-amz-object-attributes': 'ObjectSize, ETag' } })
    t.equal(answer.status, 200)
    t.match(answer.headers['last-modified'], /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    t.same([element(answer.body, 'ObjectSize'), element(answer.body, 'ETag')], [String(body.length), md5(body)])
    t.same([element(answer.body, 'StorageClass'), element(answer.body, 'Checksum')], [undefined, undefined])
  },
)

t.test('GetObjectAttributes: of a composite checksum: the parts with theirs, in pages', async (t) => {
  const Key = 'composite'
  await multipart(Key, 'SHA256')
  const ask = (page: { MaxParts?: number; PartNumberMarker?: string }) =>
    s3.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: all, ...page }))
  const got = await ask({})
  t.equal(`"${got.ETag}"`, multipartEtag(data))
  const composite = compositeChecksum('SHA256', data)
  t.same(got.Checksum, { ChecksumSHA256: composite.replace(/-3$/, ''), ChecksumType: 'COMPOSITE' })
  const parts = data.map((each, n) => ({
    PartNumber: 1 + 2 * n,
    Size: each.length,
    ChecksumSHA256: checksum('SHA256', each),
  }))
  t.same(got.ObjectParts?.Parts, parts)
  t.match(got.ObjectParts, { TotalPartsCount: 3, IsTruncated: false, MaxParts: 1000, PartNumberMarker: '0' })
  const first = await ask({ MaxParts: 2 })
  t.match(first.ObjectParts, { TotalPartsCount: 3, IsTruncated: true, MaxParts: 2, NextPartNumberMarker: '3' })
  t.same(first.ObjectParts?.Parts, parts.slice(0, 2))
  const rest = await ask({ MaxParts: 2, PartNumberMarker: '3' })
  t.match(rest.ObjectParts, { IsTruncated: false, PartNumberMarker: '3', NextPartNumberMarker: '5' })
  t.same(rest.ObjectParts?.Parts, parts.slice(2))
})

t.test('GetObjectAttributes: of parts without checksums of their own: how many there are', async (t) => {
  const raw = suite.client({ requestChecksumCalculation: 'WHEN_REQUIRED' })
  const Key = 'bare'
  const { UploadId } = await raw.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const { ETag } = await raw.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  await raw.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  const got = await s3.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: all }))
  t.same([got.ObjectParts?.TotalPartsCount, got.ObjectParts?.Parts], [1, undefined])
})

t.test('GetObjectAttributes: none asked for, unknown ones, bad pages, no key, another account: refused', async (t) => {
  refusedWire(t, await send({ method: 'GET', path }), 400, 'InvalidRequest')
  const ask = (headers: Record<string, string>) => send({ method: 'GET', path, headers })
  refusedWire(t, await ask({ 'x-amz-object-attributes': ' ' }), 400, 'InvalidRequest')
  for (const names of ['Size', 'etag', 'ETag,', 'ETag,ETags']) {
    refusedWire(t, await ask({ 'x-amz-object-attributes': names }), 400, 'InvalidArgument', names)
  }
  for (const page of ['x-amz-max-parts', 'x-amz-part-number-marker']) {
    refusedWire(t, await ask({ 'x-amz-object-attributes': 'ETag', [page]: 'x' }), 400, 'InvalidArgument', page)
    refusedWire(t, await ask({ 'x-amz-object-attributes': 'ETag', [page]: '-1' }), 400, 'InvalidArgument', page)
  }
  const missing = new GetObjectAttributesCommand({ Bucket, Key: 'missing', ObjectAttributes: all })
  await refused(t, s3.send(missing), 404, 'NoSuchKey')
  const foreign = new GetObjectAttributesCommand({ Bucket, Key: 'plain', ObjectAttributes: all })
  await refused(t, suite.otherClient().send(foreign), 403, 'AccessDenied')
})
