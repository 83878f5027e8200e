import { createHash } from 'node:crypto'
import {
  type DeleteMarkerEntry,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  GetObjectLockConfigurationCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  type ObjectVersion,
  type S3Client,
} from '@aws-sdk/client-s3'

/**
 * All that a client can read of a store, as plain data: a later version must tell the same, to the letter. What is described
 * stays as it is: a corpus that was written is compared with it for ever.
 */
export interface StoreDescription {
  buckets: BucketDescription[]
}

export interface BucketDescription {
  name: string
  /** What is set for it; what is not set is left away. */
  documents: Record<string, unknown>
  versions: VersionDescription[]
  uploads: UploadDescription[]
}

export interface VersionDescription {
  key: string
  versionId: string
  isLatest: boolean
  isDeleteMarker: boolean
  lastModified: string
  /** Of its bytes; undefined for a delete marker. */
  sha256?: string
  attributes?: Record<string, unknown>
  tags?: unknown
}

export interface UploadDescription {
  key: string
  uploadId: string
  parts: unknown[]
}

/** SSE-C: the key for what was written by it, under keys that begin with `customer/`. */
export interface ReadOptions {
  customerKey: string
}

export async function describeStore(client: S3Client, options: ReadOptions): Promise<StoreDescription> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
  const buckets: BucketDescription[] = []
  for (const { Name } of Buckets) {
    buckets.push({
      name: Name!,
      documents: await describeDocuments(client, Name!),
      versions: await describeVersions(client, Name!, options),
      uploads: await describeUploads(client, Name!),
    })
  }
  return { buckets }
}

async function describeDocuments(client: S3Client, Bucket: string): Promise<Record<string, unknown>> {
  const asked = {
    cors: async () => (await client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules,
    lifecycle: async () => (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules,
    lock: async () => (await client.send(new GetObjectLockConfigurationCommand({ Bucket }))).ObjectLockConfiguration,
    policy: async () => JSON.parse((await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy!) as unknown,
    tags: async () => (await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet,
    versioning: async () => (await client.send(new GetBucketVersioningCommand({ Bucket }))).Status,
  }
  const documents: Record<string, unknown> = {}
  for (const [name, ask] of Object.entries(asked)) {
    const document = await ask().catch((error: { $metadata?: { httpStatusCode?: number } }) => {
      if (error.$metadata?.httpStatusCode === 404) return undefined
      throw error
    })
    if (document !== undefined) documents[name] = document
  }
  return documents
}

async function describeVersions(client: S3Client, Bucket: string, options: ReadOptions): Promise<VersionDescription[]> {
  const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }))
  const described = DeleteMarkers.map((marker) => ({ ...nameOf(marker), isDeleteMarker: true }) as VersionDescription)
  for (const version of Versions) {
    const name = nameOf(version)
    const target = { Bucket, Key: name.key, VersionId: name.versionId }
    const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: options.customerKey } as const
    const read = await client.send(
      new GetObjectCommand({ ...target, ChecksumMode: 'ENABLED', ...(name.key.startsWith('customer/') && customer) }),
    )
    const bytes = await read.Body!.transformToByteArray()
    const { TagSet } = await client.send(new GetObjectTaggingCommand(target))
    described.push({
      ...name,
      isDeleteMarker: false,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      attributes: attributesOf(read),
      tags: TagSet,
    })
  }
  return described.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

function nameOf(version: ObjectVersion | DeleteMarkerEntry) {
  return {
    key: version.Key!,
    versionId: version.VersionId!,
    isLatest: version.IsLatest!,
    lastModified: version.LastModified!.toISOString(),
  }
}

function orderOf({ key, versionId }: VersionDescription): string {
  return `${key}\n${versionId}`
}

/** Everything that is said of an object beside its bytes. */
function attributesOf(read: GetObjectCommandOutput): Record<string, unknown> {
  const { Body: _, $metadata: __, LastModified: ___, VersionId: ____, ...attributes } = read
  return JSON.parse(JSON.stringify(attributes)) as Record<string, unknown>
}

async function describeUploads(client: S3Client, Bucket: string): Promise<UploadDescription[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
  const described: UploadDescription[] = []
  for (const { Key, UploadId } of Uploads) {
    const { Parts = [] } = await client.send(new ListPartsCommand({ Bucket, Key: Key!, UploadId: UploadId! }))
    described.push({ key: Key!, uploadId: UploadId!, parts: JSON.parse(JSON.stringify(Parts)) as unknown[] })
  }
  return described
}
