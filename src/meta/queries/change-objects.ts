import type { BucketId, ObjectKey, VersionId } from '../../base/ids.ts'
import type { ObjectCopy } from '../../engine/ports/catalogue.ts'
import { statement } from '../statement.ts'

/** Deletes what is there, in one transaction (delete_objects_v2). */
export const deleteObjects = statement({
  name: 'delete_objects_v2',
  text: 'select delete_objects_v2($1, $2)',
  bind: (targets: { bucketIds: readonly BucketId[]; keys: readonly ObjectKey[] }) => [targets.bucketIds, targets.keys],
  row: () => undefined,
})

export type CopyOutcome = 'ok' | 'no-bucket' | 'no-source' | 'source-changed' | 'no-key' | 'precondition-failed'

/** A new object of another one's parts (copy_object_v1). */
export const copyObject = statement({
  name: 'copy_object_v1',
  text: /* sql */ `
    select outcome, version_id, committed_at from copy_object_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
  bind: ({ source, bucketId, key, attributes, condition }: ObjectCopy) => [
    source.bucketId,
    source.key,
    source.versionId,
    source.etag,
    source.committedAt,
    bucketId,
    key,
    attributes.storageClass,
    JSON.stringify(attributes.headers),
    JSON.stringify(attributes.userMetadata),
    condition.ifNoneMatch === '*',
    condition.ifMatch ?? '',
  ],
  row: (r) => ({
    outcome: r.outcome as CopyOutcome,
    versionId: r.version_id as VersionId,
    committedAt: r.committed_at as Date,
  }),
})
