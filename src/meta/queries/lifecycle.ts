import type { BucketId } from '../../base/ids.ts'
import type { Lifecycle } from '../../base/lifecycle/rules.ts'
import type { DueCandidate, ExpiryKind, RuledBucket } from '../../upkeep/ports/lifecycle.ts'
import { statement } from '../statement.ts'

/** Document and setting in one. No row: no such bucket. */
export const putLifecycle = statement({
  name: 'put_lifecycle_v1',
  text: /* sql */ `
    with bucket as (
      update buckets set settings = settings || jsonb_build_object('lifecycle', $3::text)
       where bucket_id = $1 returning bucket_id
    ), put as (
      insert into bucket_documents (bucket_id, name, document)
      select b.bucket_id, 'lifecycle', $2::jsonb from bucket b
      on conflict (bucket_id, name) do update set document = excluded.document, changed_at = clock_timestamp()
    )
    select b.bucket_id from bucket b`,
  bind: ({ bucketId, lifecycle }: { bucketId: BucketId; lifecycle: Lifecycle }) => [
    bucketId,
    JSON.stringify(lifecycle),
    lifecycle.revision,
  ],
  row: () => true,
})

/** No row: no such bucket. */
export const deleteLifecycle = statement({
  name: 'delete_lifecycle_v1',
  text: /* sql */ `
    with gone as (delete from bucket_documents where bucket_id = $1 and name = 'lifecycle')
    update buckets set settings = settings - 'lifecycle' where bucket_id = $1 returning bucket_id`,
  bind: (bucketId: BucketId) => [bucketId],
  row: () => true,
})

export const lookAtLifecycle = statement({
  name: 'look_at_lifecycle_v1',
  text: /* sql */ `
    select clock_timestamp() as now,
           (select md5(coalesce(string_agg(d.bucket_id || ' ' || (d.document->>'revision'), ',' order by d.bucket_id), ''))
              from bucket_documents d where d.name = 'lifecycle') as fingerprint`,
  bind: (_: undefined) => [],
  row: (r) => ({ nowMs: (r.now as Date).getTime(), fingerprint: r.fingerprint as string }),
})

/** Index: bucket_documents_pkey. */
export const findRuledBucket = statement({
  name: 'find_ruled_bucket_v1',
  text: /* sql */ `
    select d.bucket_id, d.document, clock_timestamp() as now from bucket_documents d
     where d.bucket_id > $1 and d.name = 'lifecycle' order by d.bucket_id limit 1`,
  bind: (after: number) => [after],
  row: (r): RuledBucket => ({
    bucketId: Number(r.bucket_id) as BucketId,
    lifecycle: r.document as Lifecycle,
    nowMs: (r.now as Date).getTime(),
  }),
})

interface ExpireOrder {
  bucketId: BucketId
  revision: string
  kind: ExpiryKind
  due: readonly DueCandidate[]
}

export const expireObjects = statement({
  name: 'expire_objects_v1',
  text: 'select expire_objects_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as expired',
  bind: ({ bucketId, revision, kind, due }: ExpireOrder) => [
    bucketId,
    revision,
    kind,
    due.map(({ key }) => key),
    due.map(({ id }) => id),
    due.map(({ madeAt }) => madeAt),
    due.map(({ sizeBytes }) => sizeBytes),
    due.map(({ tags }) => (tags ? JSON.stringify(tags) : null)),
    due.map(({ since }) => since),
    due.map(({ keep }) => keep),
  ],
  row: (r) => r.expired as number,
})

export const expireUploadsOf = statement({
  name: 'expire_uploads_of_v1',
  text: 'select expire_uploads_of_v1($1, $2, $3) as expired',
  bind: ({ bucketId, revision, due }: ExpireOrder) => [bucketId, revision, due.map(({ id }) => id)],
  row: (r) => r.expired as number,
})
