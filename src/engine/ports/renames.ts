import type { BucketId, ObjectKey, VersionId } from '../../base/ids.ts'
import type { ObjectLock, ObjectVersion, WriteCondition } from '../../base/model.ts'
import type { EventOrigin } from '../../base/notifications/rules.ts'

/** What the catalogue does when an object is renamed. */
export interface Renames {
  /**
   * Gives an object another key of its bucket, in one transaction: metadata only. What is under that key is replaced, as by
   * a write. In a bucket with versions the source stays, under a delete marker, and the target gets a new version. Undefined:
   * the source's latest version is another one than was looked at. A repeated call with the same token gives the first
   * one's answer. Faults: NoSuchBucket, NoSuchKey (the source), PreconditionFailed (the target's), AccessDenied (an object
   * lock holds the source), IdempotencyParameterMismatch.
   */
  renameObject(rename: ObjectRename, signal: AbortSignal): Promise<{ versionId: VersionId } | undefined>
  /** What a rename that is done already made. Fault: IdempotencyParameterMismatch. */
  findRename(
    query: { bucketId: BucketId; token: RenameToken },
    signal: AbortSignal,
  ): Promise<{ versionId: VersionId } | undefined>
}

export interface ObjectRename {
  /** The latest version of its key. */
  source: ObjectVersion
  /** In the source's bucket, and another one than the source's. */
  key: ObjectKey
  /** What the new version is held by; the source's lock does not go along. */
  lock?: ObjectLock | undefined
  condition: RenameCondition
  /** Absent: it cannot be repeated. */
  token?: RenameToken | undefined
  origin?: EventOrigin | undefined
}

/** Of the target; a target that is not there was never modified. */
export interface RenameCondition extends WriteCondition {
  modifiedSince?: Date
  unmodifiedSince?: Date
}

/** By which a client asks for the same rename again: its name, and a digest of who asks for what. */
export interface RenameToken {
  name: string
  request: string
}
