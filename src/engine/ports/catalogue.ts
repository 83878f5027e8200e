import type { AccountId, BucketId, BucketName, ObjectKey, PartId, UploadId, VersionId } from '../../base/ids.ts'
import type {
  AccessKey,
  Account,
  Bucket,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  ObjectAttributes,
  ObjectPage,
  ObjectPart,
  ObjectVersion,
  PartLayout,
  PartPage,
  Upload,
  UploadPage,
  WriteCondition,
} from '../../base/model.ts'

/**
 * What the engine needs of the metadata. src/meta implements it on PostgreSQL.
 *
 * Every method is linearizable: what it answers was true at one moment between call and answer, for all gateways.
 * Refusals are StoreFaults (named at each method); a database that is away or overloaded is `ServiceUnavailable`.
 */
export interface Catalogue {
  /** The key with its secret and account, or undefined. May be up to `SEXTANT_KEY_CACHE_SECONDS` old for known keys; never for unknown ones. */
  findAccessKey(accessKeyId: string, signal: AbortSignal): Promise<AccessKey | undefined>
  /** By canonical id. */
  findAccount(id: AccountId, signal: AbortSignal): Promise<Account | undefined>

  /** Faults: BucketAlreadyOwnedByYou, BucketAlreadyExists, TooManyBuckets. */
  createBucket(bucket: { name: BucketName; ownerId: AccountId; region: string }, signal: AbortSignal): Promise<Bucket>
  findBucket(name: BucketName, signal: AbortSignal): Promise<Bucket | undefined>
  /** Faults: NoSuchBucket, BucketNotEmpty (objects; open multipart uploads do not count, and are aborted). */
  deleteBucket(bucket: Bucket, signal: AbortSignal): Promise<void>
  /** In name order, names > `after` that begin with `prefix`. */
  listBuckets(
    query: { ownerId: AccountId; prefix: string; after: string; rowsMax: number },
    signal: AbortSignal,
  ): Promise<Bucket[]>

  /**
   * Bucket and object in one look-up; concurrent calls travel together. `withLayouts`: with the object come the layouts
   * of its first parts (at most 16), for whoever is going to read its bytes. `bucket` undefined: no such bucket; `object` undefined: no such key (or version).
   */
  findObject(
    query: ObjectQuery,
    signal: AbortSignal,
  ): Promise<{ bucket: Bucket | undefined; object: ObjectVersion | undefined; layouts: PartLayout[] }>
  /** The layouts of parts, in the order asked; also of parts that were doomed since, until their chunks are deleted. */
  findParts(partIds: readonly PartId[], signal: AbortSignal): Promise<(PartLayout | undefined)[]>

  /**
   * Makes a freshly written part the object's current version, in one transaction; what it replaces is doomed.
   * Concurrent calls are committed together. Returns the committed version's time and id.
   * Calling it again with the same part id gives the first call's answer. Faults: NoSuchBucket, NoSuchKey (If-Match on
   * a missing key), PreconditionFailed.
   */
  commitObject(commit: ObjectCommit, signal: AbortSignal): Promise<{ versionId: VersionId; committedAt: Date }>
  /**
   * Makes a new object of another one's parts: metadata only, however large. The source must still be the version that
   * was looked at (`source.etag`, `source.committedAt`), else PreconditionFailed. Faults: NoSuchBucket, NoSuchKey.
   */
  copyObject(copy: ObjectCopy, signal: AbortSignal): Promise<{ versionId: VersionId; committedAt: Date }>
  /** Deletes what is there; a missing key is no fault. All keys in one transaction. */
  deleteObjects(bucketId: BucketId, keys: readonly ObjectKey[], signal: AbortSignal): Promise<void>
  /**
   * Keys > `after` (by UTF-8 bytes) that begin with `prefix`, rolled up at the first `delimiter` behind the prefix.
   * When `after` is itself a common prefix of this listing, everything under it is skipped. Cost does not depend on how
   * many keys a common prefix holds. `rowsMax` 0 gives an empty page that is not truncated.
   */
  listObjects(query: ListQuery, signal: AbortSignal): Promise<ObjectPage>

