import type { AccountId, BucketId, BucketName } from '../../base/ids.ts'
import type { Bucket, BucketLock, BucketSettings, Versioning } from '../../base/model.ts'
import type { NewBucket } from '../../engine/ports/catalogue.ts'
import { type BucketJson, bucketJson, toBucket } from '../rows.ts'
import { statement } from '../statement.ts'

/** In the order asked. Index: buckets_name_key. */
export const findBuckets = statement({
  name: 'find_buckets_v3',
  text: /* sql */ `
    select ${bucketJson} as bucket
      from unnest($1::text[]) with ordinality as i (name, n)
      left join lateral (select * from buckets b where b.name = i.name limit 1) as b on true
     order by i.n`,
  bind: (names: readonly BucketName[]) => [names],
  row: (r) => toBucket(r.bucket as BucketJson),
})

export const createBucket = statement({
  name: 'create_bucket_v4',
  text: /* sql */ `
    with made as materialized (select * from create_bucket_v2($1, $2, $3, $4, $5, $6)),
    documents as (
      insert into bucket_documents (bucket_id, name, document)
      select (m.bucket).bucket_id, d.key, d.value from made m, jsonb_each($7::jsonb) d where m.outcome = 'ok'
    )
    select m.outcome, (select ${bucketJson} from (select (m.bucket).*) as b) as bucket from made m`,
  bind: (b: NewBucket & { bucketsMax: number }) => [
    b.name,
    b.ownerId,
    b.region,
    JSON.stringify(b.settings ?? {}),
    b.versioning ?? '',
    b.bucketsMax,
    JSON.stringify(b.documents ?? {}),
  ],
  row: (r) => ({ outcome: r.outcome as 'ok' | 'exists' | 'too-many', bucket: toBucket(r.bucket as BucketJson) }),
})

export const deleteBucket = statement({
  name: 'delete_bucket_v1',
  text: 'select delete_bucket_v1($1) as outcome',
  bind: (bucketId: BucketId) => [bucketId],
  row: (r) => r.outcome as 'ok' | 'no-bucket' | 'not-empty',
})

/** Not where its versions can be locked. No row: no such bucket. */
export const setVersioning = statement({
  name: 'set_versioning_v2',
  text: /* sql */ `
    with changed as (
      update buckets set versioning = $2 where bucket_id = $1 and ($2 = 'Enabled' or not settings ? 'objectLock')
      returning bucket_id
    )
    select exists (select from changed) as is_changed from buckets b where b.bucket_id = $1`,
  bind: (c: { bucketId: BucketId; versioning: Versioning }) => [c.bucketId, c.versioning],
  row: (r) => r.is_changed as boolean,
})

/** Only where versions are kept. No row: no such bucket. */
export const lockBucket = statement({
  name: 'lock_bucket_v1',
  text: /* sql */ `
    with changed as (
      update buckets set settings = settings || jsonb_build_object('objectLock', $2::jsonb)
       where bucket_id = $1 and versioning = 'Enabled' returning bucket_id
    )
    select exists (select from changed) as is_changed from buckets b where b.bucket_id = $1`,
  bind: (c: { bucketId: BucketId; lock: BucketLock }) => [c.bucketId, JSON.stringify(c.lock)],
  row: (r) => r.is_changed as boolean,
})

/** A name and its value; without a value it is taken away. */
export const changeBucketSetting = statement({
  name: 'change_bucket_setting_v1',
  text: /* sql */ `
    update buckets set settings = case when $3::jsonb is null then settings - $2::text
                                       else settings || jsonb_build_object($2::text, $3::jsonb) end
     where bucket_id = $1 returning bucket_id`,
  bind: (c: { bucketId: BucketId; name: keyof BucketSettings; value: unknown }) => [
    c.bucketId,
    c.name,
    c.value === undefined ? null : JSON.stringify(c.value),
  ],
  row: () => true,
})

/** Index: buckets_by_owner. */
export const listBuckets = statement({
  name: 'list_buckets_v3',
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
