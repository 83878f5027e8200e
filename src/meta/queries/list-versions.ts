import type { ObjectKey, VersionId } from '../../base/ids.ts'
import type { ChecksumAlgorithm, ChecksumType, ListedVersion } from '../../base/model.ts'
import type { VersionsQuery } from '../../engine/ports/catalogue.ts'
import { statement } from '../statement.ts'

/** A common prefix has no size. */
type VersionJson = readonly [
  ...[name: string, version: VersionId, isLatest: boolean, isMarker: boolean, size: number | null, etag: string],
  ...[at: string, storageClass: string, algorithm: ChecksumAlgorithm | null, type: ChecksumType | null],
]

/** Versions and common prefixes in order, in one row (list_versions_v1). Indexes: objects_current, objects_marked, objects_former. */
export const listVersions = statement({
  name: 'list_versions_v1',
  text: /* sql */ `
    select json_agg(json_build_array(
             l.name, l.version_id, l.is_latest, l.is_delete_marker, l.size_bytes, l.etag,
             l.committed_at, l.storage_class, l.checksum_algorithm, l.checksum_type) order by l.n) as page
      from list_versions_v1($1, $2, $3, $4, $5, $6) with ordinality
        as l (name, version_id, is_latest, is_delete_marker, size_bytes, etag,
              committed_at, storage_class, checksum_algorithm, checksum_type, n)`,
  bind: (q: VersionsQuery) => [q.bucketId, q.prefix, q.delimiter, q.afterKey, q.afterVersionId, q.rowsMax],
  row: (r): (string | ListedVersion)[] => ((r.page ?? []) as VersionJson[]).map(toListed),
})

function toListed(json: VersionJson): string | ListedVersion {
  const [name, versionId, isLatest, isDeleteMarker, sizeBytes, etag, at, storageClass, algorithm, type] = json
  if (sizeBytes === null) return name
  return {
    key: name as ObjectKey,
    versionId,
    isLatest,
    isDeleteMarker,
    sizeBytes,
    etag,
    committedAt: new Date(at),
    storageClass,
    checksumAlgorithm: algorithm ?? undefined,
    checksumType: type ?? undefined,
  }
}
