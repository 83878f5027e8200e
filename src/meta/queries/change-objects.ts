import type { BucketId, VersionId } from '../../base/ids.ts'
import type { DeleteTarget, ObjectCopy } from '../../engine/ports/catalogue.ts'
import { allOrNull, extrasText, originText } from '../rows.ts'
import { statement } from '../statement.ts'

export interface DeleteRow {
  outcome: 'ok' | 'no-key' | 'etag-differs' | 'size-differs' | 'time-differs' | 'held'
  versionId: VersionId | undefined
  isDeleteMarker: boolean
}

const PLAINLY_GONE: DeleteRow = { outcome: 'ok', versionId: undefined, isDeleteMarker: false }

/** Many deletes, one transaction, an answer each, in one row (delete_and_note_v2). */
export const deleteObjects = statement({
  name: 'delete_and_note_v2',
  text: `select delete_and_note_v2($1, $2, $3, $4, $5, 'ObjectRemoved', $6) as done`,
  bind: (targets: readonly (DeleteTarget & { bucketId: BucketId })[]) => [
    targets.map((t) => t.bucketId),
    targets.map((t) => t.key),
    allOrNull(targets.map((t) => t.versionId ?? null)),
    allOrNull(targets.map((t) => (t.condition ? JSON.stringify(t.condition) : null))),
    allOrNull(targets.map((t) => t.mayBypass || null)),
    allOrNull(targets.map((t) => originText(t.origin))),
  ],
  row: (r): ((n: number) => DeleteRow) => {
    const done = r.done as [DeleteRow['outcome'][], (VersionId | null)[], boolean[]] | null
    if (!done) return () => PLAINLY_GONE
    const [outcomes, versions, markers] = done
    return (n) => ({ outcome: outcomes[n]!, versionId: versions[n] ?? undefined, isDeleteMarker: markers[n]! })
  },
})

export type CopyOutcome = 'ok' | 'no-bucket' | 'no-source' | 'source-changed' | 'no-key' | 'precondition-failed'

/** A new object of another one's parts (copy_and_note_v2). */
export const copyObject = statement({
  name: 'copy_and_note_v2',
  text: /* sql */ `
    select outcome, version_id, committed_at from copy_and_note_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
  bind: ({ source, bucketId, key, attributes, extras, condition, origin }: ObjectCopy) => [
    source.bucketId,
    source.key,
    source.versionId,
    source.etag,
    source.committedAt,
    source.parts[0]?.partId,
    bucketId,
    key,
    attributes.storageClass,
    JSON.stringify(attributes.headers),
    JSON.stringify(attributes.userMetadata),
    extrasText(extras),
    condition.ifNoneMatch === '*',
    condition.ifMatch ?? '',
    originText(origin),
  ],
  row: (r) => ({
    outcome: r.outcome as CopyOutcome,
    versionId: r.version_id as VersionId,
    committedAt: r.committed_at as Date,
  }),
})
