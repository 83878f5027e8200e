import type { VersionId } from '../../base/ids.ts'
import type { AccessChange, HoldChange, RetentionChange, TagChange } from '../../engine/ports/catalogue.ts'
import { originText } from '../rows.ts'
import { type Row, statement } from '../statement.ts'

export interface ChangeRow {
  outcome: 'ok' | 'no-object' | 'delete-marker' | 'held' | 'past'
  versionId: VersionId
}

export const tagObject = statement({
  name: 'tag_and_note_v1',
  text: 'select outcome, changed_id from tag_and_note_v1($1, $2, $3, $4, $5)',
  bind: ({ bucketId, key, versionId, tags, origin }: TagChange) => [
    bucketId,
    key,
    versionId ?? null,
    tags.length === 0 ? null : JSON.stringify(tags),
    originText(origin),
  ],
  row: toChange,
})

export const setObjectAccess = statement({
  name: 'set_object_access_v1',
  text: 'select outcome, changed_id from set_object_access_v1($1, $2, $3, $4, $5)',
  bind: ({ bucketId, key, versionId, ownerId, access }: AccessChange) => [
    ...[bucketId, key, versionId ?? null, ownerId],
    access === undefined ? null : JSON.stringify(access),
  ],
  row: toChange,
})

export const retainObject = statement({
  name: 'retain_object_v1',
  text: 'select outcome, changed_id from retain_object_v1($1, $2, $3, $4, $5, $6)',
  bind: ({ bucketId, key, versionId, retention, mayBypass }: RetentionChange) => [
    bucketId,
    key,
    versionId ?? null,
    retention?.mode ?? null,
    retention?.until ?? null,
    mayBypass,
  ],
  row: toChange,
})

export const holdObject = statement({
  name: 'hold_object_v1',
  text: 'select outcome, changed_id from hold_object_v1($1, $2, $3, $4)',
  bind: ({ bucketId, key, versionId, isOn }: HoldChange) => [bucketId, key, versionId ?? null, isOn],
  row: toChange,
})

function toChange(r: Row): ChangeRow {
  return { outcome: r.outcome as ChangeRow['outcome'], versionId: r.changed_id as VersionId }
}
