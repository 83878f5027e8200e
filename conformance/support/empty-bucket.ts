import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
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

/** All versions, and delete markers. */
async function deleteObjects(s3: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, EncodingType: 'url' }))
    const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key: decodeURIComponent(Key!.replaceAll('+', ' ')),
      VersionId,
    }))
    // XML 1.0 has no way to write most control characters: such keys go one by one.
    const Objects = all.filter((each) => !hasControl(each))
    if (Objects.length > 0)
      await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }))
    for (const each of all.filter(hasControl)) await s3.send(new DeleteObjectCommand({ Bucket: bucket, ...each }))
    if (!page.IsTruncated) return
  }
}

const hasControl = ({ Key }: { Key: string }): boolean => /[\p{Cc}\ufffe\uffff]/u.test(Key)
