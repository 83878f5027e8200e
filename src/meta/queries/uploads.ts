import type { BucketId, ObjectKey, PartId, UploadId, VersionId } from '../../base/ids.ts'
import type { Checksum, UploadedPart } from '../../base/model.ts'
import type { CompletedObject, NewUpload, PartCommit, UploadCompletion } from '../../engine/ports/catalogue.ts'
import { extrasText, originText, storedBytes, toChecksum, toUpload, uploadColumns } from '../rows.ts'
import { type Row, statement } from '../statement.ts'

const interval = (ms: number) => `${ms} milliseconds`

export interface UploadQuery {
  bucketId: BucketId
  key: ObjectKey
  uploadId: UploadId
}

export const createUpload = statement({
  name: 'create_upload_v2',
  text: 'select create_upload_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as initiated_at',
  bind: ({ upload, ttlMs }: { upload: NewUpload; ttlMs: number }) => [
    upload.uploadId,
    upload.bucketId,
    upload.key,
    upload.initiatorId,
    JSON.stringify(upload.attributes.headers),
    JSON.stringify(upload.attributes.userMetadata),
    upload.attributes.storageClass,
    extrasText(upload.extras),
    upload.checksumAlgorithm,
    upload.checksumType,
    interval(ttlMs),
  ],
  row: (r) => (r.initiated_at ?? undefined) as Date | undefined,
})

/** By the id alone at first: with more to go by, the planner may take another index. Index: upload_sessions_pkey. */
export const findUpload = statement({
  name: 'find_upload_v3',
  text: /* sql */ `
    select ${uploadColumns} from (select * from upload_sessions s where s.upload_id = $1 limit 1) as s
     where s.bucket_id = $2 and s.key = $3 and s.kind = 'multipart'
       and (s.state = 'completed' or s.state = 'open' and s.expires_at > clock_timestamp())`,
  bind: (q: UploadQuery) => [q.uploadId, q.bucketId, q.key],
  row: toUpload,
})

export type PartOutcome = 'ok' | 'repeated' | 'given-up' | 'session-over' | 'no-upload'

export const commitPart = statement({
  name: 'commit_part_v2',
  text: /* sql */ `
    select outcome, modified_at from commit_part_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  bind: ({ commit, ttlMs }: { commit: PartCommit; ttlMs: number }) => [
    commit.uploadId,
    commit.number,
    commit.sizeBytes,
    commit.etag,
    ...checksumValues(commit.checksum),
    commit.part?.partId,
    commit.part?.blockBytes,
    commit.part?.parityChunks,
    commit.part?.servers,
    commit.part?.chunkHashes,
    interval(ttlMs),
    storedBytes(commit.part),
  ],
  row: (r) => ({ outcome: r.outcome as PartOutcome, modifiedAt: r.modified_at as Date }),
})

/** Index: upload_parts_pkey. */
export const listParts = statement({
  name: 'list_parts_v1',
  text: /* sql */ `
    select part_number, part_id, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type, modified_at
      from upload_parts where upload_id = $1 and part_number > $2 order by part_number limit $3`,
  bind: (q: { uploadId: UploadId; after: number; rowsMax: number }) => [q.uploadId, q.after, q.rowsMax],
  row: (r): UploadedPart => ({
    number: r.part_number as number,
    partId: (r.part_id ?? undefined) as PartId | undefined,
    sizeBytes: Number(r.size_bytes),
    etag: r.etag as string,
    checksum: toChecksum(r),
    modifiedAt: r.modified_at as Date,
  }),
})

export interface UploadsQuery {
  bucketId: BucketId
  prefix: string
  delimiter: string
  afterKey: string
  afterUploadId: string
  rowsMax: number
}

/** Uploads and common prefixes in order (list_uploads_v1). Index: upload_sessions_listed. */
export const listUploads = statement({
  name: 'list_uploads_v2',
  text: /* sql */ `
    select l.is_prefix, l.name, ${uploadColumns}
      from list_uploads_v1($1, $2, $3, $4, $5, $6) with ordinality as l (is_prefix, name, upload_id, n)
      left join lateral (select * from upload_sessions s where s.upload_id = l.upload_id limit 1) as s on true
     order by l.n`,
  bind: (q: UploadsQuery) => [q.bucketId, q.prefix, q.delimiter, q.afterKey, q.afterUploadId, q.rowsMax],
  row: (r) => (r.is_prefix ? (r.name as string) : toUpload(r)),
})

export type CompleteOutcome =
  | 'ok'
  | 'repeated'
  | 'no-upload'
  | 'no-bucket'
  | 'invalid-part'
  | 'no-key'
  | 'precondition-failed'

export const completeUpload = statement({
  name: 'complete_and_note_v1',
  text: /* sql */ `
    select * from complete_and_note_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
  bind: ({ complete, ttlMs }: { complete: UploadCompletion; ttlMs: number }) => [
    complete.upload.uploadId,
    complete.upload.bucketId,
    complete.upload.key,
    complete.sizeBytes,
    complete.etag,
    ...checksumValues(complete.checksum),
    complete.parts.map((p) => p.number),
    complete.parts.map((p) => p.partId),
    complete.parts.map((p) => p.sizeBytes),
    complete.parts.map((p) => p.checksum),
    complete.condition.ifNoneMatch === '*',
    complete.condition.ifMatch ?? '',
    interval(ttlMs),
    originText(complete.origin),
  ],
  row: (r) => ({
    outcome: r.outcome as CompleteOutcome,
    badPart: (r.bad_part ?? undefined) as number | undefined,
    object: toCompletedObject(r),
  }),
})

export const findCompletion = statement({
  name: 'find_completion_v1',
  text: /* sql */ `
    select s.completed_version_id as version_id, s.completed_at as committed_at, s.completed_etag,
           s.completed_checksum_algorithm, s.completed_checksum_value, s.completed_checksum_type
      from upload_sessions s where s.upload_id = $1 and s.kind = 'multipart' and s.state = 'completed'`,
  bind: (uploadId: UploadId) => [uploadId],
  row: toCompletedObject,
})

export const abortUpload = statement({
  name: 'abort_upload_v2',
  text: 'select abort_upload_v2($1, $2, $3) as aborted',
  bind: (q: UploadQuery) => [q.uploadId, q.bucketId, q.key],
  row: (r) => r.aborted as boolean,
})

function toCompletedObject(r: Row): CompletedObject {
  return {
    versionId: r.version_id as VersionId,
    committedAt: r.committed_at as Date,
    etag: r.completed_etag as string,
    checksum: toChecksum({
      checksum_algorithm: r.completed_checksum_algorithm,
      checksum_value: r.completed_checksum_value,
      checksum_type: r.completed_checksum_type,
    }),
  }
}

const checksumValues = (checksum: Checksum | undefined) => [checksum?.algorithm, checksum?.value, checksum?.type]
