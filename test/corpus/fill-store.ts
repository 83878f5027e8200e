import { createHash } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'

const MIB = 1024 * 1024
/** Within one stripe, and beyond: records of segments, and files. */
const SMALL = 1_000
const LARGE = 2 * MIB + 12_345

/** Bytes that a file of some kilobytes can hold, and that differ by `seed`. */
export function bodyOf(seed: string, size: number): Buffer {
  return Buffer.alloc(size, `${seed}: ${createHash('sha256').update(seed).digest('hex')} `)
}

/**
 * Writes one of everything that a store keeps. Answers the SHA-256 of what is current or can be read by its version, by bucket,
 * slash and key, in the order of writing.
 */
export async function fillStore(
  client: S3Client,
  { customerKey, compress }: { customerKey: string; compress(bucket: string): Promise<unknown> },
): Promise<Map<string, string[]>> {
  const written = new Map<string, string[]>()
  const note = (Bucket: string, Key: string, ...bodies: Buffer[]) => {
    const name = `${Bucket}/${Key}`
    written.set(name, [...(written.get(name) ?? []), createHash('sha256').update(Buffer.concat(bodies)).digest('hex')])
  }
  const put = async (Bucket: string, Key: string, size: number, more: Partial<PutObjectCommandInput> = {}) => {
    const Body = bodyOf(`${Bucket}/${Key} ${written.get(`${Bucket}/${Key}`)?.length ?? 0}`, size)
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))
    note(Bucket, Key, Body)
  }

  for (const Bucket of ['plain', 'packed', 'versions']) await client.send(new CreateBucketCommand({ Bucket }))
  await client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))

  const said = { ContentType: 'text/plain', CacheControl: 'max-age=60', Metadata: { colour: 'green', 'a-b': 'c, d' } }
  await put('plain', 'empty', 0)
  await put('plain', 'small', SMALL, { ...said, Tagging: 'kind=small&of=plain' })
  await put('plain', 'dir/ä ö+b%2F', SMALL, { ChecksumAlgorithm: 'SHA256' })
  await put('plain', 'large', LARGE, { ...said, ChecksumAlgorithm: 'CRC64NVME' })
  await put('plain', 'less-parity', SMALL, { StorageClass: 'REDUCED_REDUNDANCY' })
  await put('plain', 'sealed', SMALL, { ServerSideEncryption: 'AES256' })
  await put('plain', 'named-key', SMALL, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'photos' })
  await put('plain', 'customer/key', SMALL, { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey })
  await client.send(new PutObjectCommand({ Bucket: 'plain', Key: 'deleted', Body: bodyOf('deleted', SMALL) }))
  await client.send(new DeleteObjectCommand({ Bucket: 'plain', Key: 'deleted' }))
  await client.send(new CopyObjectCommand({ Bucket: 'plain', Key: 'copy', CopySource: 'plain/large' }))
  note('plain', 'copy', bodyOf('plain/large 0', LARGE))
  note('plain', 'in-parts', ...(await uploadParts(client, 'in-parts', { isCompleted: true })))
  await uploadParts(client, 'under-way', { isCompleted: false })

  await compress('packed')
  for (const size of [SMALL, LARGE]) await put('packed', `text-${size}`, size)

  const versioned = { Bucket: 'versions' }
  await put('versions', 'before', SMALL)
  await client.send(new PutBucketVersioningCommand({ ...versioned, VersioningConfiguration: { Status: 'Enabled' } }))
  for (const size of [SMALL, SMALL + 1, 0]) await put('versions', 'three', size)
  await put('versions', 'gone', SMALL)
  await client.send(new DeleteObjectCommand({ ...versioned, Key: 'gone' }))
  await client.send(new PutBucketVersioningCommand({ ...versioned, VersioningConfiguration: { Status: 'Suspended' } }))
  await put('versions', 'three', SMALL + 2)

  const forever = new Date('2199-01-01T00:00:00Z')
  await put('locked', 'kept', SMALL, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: forever })
  await put('locked', 'held', SMALL)
  await client.send(new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: 'held', LegalHold: { Status: 'ON' } }))

  await setDocuments(client)
  return written
}

async function uploadParts(
  client: S3Client,
  Key: string,
  { isCompleted }: { isCompleted: boolean },
): Promise<Buffer[]> {
  const Bucket = 'plain'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'text/x-parts' }))
  const bodies = [bodyOf(`${Key} 1`, 5 * MIB), bodyOf(`${Key} 2`, SMALL)]
  const Parts = []
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
    Parts.push({ PartNumber, ETag })
  }
  const completion = { Bucket, Key, UploadId, MultipartUpload: { Parts } }
  if (isCompleted) await client.send(new CompleteMultipartUploadCommand(completion))
  return bodies
}

async function setDocuments(client: S3Client): Promise<void> {
  const Bucket = 'plain'
  const openTo = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::plain/dir/*' }
  const PublicAccessBlockConfiguration = { BlockPublicPolicy: false, RestrictPublicBuckets: false }
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [openTo] })
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'team', Value: 'a' }] } }))
  const rule = { AllowedMethods: ['GET'], AllowedOrigins: ['https://example.com'] }
  await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }))
  const expiry = { ID: 'late', Status: 'Enabled', Filter: { Prefix: 'never/' }, Expiration: { Days: 36_500 } } as const
  await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [expiry] } }))
}