  createUpload(upload: NewUpload, signal: AbortSignal): Promise<{ initiatedAt: Date }>
  /** Open or completed; undefined when unknown, aborted, expired, or of another bucket or key. */
  findUpload(
    query: { bucketId: BucketId; key: ObjectKey; uploadId: UploadId },
    signal: AbortSignal,
  ): Promise<Upload | undefined>
  /** Records an uploaded part and prolongs the upload; a part of the same number is replaced, and doomed. Fault: NoSuchUpload. */
  commitPart(commit: PartCommit, signal: AbortSignal): Promise<{ modifiedAt: Date }>
  listParts(query: { uploadId: UploadId; after: number; rowsMax: number }, signal: AbortSignal): Promise<PartPage>
  /** By key, then by time of initiation; `afterUploadId` counts only with `afterKey`. Common prefixes as in listObjects. */
  listUploads(
    query: {
      bucketId: BucketId
      prefix: string
      delimiter: string
      afterKey: string
      afterUploadId: string
      rowsMax: number
    },
    signal: AbortSignal,
  ): Promise<UploadPage>
  /**
   * Turns the listed parts into the object, dooms the others, in one transaction. The parts must be exactly those
   * that the engine looked at (`parts`), else InvalidPart. A repeated call gives the first one's answer.
   * Faults: NoSuchUpload, NoSuchBucket, InvalidPart, NoSuchKey, PreconditionFailed.
   */
  completeUpload(complete: UploadCompletion, signal: AbortSignal): Promise<{ object: CompletedObject }>
  /** What a completed upload made, for a repeated CompleteMultipartUpload. */
  findCompletion(uploadId: UploadId, signal: AbortSignal): Promise<CompletedObject | undefined>
  /** Dooms the parts. Fault: NoSuchUpload. */
  abortUpload(query: { bucketId: BucketId; key: ObjectKey; uploadId: UploadId }, signal: AbortSignal): Promise<void>

  /** Hands chunks that could not be deleted at once to the sweep. Never throws for a part that is already known. */
  doomUncommitted(layouts: readonly PartLayout[], signal: AbortSignal): Promise<void>
}

export interface ObjectQuery {
  bucket: BucketName
  key: ObjectKey
  versionId: VersionId | undefined
  withLayouts?: boolean
}

export interface ObjectCommit {
  bucketId: BucketId
  key: ObjectKey
  sizeBytes: number
  etag: string
  attributes: ObjectAttributes
  checksum: Checksum | undefined
  /** Absent for an object without bytes. A 0 among its servers puts the part on the repair queue in the same transaction. */
  part: PartLayout | undefined
  condition: WriteCondition
}

export interface ObjectCopy {
  source: ObjectVersion
  bucketId: BucketId
  key: ObjectKey
  attributes: ObjectAttributes
  condition: WriteCondition
}

export interface ListQuery {
  bucketId: BucketId
  prefix: string
  /** Empty: none. */
  delimiter: string
  /** Empty: from the start. */
  after: string
  rowsMax: number
}

export interface NewUpload {
  uploadId: UploadId
  bucketId: BucketId
  key: ObjectKey
  initiatorId: AccountId
  attributes: ObjectAttributes
  checksumAlgorithm: ChecksumAlgorithm | undefined
  checksumType: ChecksumType | undefined
}

export interface PartCommit {
  uploadId: UploadId
  number: number
  sizeBytes: number
  etag: string
  checksum: Checksum | undefined
  /** Absent for a part without bytes. */
  part: PartLayout | undefined
}

export interface UploadCompletion {
  upload: Upload
  sizeBytes: number
  etag: string
  checksum: Checksum | undefined
  parts: readonly ObjectPart[]
  condition: WriteCondition
}

export interface CompletedObject {
  versionId: VersionId
  committedAt: Date
  etag: string
  checksum: Checksum | undefined
}
