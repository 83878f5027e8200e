import type { ObjectKey } from '../../base/ids.ts'
import type { ChecksumAlgorithm, ChecksumType, ListedObject } from '../../base/model.ts'
import type { ListQuery } from '../../engine/ports/catalogue.ts'
import { statement } from '../statement.ts'

/** A listing's rows in key order: a common prefix is its text. Answers one row, which is the page. */
type ListedRows = (string | ListedObject)[]

/** All rows as one JSON value, column by column: a quarter of what reading 1,000 rows of PostgreSQL's text costs. */
const page = /* sql */ `
  select json_agg(l.name) as names, json_agg(l.size_bytes) as sizes, json_agg(l.etag) as etags,
         json_agg(l.committed_at) as times, json_agg(l.storage_class) as classes,
         json_agg(l.checksum_algorithm) as algorithms, json_agg(l.checksum_type) as types`

const row = (r: Readonly<Record<string, unknown>>): ListedRows => {
  const names = (r.names ?? []) as string[]
  const sizes = r.sizes as (number | null)[]
  const etags = r.etags as string[]
  const times = r.times as string[]
  const classes = r.classes as string[]
  const algorithms = r.algorithms as (ChecksumAlgorithm | null)[]
  const types = r.types as (ChecksumType | null)[]
  return names.map((name, n) => {
    const sizeBytes = sizes[n]!
    if (sizeBytes === null) return name
    return {
      key: name as ObjectKey,
      sizeBytes,
      etag: etags[n]!,
      committedAt: new Date(times[n]!),
      storageClass: classes[n]!,
      checksumAlgorithm: algorithms[n] ?? undefined,
      checksumType: types[n] ?? undefined,
    }
  })
}

/** Keys alone. Index: objects_current. */
export const listKeys = statement({
  name: 'list_keys_v1',
  text: /* sql */ `
    ${page}
      from (select o.key as name, o.size_bytes, o.etag, o.committed_at, o.storage_class, o.checksum_algorithm, o.checksum_type
              from objects o
             where o.bucket_id = $1 and o.is_latest and not o.is_delete_marker
               and o.key >= listing_start_v1($2, '', $3) and o.key < prefix_end_v1($2)
             order by o.key limit $4) as l`,
  bind: (q: ListQuery) => [q.bucketId, q.prefix, q.after, q.rowsMax],
  row,
})

/** Keys and common prefixes (list_objects_v2). Index: objects_current. */
export const listRolledUp = statement({
  name: 'list_rolled_up_v1',
  text: `${page} from list_objects_v2($1, $2, $3, $4, $5) as l`,
  bind: (q: ListQuery) => [q.bucketId, q.prefix, q.delimiter, q.after, q.rowsMax],
  row,
})
