import type { StoreFault } from '../../base/faults.ts'
import type {
  AccountId,
  BucketId,
  BucketName,
  ObjectKey,
  PartId,
  ServerNumber,
  UploadId,
  VersionId,
} from '../../base/ids.ts'
import type { Lifecycle } from '../../base/lifecycle/rules.ts'
import type {
  AccessKey,
  Account,
  Bucket,
  BucketDocumentName,
  BucketLock,
  BucketSettings,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  DeleteMarker,
  ObjectAccess,
  ObjectAttributes,
  ObjectExtras,
  ObjectPage,
  ObjectPart,
  ObjectVersion,
  PartLayout,
  PartPage,
  TagSet,
  Upload,
  UploadPage,
  Versioning,
  VersionPage,
  WriteCondition,
} from '../../base/model.ts'
import type { EventOrigin } from '../../base/notifications/rules.ts'
import type { Renames } from './renames.ts'

/**
 * What the engine needs of the metadata. src/meta implements it on PostgreSQL.
 *
 * Every method is linearizable: what it answers was true at one moment between call and answer, for all gateways.
 * Refusals are StoreFaults (named at each method); a database that is away or overloaded is `ServiceUnavailable`.
 */
export interface Catalogue extends Renames {
  /** The key with its secret and account, or undefined. May be up to `SEXTANT_KEY_CACHE_SECONDS` old for known keys; never for unknown ones. */
  findAccessKey(accessKeyId: string, signal: AbortSignal): Promise<AccessKey | undefined>
  /** By canonical id. */
  findAccount(id: AccountId, signal: AbortSignal): Promise<Account | undefined>
  /** Undefined also where several accounts have this address. */
  findAccountByEmail(email: string, signal: AbortSignal): Promise<Account | undefined>

  /** Faults: BucketAlreadyOwnedByYou, BucketAlreadyExists, TooManyBuckets. */
  createBucket(bucket: NewBucket, signal: AbortSignal): Promise<Bucket>
  findBucket(name: BucketName, signal: AbortSignal): Promise<Bucket | undefined>
  /** Faults: NoSuchBucket, BucketNotEmpty (objects; open multipart uploads do not count, and are aborted). */
  deleteBucket(bucket: Bucket, signal: AbortSignal): Promise<void>
  /** What versions the bucket keeps from now on; those that are there stay. Faults: NoSuchBucket, InvalidBucketState (it has object lock). */
  setVersioning(change: { bucket: Bucket; versioning: Exclude<Versioning, ''> }, signal: AbortSignal): Promise<void>
  /** Puts one setting in place of what it was, or takes it away (`undefined`); others stay. Fault: NoSuchBucket. */
  changeBucketSetting<N extends keyof BucketSettings>(
    change: { bucket: Bucket; name: N; value: BucketSettings[N] | undefined },
    signal: AbortSignal,
  ): Promise<void>
  /** Undefined: there is none. */
  findBucketDocument(
    query: { bucketId: BucketId; name: BucketDocumentName },
    signal: AbortSignal,
  ): Promise<unknown | undefined>
  /** `undefined` takes it away. Fault: NoSuchBucket. */
  putBucketDocument(
    change: { bucket: Bucket; name: BucketDocumentName; document: unknown | undefined },
    signal: AbortSignal,
  ): Promise<void>
  /** Puts the document `lifecycle` and what the bucket's settings say of it in place, or takes them away. Fault: NoSuchBucket. */
  putLifecycle(change: { bucket: Bucket; lifecycle: Lifecycle | undefined }, signal: AbortSignal): Promise<void>
  /** Locks its versions from now on; what is locked stays so. Faults: NoSuchBucket, InvalidBucketState (it keeps no versions). */
  lockBucket(change: { bucket: Bucket; lock: BucketLock }, signal: AbortSignal): Promise<void>
  /** In name order, names > `after` that begin with `prefix`. */
  listBuckets(
    query: { ownerId: AccountId; prefix: string; after: string; rowsMax: number },
    signal: AbortSignal,
  ): Promise<Bucket[]>

  /**
   * Bucket and object in one look-up; concurrent calls travel together. `withLayouts`: with the object come the layouts
   * of its first parts (at most 16, in no order), for whoever is going to read its bytes. `bucket` undefined: no such
   * bucket; `object` undefined: no such key (or version), or `marker` is what is there.
   */
  findObject(
    query: ObjectQuery,
    signal: AbortSignal,
  ): Promise<{
    bucket: Bucket | undefined
    object: ObjectVersion | undefined
    marker?: DeleteMarker | undefined
    layouts: PartLayout[]
  }>
  /** The layouts of parts, in the order asked; also of parts that were doomed since, until their chunks are deleted. */
  findParts(partIds: readonly PartId[], signal: AbortSignal): Promise<(PartLayout | undefined)[]>

