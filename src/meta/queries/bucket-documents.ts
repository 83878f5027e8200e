import type { BucketId } from '../../base/ids.ts'
import type { BucketDocumentName } from '../../base/model.ts'
import { statement } from '../statement.ts'

interface Which {
  bucketId: BucketId
  name: BucketDocumentName
}

export const findBucketDocument = statement({
  name: 'find_bucket_document_v1',
  text: 'select document from bucket_documents where bucket_id = $1 and name = $2',
  bind: (q: Which) => [q.bucketId, q.name],
  row: (r) => r.document as unknown,
})

/** No row: no such bucket. */
export const putBucketDocument = statement({
  name: 'put_bucket_document_v1',
  text: /* sql */ `
    insert into bucket_documents as d (bucket_id, name, document)
    select b.bucket_id, $2, $3::jsonb from buckets b where b.bucket_id = $1 for key share
    on conflict (bucket_id, name) do update set document = excluded.document, changed_at = clock_timestamp()
    returning d.bucket_id`,
  bind: (c: Which & { document: unknown }) => [c.bucketId, c.name, JSON.stringify(c.document)],
  row: () => true,
})

/** No row: no such bucket. */
export const deleteBucketDocument = statement({
  name: 'delete_bucket_document_v1',
  text: /* sql */ `
    with gone as (delete from bucket_documents where bucket_id = $1 and name = $2)
    select b.bucket_id from buckets b where b.bucket_id = $1`,
  bind: (c: Which) => [c.bucketId, c.name],
  row: () => true,
})
