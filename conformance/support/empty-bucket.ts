import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'

/** Removes a bucket with all that is in it; a bucket that is not there is fine. */
export async function emptyBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await abortUploads(s3, bucket)
    await deleteObjects(s3, bucket)
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }))
  } catch (error) {
    if ((error as Error).name !== 'NoSuchBucket') throw error
  }
}

async function abortUploads(s3: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    for (const { Key, UploadId } of page.Uploads ?? [])
      await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
    if (!page.IsTruncated) return
  }
}

async function deleteObjects(s3: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url' }))
    const keys = (page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key!.replaceAll('+', ' ')))
    // XML 1.0 has no way to write most control characters: such keys go one by one.
    const [plain, control] = [keys.filter((key) => !hasControl(key)), keys.filter(hasControl)]
    const Objects = plain.map((Key) => ({ Key }))
    if (Objects.length > 0)
      await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
    for (const Key of control) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
    if (!page.IsTruncated) return
  }
}

const hasControl = (key: string): boolean => /[\p{Cc}\ufffe\uffff]/u.test(key)