  /**
   * Makes a freshly written part the object's latest version, in one transaction. A bucket with versions keeps the former
   * one; elsewhere it is replaced, and doomed. Conditions are judged on the latest version; a delete marker is none.
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
  /**
   * Deletes what is there, in one transaction, in the order given; a missing key or version is no fault. In a bucket with
   * versions, a key without a version id gets a delete marker. What is refused, and why, stands in its place among the
   * answers: NoSuchKey (If-Match on a missing key), PreconditionFailed, AccessDenied (an object lock holds the version).
   */
  deleteObjects(
    bucketId: BucketId,
    targets: readonly DeleteTarget[],
    signal: AbortSignal,
  ): Promise<readonly (DeletedObject | StoreFault)[]>
  /**
   * Puts these tags in place of those that a version has; nothing else of it changes. Answers which version that was.
   * Faults: NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker).
   */
  tagObject(change: TagChange, signal: AbortSignal): Promise<{ versionId: VersionId }>
  /** The same with whose it is and its ACL; an object that was not `ownerId`'s any more is NoSuchKey, too. */
  setObjectAccess(change: AccessChange, signal: AbortSignal): Promise<{ versionId: VersionId }>
  /**
   * Prolongs a version's retention, sets or ends it; answers which version that was. Faults: those of tagObject,
   * AccessDenied (it would be weaker), InvalidArgument (a date in the past).
   */
  retainObject(change: RetentionChange, signal: AbortSignal): Promise<{ versionId: VersionId }>
  /** Answers which version that was. Faults: those of tagObject. */
  holdObject(change: HoldChange, signal: AbortSignal): Promise<{ versionId: VersionId }>
  /**
   * Keys > `after` (by UTF-8 bytes) that begin with `prefix`, rolled up at the first `delimiter` behind the prefix.
   * When `after` is itself a common prefix of this listing, everything under it is skipped. Cost does not depend on how
   * many keys a common prefix holds. `rowsMax` 0 gives an empty page that is not truncated.
   */
  listObjects(query: ListQuery, signal: AbortSignal): Promise<ObjectPage>

  /**
   * Versions and delete markers behind version `afterVersionId` of key `afterKey` (empty: behind all of that key), in order
   * of key, the newest first. If that version is gone, its key is listed again from the newest on. Otherwise as listObjects.
   */
  listVersions(query: VersionsQuery, signal: AbortSignal): Promise<VersionPage>

  /** Whose the objects of a listing are, where that is not the bucket's owner's: in their order. */
  findOwners(query: OwnersQuery, signal: AbortSignal): Promise<(AccountId | undefined)[]>

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
  /** To be told before the part is committed: the sweep deletes what lies there, unless the part's row says that it does. */
  noteStrays(partId: PartId, strays: readonly StrayChunk[], signal: AbortSignal): Promise<void>
}

/** A chunk of a part that may lie on a server that is not its own. */
export interface StrayChunk {
  index: number
  server: ServerNumber
}

export interface NewBucket {
  name: BucketName
  ownerId: AccountId
  region: string
  versioning?: Versioning
  settings?: BucketSettings
  /** Made with the bucket, or not at all. */
  documents?: Readonly<Partial<Record<BucketDocumentName, unknown>>>
}

export interface ObjectQuery {
  bucket: BucketName
  key: ObjectKey
  versionId: VersionId | undefined
  withLayouts?: boolean
}

export interface DeleteTarget {
  key: ObjectKey
  /** This version, for good. */
  versionId?: VersionId | undefined
  condition?: DeleteCondition | undefined
  /** The caller has leave to pass over a retention of mode GOVERNANCE, and says so. */
  mayBypass?: boolean | undefined
  origin?: EventOrigin | undefined
}

/** All that is there must hold of the latest version, whichever is to go. */
export interface DeleteCondition {
  /** Unquoted, or `*`; a key that is not there has none. */
  readonly etag?: string
  readonly sizeBytes?: number
  /** By whole seconds. */
  readonly modified?: Date
}

export interface DeletedObject {
  /** Of the delete marker that was made, or of the version that was named; undefined in a bucket without versions. */
  versionId: VersionId | undefined
  /** Whether that is a delete marker. */
  isDeleteMarker: boolean
}

/** What of a version is to be changed; without a version id, of the latest. */
export interface VersionChange {
  bucketId: BucketId
  key: ObjectKey
  versionId: VersionId | undefined
}

export interface TagChange extends VersionChange {
  tags: TagSet
  origin?: EventOrigin | undefined
}

export interface AccessChange extends VersionChange {
  /** Whose it was when it was looked at. */
  ownerId: AccountId
  /** Undefined: the bucket owner's, and private. */
  access: ObjectAccess | undefined
}

export interface Retention {
  mode: 'GOVERNANCE' | 'COMPLIANCE'
  until: Date
}

export interface RetentionChange extends VersionChange {
  /** undefined: it ends. */
  retention: Retention | undefined
  /** The caller has leave to pass over a retention of mode GOVERNANCE, and says so. */
  mayBypass: boolean
}

export interface HoldChange extends VersionChange {
  isOn: boolean
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
  extras?: ObjectExtras | undefined
  condition: WriteCondition
  /** Told to those whom the bucket's events are told to; absent: nobody knows. */
  origin?: EventOrigin | undefined
}

export interface ObjectCopy {
  source: ObjectVersion
  bucketId: BucketId
  key: ObjectKey
  attributes: ObjectAttributes
  /** What the copy gets; nothing is taken from the source. */
  extras?: ObjectExtras | undefined
  condition: WriteCondition
  origin?: EventOrigin | undefined
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

export interface VersionsQuery {
  bucketId: BucketId
  prefix: string
  /** Empty: none. */
  delimiter: string
  /** Empty: from the start. */
  afterKey: string
  afterVersionId: string
  rowsMax: number
}

/** Either all with a version id, or none: then of the latest versions. */
export interface OwnersQuery {
  bucketId: BucketId
  versions: readonly { key: ObjectKey; versionId?: VersionId }[]
}

export interface NewUpload {
  uploadId: UploadId
  bucketId: BucketId
  key: ObjectKey
  initiatorId: AccountId
  attributes: ObjectAttributes
  checksumAlgorithm: ChecksumAlgorithm | undefined
  checksumType: ChecksumType | undefined
  extras?: ObjectExtras | undefined
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
  origin?: EventOrigin | undefined
}

export interface CompletedObject {
  versionId: VersionId
  committedAt: Date
  etag: string
  checksum: Checksum | undefined
}
