import type { ObjectKey } from '../../base/ids.ts'
import type { ChecksumAlgorithm, ChecksumType, ListedObject } from '../../base/model.ts'
import type { ListQuery } from '../../engine/ports/catalogue.ts'
import { statement } from '../statement.ts'

/** Keys and common prefixes in key order (list_objects_v1). Index: objects_current. */
export const listObjects = statement({
  name: 'list_objects_v1',
  text: 'select * from list_objects_v1($1, $2, $3, $4, $5)',
  bind: (q: ListQuery) => [q.bucketId, q.prefix, q.delimiter, q.after, q.rowsMax],
  row: (r): string | ListedObject =>
    r.is_prefix
      ? (r.name as string)
      : {
          key: r.name as ObjectKey,
          sizeBytes: Number(r.size_bytes),
          etag: r.etag as string,
          committedAt: r.committed_at as Date,
          storageClass: r.storage_class as string,
          checksumAlgorithm: (r.checksum_algorithm ?? undefined) as ChecksumAlgorithm | undefined,
          checksumType: (r.checksum_type ?? undefined) as ChecksumType | undefined,
        },
})
