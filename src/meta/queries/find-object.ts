import type { BucketName, ObjectKey, VersionId } from '../../base/ids.ts'
import type { Bucket, ObjectVersion, PartLayout } from '../../base/model.ts'
import {
  bucketColumns,
  type LayoutJson,
  layoutJson,
  objectColumns,
  toBucket,
  toLayout,
  toObjectVersion,
} from '../rows.ts'
import { statement } from '../statement.ts'

export interface ObjectQuery {
  bucket: BucketName
  key: ObjectKey
  versionId: VersionId | undefined
}

export interface FoundObject {
  bucket: Bucket | undefined
  object: ObjectVersion | undefined
  layouts: PartLayout[]
}

/** Layouts that travel with an object; of an object of more parts, the rest is asked for as it is read. */
const LAYOUTS_MAX = 16

/** `limit 1` keeps each look-up a probe of an index: the planner cannot turn it into a join of whole tables. */
const text = (version: string) => /* sql */ `
  select ${bucketColumns}, ${objectColumns}, l.layouts
    from unnest($1::text[], $2::text[], $3::text[]) with ordinality as i (bucket, key, version_id, n)
    left join lateral (select * from buckets b where b.name = i.bucket limit 1) as b on true
    left join lateral (select * from objects o
                        where o.bucket_id = b.bucket_id and o.key = i.key and ${version} and not o.is_delete_marker
                        limit 1) as o on true
    left join lateral (select json_agg(${layoutJson} order by u.position) as layouts
                         from unnest(o.part_ids[1:${LAYOUTS_MAX}]) with ordinality as u (part_id, position)
                        cross join lateral (select * from parts p where p.part_id = u.part_id limit 1) as p) as l on true
   order by i.n`

const bind = (queries: readonly ObjectQuery[]) => [
  queries.map((q) => q.bucket),
  queries.map((q) => q.key),
  queries.map((q) => q.versionId ?? ''),
]

const row = (r: Readonly<Record<string, unknown>>): FoundObject => ({
  bucket: r.bucket_id === null ? undefined : toBucket(r),
  object: r.key === null ? undefined : toObjectVersion(r),
  layouts: ((r.layouts ?? []) as LayoutJson[]).map(toLayout),
})

/** Bucket, current object and its first layouts. Indexes: buckets_name_key, objects_current, parts_pkey. */
export const findCurrentObjects = statement({ name: 'find_current_objects_v1', text: text('o.is_latest'), bind, row })

/** The same for a version. Index: objects_pkey. */
export const findObjectVersions = statement({
  name: 'find_object_versions_v1',
  text: text('o.version_id = i.version_id'),
  bind,
  row,
})
