import type { BucketId, VersionId } from '../../base/ids.ts'
import type { ObjectRename, RenameToken } from '../../engine/ports/renames.ts'
import { originText } from '../rows.ts'
import { type Row, statement } from '../statement.ts'

export type RenameRow =
  | { outcome: 'ok' | 'repeated'; versionId: VersionId }
  | {
      outcome: 'no-bucket' | 'no-source' | 'source-changed' | 'held' | 'precondition-failed' | 'token-mismatch'
      versionId: undefined
    }

/** One object, one transaction (rename_object_v1). */
export const renameObject = statement({
  name: 'rename_object_v1',
  text: /* sql */ `
    select outcome, version_id from rename_object_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  bind: ({ source, key, lock, condition, token, origin }: ObjectRename) => [
    source.bucketId,
    source.key,
    source.versionId,
    source.etag,
    source.committedAt,
    key,
    lock && JSON.stringify(lock),
    condition.ifNoneMatch === '*',
    condition.ifMatch ?? '',
    condition.modifiedSince,
    condition.unmodifiedSince,
    token?.name,
    token?.request,
    originText(origin),
  ],
  row: toRow,
})

/** No row: it was not done. */
export const findRename = statement({
  name: 'find_rename_v1',
  text: 'select outcome, version_id from find_rename_v1($1, $2, $3)',
  bind: ({ bucketId, token }: { bucketId: BucketId; token: RenameToken }) => [bucketId, token.name, token.request],
  row: toRow,
})

function toRow(row: Row): RenameRow {
  return { outcome: row.outcome, versionId: row.version_id ?? undefined } as RenameRow
}
