import type { AccountId, BucketId, BucketName, ObjectKey, PartId, ServerNumber, UploadId, VersionId } from './ids.ts'

export interface Account {
  id: AccountId
  name: string
  displayName: string
  isRoot: boolean
}

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
  account: Account
}

export interface Bucket {
  id: BucketId
  name: BucketName
  ownerId: AccountId
  region: string
  createdAt: Date
}

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

export interface Checksum {
  algorithm: ChecksumAlgorithm
  /** base64; a composite one ends in `-N`, as S3 shows it. */
  value: string
  type: ChecksumType
}

/** What a client says of an object besides its bytes; given back as it was. */
export interface ObjectAttributes {
  /** By lower-case header name: cache-control, content-disposition, content-encoding, content-language, content-type, expires, x-amz-website-redirect-location. */
  headers: Readonly<Record<string, string>>
  /** By lower-case name without `x-amz-meta-`; values as they came, decoded from RFC 2047 where they were so coded. */
  userMetadata: Readonly<Record<string, string>>
  storageClass: string
}

/** How a part's bytes lie on the nodes. */
export interface PartLayout {
  partId: PartId
  sizeBytes: number
  /** Bytes of every block but those of the last stripe. */
  blockBytes: number
  parityChunks: number
  /** The server of each chunk, data chunks 0-5 first; 0 where the chunk is missing and waits for repair. Empty for a part without bytes. */
  servers: readonly ServerNumber[]
  /** SHA-256 of each chunk (over its block checksums), concatenated in order: 32 bytes each. */
  chunkHashes: Buffer
}

/** One part of an object, as the object's row names it. */
export interface ObjectPart {
  /** 1 for a plain PUT; the client's part number for multipart. */
  number: number
  /** Absent for a part without bytes. */
  partId: PartId | undefined
  sizeBytes: number
  /** The part's own checksum, base64, if the upload had checksums. */
  checksum: string | undefined
}

export interface ObjectVersion {
  bucketId: BucketId
  key: ObjectKey
  versionId: VersionId
  sizeBytes: number
  /** Unquoted: MD5 in hex, with `-N` for multipart. */
  etag: string
  committedAt: Date
  attributes: ObjectAttributes
  checksum: Checksum | undefined
  /** True when it came of a multipart upload, even of one part. */
  isMultipart: boolean
  parts: readonly ObjectPart[]
}

/** Conditions of RFC 9110 on a write, judged in the transaction that commits it. */
export interface WriteCondition {
  /** `*` only, as S3. */
  ifNoneMatch?: '*'
  /** One ETag, unquoted, or `*`. */
  ifMatch?: string
}

export interface Upload {
  uploadId: UploadId
  bucketId: BucketId
  key: ObjectKey
  initiatedAt: Date
  initiatorId: AccountId
  attributes: ObjectAttributes
  checksumAlgorithm: ChecksumAlgorithm | undefined
  checksumType: ChecksumType | undefined
  state: 'open' | 'completed'
}

/** An uploaded part as ListParts shows it. */
export interface UploadedPart {
  number: number
  partId: PartId | undefined
  sizeBytes: number
  etag: string
  checksum: Checksum | undefined
  modifiedAt: Date
}

export interface ListedObject {
  key: ObjectKey
  sizeBytes: number
  etag: string
  committedAt: Date
  storageClass: string
  checksumAlgorithm: ChecksumAlgorithm | undefined
  checksumType: ChecksumType | undefined
}

/** A page of keys and common prefixes, together in key order and together counted. */
export interface ObjectPage {
  objects: ListedObject[]
  commonPrefixes: string[]
  isTruncated: boolean
  /** The last key or common prefix of this page, if truncated: where the next page goes on. */
  next: string | undefined
}

export interface UploadPage {
  uploads: Upload[]
  commonPrefixes: string[]
  isTruncated: boolean
  nextKey: string | undefined
  nextUploadId: string | undefined
}

export interface PartPage {
  parts: UploadedPart[]
  isTruncated: boolean
  nextNumber: number
}
