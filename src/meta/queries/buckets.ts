import type { AccountId, BucketId, BucketName } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import { type BucketJson, bucketJson, toBucket } from '../rows.ts'
import { statement } from '../statement.ts'

/** In the order asked. Index: buckets_name_key. */
export const findBuckets = statement({
  name: 'find_buckets_v2',
  text: /* sql */ `
    select ${bucketJson} as bucket
      from unnest($1::text[]) with ordinality as i (name, n)
      left join lateral (select * from buckets b where b.name = i.name limit 1) as b on true
     order by i.n`,
  bind: (names: readonly BucketName[]) => [names],
  row: (r) => toBucket(r.bucket as BucketJson),
})

export const createBucket = statement({
  name: 'create_bucket_v2',
  text: /* sql */ `
    select outcome, json_build_array(bucket_id, found_name, found_owner_id, found_region, created_at) as bucket
      from create_bucket_v1($1, $2, $3, $4)`,
  bind: (b: { name: BucketName; ownerId: AccountId; region: string; bucketsMax: number }) => [
    b.name,
    b.ownerId,
    b.region,
    b.bucketsMax,
  ],
  row: (r) => ({ outcome: r.outcome as 'ok' | 'exists' | 'too-many', bucket: toBucket(r.bucket as BucketJson) }),
})

export const deleteBucket = statement({
  name: 'delete_bucket_v1',
  text: 'select delete_bucket_v1($1) as outcome',
  bind: (bucketId: BucketId) => [bucketId],
  row: (r) => r.outcome as 'ok' | 'no-bucket' | 'not-empty',
})

/** Index: buckets_by_owner. */
export const listBuckets = statement({
  name: 'list_buckets_v2',
  text: /* sql */ `
    select ${bucketJson} as bucket from buckets b
     where b.owner_id = $1 and b.name > $3 and b.name >= $2 and b.name < prefix_end_v1($2)
     order by b.name limit $4`,
  bind: (q: { ownerId: AccountId; prefix: string; after: string; rowsMax: number }) => [
    q.ownerId,
    q.prefix,
    q.after,
    q.rowsMax,
  ],
  row: (r) => toBucket(r.bucket as BucketJson) as Bucket,
})
