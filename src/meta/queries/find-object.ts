import type { BucketId, ObjectKey, PartId, VersionId } from '../../base/ids.ts'
import type {
  Bucket,
  ChecksumAlgorithm,
  ChecksumType,
  DeleteMarker,
  ObjectVersion,
  PartLayout,
} from '../../base/model.ts'
import type { ObjectQuery } from '../../engine/ports/catalogue.ts'
import {
  type BucketJson,
  bucketJson,
  type ExtrasJson,
  extrasJson,
  type LayoutJson,
  layoutJson,
  toBucket,
  toExtras,
  toLayout,
} from '../rows.ts'
import { statement } from '../statement.ts'

export interface FoundObject {
  bucket: Bucket | undefined
  object: ObjectVersion | undefined
  marker: DeleteMarker | undefined
  layouts: PartLayout[]
}

/** Layouts that travel with an object; of an object of more parts, the rest is asked for as it is read. */
const LAYOUTS_MAX = 16

const ofKey = 'select * from objects o where o.bucket_id = b.bucket_id and o.key = i.key'

/**
 * Bucket, current object and its first layouts. Only where there is no object, and the bucket has versions, is a delete
 * marker looked for. Indexes: buckets_name_key, objects_current, objects_marked, parts_pkey.
 */
export const findCurrentObjects = finder(
  'find_current_objects_v5',
  `select * from (
     ${ofKey} and o.is_latest and not o.is_delete_marker union all
     ${ofKey} and o.is_latest and o.is_delete_marker and b.versioning <> '') as l`,
)

/** The same for a version. Index: objects_pkey. */
export const findObjectVersions = finder('find_object_versions_v5', `${ofKey} and o.version_id = i.version_id`)

/** `limit 1` keeps each look-up a probe of an index: the planner cannot turn it into a join of whole tables. */
function finder(name: string, versions: string) {
  return statement({
    name,
    text: /* sql */ `
      select ${bucketJson} as bucket,
             json_build_array(
               o.bucket_id, o.key, o.version_id, o.size_bytes, o.etag, o.committed_at, o.is_multipart,
               o.storage_class, o.headers, o.user_metadata, o.checksum_algorithm, o.checksum_value, o.checksum_type,
               o.part_numbers, o.part_ids, o.part_sizes, o.part_checksums, o.is_delete_marker,
               ${extrasJson('o')}) as object,
             case when i.with_layouts then
               (select json_agg(${layoutJson}) from parts p where p.part_id = any (o.part_ids[1:${LAYOUTS_MAX}]))
             end as layouts
        from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
             with ordinality as i (bucket, key, version_id, with_layouts, n)
        left join lateral (select * from buckets b where b.name = i.bucket limit 1) as b on true
        left join lateral (${versions} limit 1) as o on true
       order by i.n`,
    bind: (queries: readonly ObjectQuery[]) => [
      queries.map((q) => q.bucket),
      queries.map((q) => q.key),
      queries.map((q) => q.versionId ?? ''),
      queries.map((q) => q.withLayouts ?? false),
    ],
    row: (r): FoundObject => ({
      bucket: toBucket(r.bucket as BucketJson),
      ...toObjectOrMarker(r.object as ObjectJson),
      layouts: ((r.layouts ?? []) as LayoutJson[]).map(toLayout),
    }),
  })
}

/** All null: there is none. */
type ObjectJson = readonly [
  ...[id: BucketId | null, key: ObjectKey, version: VersionId, size: number, etag: string, at: string, multi: boolean],
  ...[storageClass: string, headers: Record<string, string>, userMetadata: Record<string, string>],
  ...[algorithm: ChecksumAlgorithm | null, checksum: string, checksumType: ChecksumType],
  ...[numbers: number[], ids: (PartId | null)[], sizes: number[], checksums: (string | null)[]],
  ...[isDeleteMarker: boolean, extras: ExtrasJson | null],
]

function toObjectOrMarker(json: ObjectJson): Pick<FoundObject, 'object' | 'marker'> {
  const [bucketId, key, versionId, sizeBytes, etag, at, isMultipart, storageClass, ...more] = json
  if (bucketId === null) return { object: undefined, marker: undefined }
  const committedAt = new Date(at)
  const [headers, userMetadata, algorithm, value, type, numbers, ids, sizes, checksums, isDeleteMarker, extras] = more
  if (isDeleteMarker) return { object: undefined, marker: { versionId, committedAt } }
  const object = {
    bucketId,
    key,
    versionId,
    sizeBytes,
    etag,
    committedAt,
    attributes: { headers, userMetadata, storageClass },
    checksum: algorithm === null ? undefined : { algorithm, value, type },
    isMultipart,
    parts: numbers.map((number, n) => ({
      number,
      partId: ids[n] ?? undefined,
      sizeBytes: sizes[n]!,
      checksum: checksums[n] ?? undefined,
    })),
    ...toExtras(extras),
  }
  return { object, marker: undefined }
}
