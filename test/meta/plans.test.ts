import t from 'tap'
import type { BucketName, ObjectKey, PartId } from '../../src/base/ids.ts'
import { asUpload, attributes, commit, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { bucket, owner, sql } = fixture
const ROWS = 20_000

/** Large enough that a scan of a whole table is never the right plan, and known to the planner as that. */
async function fill(): Promise<void> {
  await sql(`insert into buckets (name, owner_id, region) select 'b' || n, $1, '' from generate_series(1, 3000) as n`, [
    owner.id,
  ])
  await sql(
    `insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
     select md5(n::text)::uuid, 5, 4096, 2, '{1,2,3,4,5,6,7,8}', decode(repeat('00', 256), 'hex'), 1, now()
       from generate_series(1, ${ROWS}) as n`,
  )
  await sql(
    `insert into objects (bucket_id, key, version_id, is_latest, size_bytes, etag, storage_class, headers, user_metadata,
                          part_numbers, part_ids, part_sizes, part_checksums)
     select $1, 'k/' || n, 'null', true, 5, 'e', 'STANDARD', '{}', '{}', '{1}', array[md5(n::text)::uuid], '{5}', '{null}'
       from generate_series(1, ${ROWS}) as n`,
    [bucket.id],
  )
  await sql(
    `insert into upload_sessions (upload_id, kind, state, expires_at, bucket_id, key, headers, user_metadata, storage_class)
     select md5(n::text)::uuid, 'multipart', 'open', now() + interval '1 day', $1, 'u/' || n, '{}', '{}', 'STANDARD'
       from generate_series(1, ${ROWS}) as n`,
    [bucket.id],
  )
  await sql(
    `insert into upload_parts (upload_id, part_number, part_id, size_bytes, etag, modified_at)
     select md5(n::text)::uuid, 1, md5('x' || n)::uuid, 5, 'e', now() from generate_series(1, ${ROWS}) as n`,
  )
  await sql(
    `insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs)
     select md5('y' || n)::uuid, 5, 4096, 0, '{1}', decode(repeat('00', 32), 'hex'), 0 from generate_series(1, ${ROWS}) as n`,
  )
  await sql(`insert into doomed_parts (part_id) select md5('y' || n)::uuid from generate_series(1, ${ROWS}) as n`)
  await sql('analyze')
}

interface Scans {
  name: string
  whole: number
  rows: number
}
const tables = ['buckets', 'objects', 'parts', 'upload_sessions', 'upload_parts', 'doomed_parts']
const scans = async () =>
  (await sql(
    `select relname as name, seq_scan::int as whole, (seq_tup_read + idx_tup_fetch)::int as rows
       from pg_stat_user_tables where relname = any ($1) order by relname`,
    [tables],
  )) as unknown as Scans[]

t.test('hot statements read by index alone, and few rows, however large the tables are', async (t) => {
  await fill()
  // Counted by the server itself, so that statements within functions count too. A session reports when it ends.
  const before = await scans()
  const meta = await fixture.connect()
  const { catalogue, upkeep } = meta
  for (let n = 1; n <= 12; n++) {
    const key = `k/${n * 7}` as ObjectKey
    const query = { bucket: bucket.name, key, versionId: undefined }
    const { object } = await catalogue.findObject(query, live)
    await catalogue.findObject({ ...query, withLayouts: true }, live)
    await catalogue.findObject({ ...query, versionId: object!.versionId, withLayouts: true }, live)
    await catalogue.findBucket('b7' as BucketName, live)
    await catalogue.findParts([object!.parts[0]!.partId!], live)
    await Promise.all([1, 2, 3].map((i) => catalogue.commitObject(commit(bucket, `k/${n * 7 + i}`), live)))
    await catalogue.copyObject(
      { source: object!, bucketId: bucket.id, key: `c/${n}` as ObjectKey, attributes, condition: {} },
      live,
    )
    await catalogue.deleteObjects(bucket.id, [key, `c/${n}` as ObjectKey], live)
    await catalogue.listObjects({ bucketId: bucket.id, prefix: 'k/1', delimiter: '/', after: 'k/15', rowsMax: 5 }, live)
    const upload = newUpload(bucket, `m/${n}`, owner.id)
    await catalogue.createUpload(upload, live)
    const part = partCommit(upload, 1)
    await catalogue.commitPart(part, live)
    await catalogue.listParts({ uploadId: upload.uploadId, after: 0, rowsMax: 5 }, live)
    await catalogue.listUploads(
      { bucketId: bucket.id, prefix: 'u/', delimiter: '', afterKey: 'u/5', afterUploadId: '', rowsMax: 5 },
      live,
    )
    const parts = [{ number: 1, partId: part.part?.partId, sizeBytes: 5, checksum: undefined }]
    const complete = { upload: asUpload(upload), sizeBytes: 5, etag: 'e-1', checksum: undefined, parts, condition: {} }
    await catalogue.completeUpload(complete, live)
    await upkeep.findUnknownParts([part.part!.partId, '00000000-0000-7000-8000-000000000000' as PartId], live)
    await upkeep.expireUploads(10, live)
    await upkeep.findDoomedParts({ graceMs: 0, after: '', rowsMax: 5 }, live)
  }
  await meta[Symbol.asyncDispose]()
  let after = await scans()
  for (let settled = 0; settled < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = await scans()
    settled = JSON.stringify(now) === JSON.stringify(after) && now[1]!.rows > before[1]!.rows ? settled + 1 : 0
    after = now
  }
  for (const [n, { name, whole, rows }] of after.entries()) {
    t.equal(whole - before[n]!.whole, 0, `${name}: scans of the whole table`)
    t.ok(rows - before[n]!.rows < 1500, `${name}: ${rows - before[n]!.rows} rows read`)
  }
})
