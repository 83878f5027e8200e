import type { Encryption } from '../base/encryption.ts'
import type { StoreFault } from '../base/faults.ts'
import type { BucketName, ObjectKey, UploadId, VersionId } from '../base/ids.ts'
import type { LifecycleRule } from '../base/lifecycle/rules.ts'
import type {
  Bucket,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  DeleteMarker,
  ObjectAttributes,
  ObjectExtras,
  ObjectVersion,
  PartLayout,
  PartPage,
  Upload,
  UploadPage,
  WriteCondition,
} from '../base/model.ts'
import type { EventOrigin } from '../base/notifications/rules.ts'
import type { EncryptionWish } from './encryption/data-keys.ts'
import type { Catalogue, CompletedObject, DeletedObject, DeleteTarget, ObjectQuery } from './ports/catalogue.ts'

/** Bytes as they come: Buffers of any size, each good until the next one is asked for. */
export type ByteStream = AsyncIterable<Uint8Array>

/**
 * What a client promised about a body. The engine checks all of it before anything is committed.
 * Faults: BadDigest (MD5 or checksum differ), IncompleteBody (shorter or longer than `sizeBytes`).
 * What the signature covers (payload hash, chunk signatures) is checked by the stream itself: it throws.
 */
export interface BodyClaims {
  sizeBytes: number
  /** Nobody said how long the body is: `sizeBytes` is the most that may come. */
  mayBeShorter?: boolean
  md5: Buffer | undefined
  checksum: ClaimedChecksum | undefined
}

export interface ClaimedChecksum {
  algorithm: ChecksumAlgorithm
  /** base64, or undefined for «compute and keep it»; asked only after the last byte, for it may come in a trailer. */
  expected(): string | undefined
}

export interface PutObjectInput {
  bucket: Bucket
  key: ObjectKey
  attributes: ObjectAttributes
  claims: BodyClaims
  extras?: ObjectExtras | undefined
  encryption?: EncryptionWish | undefined
  condition: WriteCondition
  origin?: EventOrigin
}

export interface WrittenObject {
  versionId: VersionId
  committedAt: Date
  etag: string
  checksum: Checksum | undefined
  encryption?: Encryption | undefined
}

export interface FoundObject {
  bucket: Bucket
  /** undefined: no such key. What is said of that depends on what the caller may know. */
  object: ObjectVersion | undefined
  /** What there is instead of an object. */
  marker?: DeleteMarker | undefined
  /** Of its first parts; none where they were not asked for. */
  layouts: PartLayout[]
  /** What its bytes are encrypted with, once it is opened. */
  dataKey?: Buffer | undefined
}

export interface CopyObjectInput {
  source: ObjectVersion
  bucket: Bucket
  key: ObjectKey
  /** What the copy gets: the source's, or new ones (x-amz-metadata-directive: REPLACE). */
  attributes: ObjectAttributes
  /** What the copy gets; nothing is taken from the source. */
  extras?: ObjectExtras | undefined
  encryption?: EncryptionWish | undefined
  /** What opens the source, if it is under a customer's key. */
  sourceCustomerKey?: Buffer | undefined
  condition: WriteCondition
  origin?: EventOrigin
}

export interface CreateUploadInput {
  bucket: Bucket
  key: ObjectKey
  initiatorId: Upload['initiatorId']
  attributes: ObjectAttributes
  checksumAlgorithm: ChecksumAlgorithm | undefined
  checksumType: ChecksumType | undefined
  extras?: ObjectExtras | undefined
  encryption?: EncryptionWish | undefined
}

export interface CreatedUpload {
  uploadId: UploadId
  encryption?: Encryption | undefined
}

export interface UploadRef {
  bucket: Bucket
  key: ObjectKey
  uploadId: UploadId
}

export interface UploadPartInput extends UploadRef {
  number: number
  claims: BodyClaims
  customerKey?: Buffer | undefined
}

export interface UploadedBytes {
  etag: string
  checksum: Checksum | undefined
  encryption?: Encryption | undefined
}

export interface UploadPartCopyInput extends UploadRef {
  number: number
  source: FoundObject & { object: ObjectVersion }
  /** Inclusive, within the source; undefined: all of it. */
  range: ByteRange | undefined
  customerKey?: Buffer | undefined
}

export interface CompleteUploadInput extends UploadRef {
  /** As the client listed them, in its order. */
  parts: readonly {
    number: number
    etag: string
    checksum: { algorithm: ChecksumAlgorithm; value: string } | undefined
  }[]
  /** The whole object's checksum, if the client gave one. */
  checksum: { algorithm: ChecksumAlgorithm; value: string } | undefined
  checksumType: ChecksumType | undefined
  /** x-amz-mp-object-size, if given. */
  sizeBytes: number | undefined
  condition: WriteCondition
  origin?: EventOrigin
}

