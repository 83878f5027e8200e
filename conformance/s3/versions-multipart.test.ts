import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused } from '../support/suite.ts'

const { s3, bucket } = await openSuite(t)
await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
const read = async (Key: string, VersionId?: string) =>
  (await s3.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }))).Body!.transformToString()

t.test('CompleteMultipartUpload: makes a version with an id; repeated, it answers the same one', async (t) => {
  const Key = 'multi'
  const before = await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'before' }))
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
  const part = { Bucket: bucket, Key, UploadId, PartNumber: 1 }
  const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: 'part' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  const complete = () => s3.send(new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload }))
  const made = await complete()
  t.match(made.VersionId, /^\w+$/)
  t.equal((await complete()).VersionId, made.VersionId)
  t.equal(await read(Key), 'part')
  t.equal(await read(Key, made.VersionId), 'part')
  t.equal(await read(Key, before.VersionId), 'before')
})

t.test('UploadPartCopy: of a version: its bytes, and its id in the answer', async (t) => {
  const old = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'source', Body: 'old bytes' }))
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'source', Body: 'new' }))
  const Key = 'joined'
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
  const copy = (id: string | undefined) =>
    s3.send(
      new UploadPartCopyCommand({
        Bucket: bucket,
        Key,
        UploadId,
        PartNumber: 1,
        CopySource: `${bucket}/source?versionId=${id}`,
      }),
    )
  await refused(t, copy('0'.repeat(32)), 404, 'NoSuchVersion')
  const part = await copy(old.VersionId)
  t.equal(part.CopySourceVersionId, old.VersionId)
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.CopyPartResult!.ETag }] }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload }))
  t.equal(await read(Key), 'old bytes')
})
