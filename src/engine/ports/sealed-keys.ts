import type { Encryption } from '../../base/encryption.ts'
import type { BucketId, ObjectKey, UploadId, VersionId } from '../../base/ids.ts'

/** The data keys that lie in the catalogue, sealed by keys of the store: for whoever seals them anew. src/meta implements it. */
export interface SealedKeys {
  /** Of objects, in the order of their names; `after`: undefined for the first page. */
  listObjectKeys(query: { after: ObjectName | undefined; rowsMax: number }, signal: AbortSignal): Promise<ObjectSeal[]>
  /** Of multipart uploads, by id. */
  listUploadKeys(
    query: { after: Pick<UploadSeal, 'uploadId'> | undefined; rowsMax: number },
    signal: AbortSignal,
  ): Promise<UploadSeal[]>
  /** Where the key is still sealed as it was read. */
  replaceObjectKeys(changes: readonly (ObjectSeal & Resealed)[], signal: AbortSignal): Promise<void>
  replaceUploadKeys(changes: readonly (UploadSeal & Resealed)[], signal: AbortSignal): Promise<void>
}

export interface ObjectName {
  bucketId: BucketId
  key: ObjectKey
  versionId: VersionId
}

export interface ObjectSeal extends ObjectName {
  encryption: Encryption
}

export interface UploadSeal {
  uploadId: UploadId
  encryption: Encryption
}

export interface Resealed {
  resealed: Encryption
}
