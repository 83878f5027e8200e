import type { Acl, ObjectOwnership, PublicAccessBlock } from './access.ts'
import type { AddressList } from './address-list.ts'
import type { BucketEncryption, Encryption } from './encryption.ts'
import type { AccountId, BucketId, BucketName, ObjectKey, PartId, ServerNumber, UploadId, VersionId } from './ids.ts'
import type { NotificationRule } from './notifications/rules.ts'

export interface Account {
  id: AccountId
  name: string
  displayName: string
  isRoot: boolean
}

/** How much may be asked for; 0 or undefined: that is not bounded. */
export interface RateLimits {
  requestsPerSecond?: number | undefined
  /** Of bodies, both ways. */
  bytesPerSecond?: number | undefined
}

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
  account: Account
  /** What bounds it, as JSON; undefined: it may do what its account may. */
  policy?: string | undefined
  /** Where it may be used from; undefined: anywhere. */
  allowedFrom?: AddressList | undefined
  /** In place of what the settings say. */
  limits?: RateLimits | undefined
  /** From when on it is refused; undefined: never. */
  expiresAt?: Date | undefined
  /** As it was before it was given another secret, which is taken besides until then. */
  former?: { key: AccessKey; until: Date } | undefined
}

export interface Bucket {
  id: BucketId
  name: BucketName
  ownerId: AccountId
  region: string
  createdAt: Date
  versioning: Versioning
  settings: BucketSettings
}

/** Empty: never asked for. */
export type Versioning = '' | 'Enabled' | 'Suspended'

/** What requests for a bucket and its objects are judged by; absent: not set. Each is changed whole, on its own. */
export interface BucketSettings {
  /** A bucket policy's text, without white space. */
  readonly policy?: string
  readonly encryption?: BucketEncryption
  /** Absent: the owner has everything, and nobody else anything. */
  readonly acl?: Acl
  /** Absent: BucketOwnerEnforced. `none`: taken away, which is as ObjectWriter. */
  readonly ownership?: Exclude<ObjectOwnership, 'BucketOwnerEnforced'> | 'none'
  /** Absent: all four. `none`: taken away. */
  readonly publicAccessBlock?: PublicAccessBlock | 'none'
  /** The revision of its lifecycle configuration. */
  readonly lifecycle?: string
  /** There: its versions can be locked, and it keeps them for ever after. */
  readonly objectLock?: BucketLock
  /** In their order: the first that fits a request counts. */
  readonly cors?: readonly CorsRule[]
  /** What of it is told to whom; SQL reads it (migrations/0070). */
  readonly notification?: readonly NotificationRule[]
  /** What new parts are compressed with; absent: what the store's settings say. No client sets it, but a command. */
  readonly compression?: CompressionKind
}

export type CompressionKind = 'off' | 'zstd'

export interface BucketLock {
  /** What new versions are held by where nothing else is said of them. */
  readonly retention?: DefaultRetention
}

/** In days, or years. */
export interface DefaultRetention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  readonly days?: number
  readonly years?: number
}

/** Which pages of other origins a browser may let at the bucket. Patterns have at most one `*`. */
export interface CorsRule {
  readonly id?: string | undefined
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  readonly maxAgeSeconds?: number | undefined
}

/** What only upkeep or the bucket's owner reads, each a document of its own. */
export type BucketDocumentName = 'tagging' | 'lifecycle'

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

/** Key and value of each tag, in the order in which they were given; no key twice. */
export type TagSet = readonly (readonly [key: string, value: string])[]

/**
 * What few objects have; absent where there is nothing of the kind. Plain JSON, each a column of its own: nothing else is
 * looked at by the catalogue.
 */
export interface ObjectExtras {
  readonly tags?: TagSet
  readonly lock?: ObjectLock
  /** How its bytes are encrypted on the nodes. */
  readonly encryption?: Encryption
  readonly access?: ObjectAccess
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html */
export interface ObjectLock {
  readonly mode?: 'GOVERNANCE' | 'COMPLIANCE'
  /** ISO 8601, UTC. */
  readonly retainUntil?: string
  /** Instead of a date: days of 24 hours since the version was committed, by the database's clock. */
  readonly retainDays?: number
  readonly legalHold?: boolean
}

/** Whose object it is; absent: the bucket's owner's, as all others. */
export interface ObjectAccess {
  readonly ownerId: AccountId
  /** Absent: its owner has everything, and nobody else anything. */
  readonly acl?: Acl
}

/** How a part's bytes lie on the nodes. */
export interface PartLayout {
  partId: PartId
  /** As it is stored. */
  sizeBytes: number
  /** As clients know it, of a part that was compressed; absent: as it is stored. */
  plainBytes?: number | undefined
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
  extras?: ObjectExtras | undefined
}

/** A version that says that the key is deleted. */
export interface DeleteMarker {
  versionId: VersionId
  committedAt: Date
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
  /** What the object will get. */
  extras?: ObjectExtras | undefined
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

export interface ListedVersion extends ListedObject {
  versionId: VersionId
  isLatest: boolean
  /** Then the rest but for its time says nothing. */
  isDeleteMarker: boolean
}

/** Versions and common prefixes, together counted; of a key the newest first. */
export interface VersionPage {
  versions: ListedVersion[]
  commonPrefixes: string[]
  isTruncated: boolean
  /** Where the next page goes on, if truncated: behind this version, or behind a common prefix. */
  nextKey: string | undefined
  nextVersionId: VersionId | undefined
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