/** Inclusive on both ends, as in HTTP. */
export interface ByteRange {
  first: number
  last: number
}

/** What the store does. No HTTP, no SQL, no gRPC: src/s3api calls it, ports do its I/O. */
export interface Engine {
  /** Accounts, keys and buckets need nothing but the catalogue. */
  readonly catalogue: Pick<
    Catalogue,
    | 'findAccessKey'
    | 'findAccount'
    | 'findAccountByEmail'
    | 'createBucket'
    | 'findBucket'
    | 'deleteBucket'
    | 'listBuckets'
    | 'setVersioning'
    | 'changeBucketSetting'
    | 'findBucketDocument'
    | 'putBucketDocument'
    | 'renameObject'
    | 'findRename'
    | 'tagObject'
    | 'setObjectAccess'
    | 'retainObject'
    | 'holdObject'
    | 'lockBucket'
    | 'putLifecycle'
    | 'listObjects'
    | 'listVersions'
    | 'findOwners'
  >
  /** Fault: NoSuchBucket. */
  findBucket(name: BucketName, signal: AbortSignal): Promise<Bucket>
  /** The rules that the bucket's revision names, or newer ones; none: an empty list. */
  lifecycleRules(bucket: Bucket, signal: AbortSignal): Promise<readonly LifecycleRule[]>
  /** Streams the body to the nodes, then makes it current: all or nothing. */
  putObject(input: PutObjectInput, body: ByteStream, signal: AbortSignal): Promise<WrittenObject>
  /** Fault: NoSuchBucket. */
  findObject(query: ObjectQuery, signal: AbortSignal): Promise<FoundObject>
  /**
   * The bytes of a range, each verified; rebuilt from parity where a block is lost or rotten. Faults before the first
   * byte where they can be known (DataUnavailable); a later failure throws, and the caller must break the connection off.
   * Each piece is good until the next one is asked for: its memory is used again.
   */
  readObject(
    found: FoundObject & { object: ObjectVersion },
    range: ByteRange,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>
  /**
   * What an object's bytes are encrypted with; undefined: they are not. Faults: InvalidRequest (a customer key is missing,
   * or there is no use for it), AccessDenied (it is another), KMS.NotFoundException.
   */
  unlock(object: ObjectVersion, customerKey: Buffer | undefined): Buffer | undefined
  /** `undefined`: the one that counts where none is named. Fault: KMS.NotFoundException. */
  checkKmsKey(keyId: string | undefined, signal: AbortSignal): Promise<void>
  /** Metadata only, whatever the size; unless it is to be encrypted in another way than its source, or not any more. */
  copyObject(input: CopyObjectInput, signal: AbortSignal): Promise<WrittenObject>
  /** An answer for each target, in their order. */
  deleteObjects(
    bucket: Bucket,
    targets: readonly DeleteTarget[],
    signal: AbortSignal,
  ): Promise<readonly (DeletedObject | StoreFault)[]>

  createUpload(input: CreateUploadInput, signal: AbortSignal): Promise<CreatedUpload>
  /** Fault: NoSuchUpload. */
  findUpload(ref: UploadRef, signal: AbortSignal): Promise<Upload>
  /** Faults: NoSuchUpload, BadDigest, InvalidRequest (another checksum algorithm than the upload's). */
  uploadPart(input: UploadPartInput, body: ByteStream, signal: AbortSignal): Promise<UploadedBytes>
  uploadPartCopy(input: UploadPartCopyInput, signal: AbortSignal): Promise<UploadedBytes & { modifiedAt: Date }>
  /** Faults: NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, EntityTooLarge, BadDigest, InvalidRequest, MalformedXML (no parts), PreconditionFailed. */
  completeUpload(
    input: CompleteUploadInput,
    signal: AbortSignal,
  ): Promise<CompletedObject & { encryption?: Encryption | undefined }>
  /** Fault: NoSuchUpload. */
  abortUpload(ref: UploadRef, signal: AbortSignal): Promise<void>
  listParts(
    ref: UploadRef & { after: number; rowsMax: number },
    signal: AbortSignal,
  ): Promise<{ upload: Upload; page: PartPage }>
  listUploads(
    query: {
      bucket: Bucket
      prefix: string
      delimiter: string
      afterKey: string
      afterUploadId: string
      rowsMax: number
    },
    signal: AbortSignal,
  ): Promise<UploadPage>
}
