import t, { type Test } from 'tap'
import type { BucketName, ObjectKey, PartId } from '../../src/base/ids.ts'
import type { NotificationRule } from '../../src/base/notifications/rules.ts'
import type { Meta } from '../../src/meta/connect.ts'
import { asUpload, attributes, commit, layout, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { bucket, owner, sql } = fixture
const versioned = await fixture.meta.catalogue.createBucket(
  { name: 'versioned' as BucketName, ownerId: owner.id, region: '', versioning: 'Enabled' },
  live,
)

const target = 'arn:sextant:sqs::hook:webhook'
/** Each of its changes is noted for a target that did not listen for long. */
const told = await fixture.meta.catalogue.createBucket(
  { name: 'told' as BucketName, ownerId: owner.id, region: '', versioning: 'Enabled' },
  live,
)
const rules: NotificationRule[] = [
  { id: 'all', kind: 'Queue', target, events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] },
]
await fixture.meta.catalogue.changeBucketSetting({ bucket: told, name: 'notification', value: rules }, live)

const SOME = 20_000
/** Of one key. */
const VERSIONS = 2_000
/** A million in CI, on PostgreSQL 15. */
const MANY = Number(process.env.SEXTANT_TEST_ROWS ?? 200_000)
/** Each look-up reads a few rows; 12 rounds of all of them, pages of 5 included, read hundreds. */
const ROWS_READ_MAX = 3_000

interface Scans {
  name: string
  whole: number
  rows: number
}
const tables = [
  'buckets',
  'doomed_parts',
  'event_outbox',
  'objects',
  'parts',
  'rename_tokens',
  'upload_parts',
  'upload_sessions',
]
const scans = async () =>
  (await sql(
    `select relname as name, seq_scan::int as whole, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
       from pg_stat_user_tables where relname = any ($1) order by relname`,
    [tables],
  )) as unknown as Scans[]

/** What the store asks for all day. */
async function work(meta: Meta, tag: string): Promise<void> {
  const { catalogue, upkeep } = meta
  for (let n = 1; n <= 12; n++) {
    await workOnNames(meta, `${tag}/${n}`)
    const key = `k/${n * 7}` as ObjectKey
    await catalogue.commitObject(commit(bucket, key), live)
    const query = { bucket: bucket.name, key, versionId: undefined }
    const { object } = await catalogue.findObject(query, live)
    await catalogue.findObject({ ...query, withLayouts: true }, live)
    await catalogue.findObject({ ...query, versionId: object!.versionId, withLayouts: true }, live)
    await catalogue.findBucket('b7' as BucketName, live)
    await catalogue.listBuckets({ ownerId: owner.id, prefix: 'b1', after: 'b12', rowsMax: 5 }, live)
    await catalogue.findParts([object!.parts[0]!.partId!], live)
    await Promise.all([1, 2, 3].map((i) => catalogue.commitObject(commit(bucket, `k/${n * 7 + i}`), live)))
    const copy = `c/${tag}/${n}` as ObjectKey
    await catalogue.copyObject({ source: object!, bucketId: bucket.id, key: copy, attributes, condition: {} }, live)
    await catalogue.deleteObjects(bucket.id, [{ key }, { key: copy }], live)
    const version = await catalogue.commitObject(commit(versioned, key), live)
    await catalogue.commitObject(commit(versioned, key), live)
    await catalogue.findObject({ ...query, bucket: versioned.name, versionId: version.versionId }, live)
    for (const delimiter of ['', '/']) {
      const page = { prefix: '', delimiter, afterKey: 'k/3', afterVersionId: '', rowsMax: 5 }
      await catalogue.listVersions({ bucketId: bucket.id, ...page }, live)
      await catalogue.listVersions({ bucketId: versioned.id, ...page }, live)
    }
    await catalogue.deleteObjects(versioned.id, [{ key, versionId: version.versionId }, { key }], live)
    await catalogue.findObject({ ...query, bucket: versioned.name }, live)
    await catalogue.doomUncommitted([layout()], live)
    for (const delimiter of ['', '/', '7']) {
      const page = { prefix: 'k/1', delimiter, after: 'k/15', rowsMax: 5 }
      await catalogue.listObjects({ bucketId: bucket.id, ...page }, live)
      await catalogue.listObjects({ bucketId: bucket.id, ...page, prefix: '', after: '' }, live)
    }
    const upload = newUpload(bucket, `m/${tag}/${n}`, owner.id)
    await catalogue.createUpload(upload, live)
    const part = partCommit(upload, 1)
    await catalogue.commitPart(part, live)
    await catalogue.findUpload({ bucketId: bucket.id, key: upload.key, uploadId: upload.uploadId }, live)
    await catalogue.listParts({ uploadId: upload.uploadId, after: 0, rowsMax: 5 }, live)
    const uploads = { prefix: 'u/', delimiter: '', afterKey: 'u/5', afterUploadId: '', rowsMax: 5 }
    await catalogue.listUploads({ bucketId: bucket.id, ...uploads }, live)
    const parts = [{ number: 1, partId: part.part?.partId, sizeBytes: 5, checksum: undefined }]
    const complete = { upload: asUpload(upload), sizeBytes: 5, etag: 'e-1', checksum: undefined, parts, condition: {} }
    await catalogue.completeUpload(complete, live)
    const given = newUpload(bucket, `a/${tag}/${n}`, owner.id)
    await catalogue.createUpload(given, live)
    await catalogue.commitPart(partCommit(given, 1), live)
    await catalogue.abortUpload({ bucketId: bucket.id, key: given.key, uploadId: given.uploadId }, live)
    await upkeep.findUnknownParts([part.part!.partId, '00000000-0000-7000-8000-000000000000' as PartId], live)
    await upkeep.expireUploads(10, live)
    await upkeep.findDoomedParts({ graceMs: 0, after: '', rowsMax: 5 }, live)
  }
}

/** Renames, owners, events, and a key with many versions. */
async function workOnNames({ catalogue, notifications }: Meta, tag: string): Promise<void> {
  const name = (key: string) => key as ObjectKey
  await catalogue.commitObject(commit(bucket, `from/${tag}`), live)
  const query = { bucket: bucket.name, key: name(`from/${tag}`), versionId: undefined }
  const { object: source } = await catalogue.findObject(query, live)
  const token = { name: tag, request: 'a' }
  await catalogue.renameObject({ source: source!, key: name(`to/${tag}`), condition: {}, token }, live)
  await catalogue.findRename({ bucketId: bucket.id, token }, live)
  const versions = [1, 2, 3].map((n) => ({ key: name(`k/${n}`) }))
  await catalogue.findOwners({ bucketId: bucket.id, versions }, live)
  const many = { bucket: told.name, key: name('many'), versionId: undefined }
  const { versionId } = await catalogue.commitObject(commit(told, 'many'), live)
  await catalogue.findObject({ ...many, withLayouts: true }, live)
  await catalogue.findOwners({ bucketId: told.id, versions: [{ key: name('many'), versionId }] }, live)
  await catalogue.deleteObjects(told.id, [{ key: name('many') }], live)
  await catalogue.deleteObjects(told.id, [{ key: name('many'), versionId }], live)
  await notifications.look(live)
  const due = await notifications.listDueEvents({ target, rowsMax: 5 }, live)
  await notifications.forgetEvents(
    due.slice(0, 1).map(({ eventId }) => eventId),
    live,
  )
  await notifications.postponeEvents(
    due.slice(1, 2).map(({ eventId }) => ({ eventId, delayMs: 1_000 })),
    live,
  )
}

/** Rows `from` to `to` of each table. */
async function fill(from: number, to: number): Promise<void> {
  const n = `generate_series(${from}, ${to}) as n`
  await sql(`insert into buckets (name, owner_id, region) select 'b' || n, $1, '' from ${n} where n <= 3000`, [
    owner.id,
  ])
  await sql(
    `insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
     select lpad(to_hex(n), 32, '0')::uuid, 5, 4096, 0, '{1}', decode(repeat('00', 32), 'hex'), 1, now() from ${n}`,
  )
  await sql(
    `insert into objects (bucket_id, key, version_id, is_latest, size_bytes, etag, storage_class, headers, user_metadata,
                          part_numbers, part_ids, part_sizes, part_checksums)
     select $1, 'k/' || n, 'null', true, 5, 'e', 'STANDARD', '{}', '{}', '{1}', array[lpad(to_hex(n), 32, '0')::uuid],
            '{5}', '{null}' from ${n} on conflict do nothing`,
    [bucket.id],
  )
  const few = `${n} where n <= ${SOME}`
  await sql(
    `insert into upload_sessions (upload_id, kind, state, expires_at, bucket_id, key, headers, user_metadata, storage_class)
     select md5(n::text)::uuid, 'multipart', 'open', now() + interval '1 day', $1, 'u/' || n, '{}', '{}', 'STANDARD'
       from ${few}`,
    [bucket.id],
  )
  await sql(
    `insert into upload_parts (upload_id, part_number, part_id, size_bytes, etag, modified_at)
     select md5(n::text)::uuid, 1, md5('x' || n)::uuid, 5, 'e', now() from ${few}`,
  )
  await sql(
    `insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs)
     select md5('y' || n)::uuid, 5, 4096, 0, '{1}', decode(repeat('00', 32), 'hex'), 0 from ${few}`,
  )
  await sql(`insert into doomed_parts (part_id) select md5('y' || n)::uuid from ${few}`)
  await sql(
    `insert into objects (bucket_id, key, version_id, is_latest, size_bytes, etag, storage_class, headers, user_metadata,
                          part_numbers, part_ids, part_sizes, part_checksums)
     select $1, 'many', 'v' || n, false, 0, 'e', 'STANDARD', '{}', '{}', '{}', '{}', '{}', '{}'
       from ${n} where n <= ${VERSIONS}`,
    [told.id],
  )
  await sql(
    `insert into event_outbox (target, bucket_id, key, event_name, rule_id, bucket_name, owner_id, region, due_at)
     select $1, $2, 'e/' || n, 'ObjectCreated:Put', 'all', 'told', $3, '', now() from ${few}`,
    [target, told.id, owner.id],
  )
  await sql(
    `insert into rename_tokens (bucket_id, token, request, version_id) select $1, 't' || n, 'a', 'null' from ${few}`,
    [bucket.id],
  )
}

/** Rows come in several times as fast when nothing is logged, and indexes are made afterwards. */
async function inBulk(work: () => Promise<void>): Promise<void> {
  await sql('alter table objects set unlogged')
  await sql('alter table parts set unlogged')
  const made = await sql(
    `select format('alter table %s drop constraint %I', i.indrelid::regclass, c.conname) as drop,
            format('alter table %s add constraint %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as make
       from pg_index i join pg_constraint c on c.conindid = i.indexrelid where i.indrelid in ('objects'::regclass, 'parts'::regclass)
     union all
     select format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
       from pg_index i where i.indrelid in ('objects'::regclass, 'parts'::regclass) and not i.indisprimary`,
  )
  for (const { drop } of made) await sql(drop as string)
  await work()
  for (const { make } of made) await sql(make as string)
}

/** Counted by the server itself, so that statements within functions count too; a session reports when it ends. */
async function checkReads(t: Test, meta: Meta, before: readonly Scans[]): Promise<void> {
  await meta[Symbol.asyncDispose]()
  let after = await scans()
  for (let settled = 0; settled < 5; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    const now = await scans()
    settled =
      JSON.stringify(now) === JSON.stringify(after) && rowsOf(now, 'objects') > rowsOf(before, 'objects')
        ? settled + 1
        : 0
    after = now
  }
  for (const [n, { name, whole, rows }] of after.entries()) {
    t.equal(whole - before[n]!.whole, 0, `${name}: scans of the whole table`)
    t.ok(rows - before[n]!.rows < ROWS_READ_MAX, `${name}: ${rows - before[n]!.rows} rows read`)
  }
}

function rowsOf(scans: readonly Scans[], name: string): number {
  return scans.find((each) => each.name === name)!.rows
}

t.test('hot statements that were planned on empty tables read by index alone when those have grown', async (t) => {
  await sql('vacuum analyze') // now the planner knows that there is nothing
  const before = await scans()
  const meta = await fixture.connect()
  await work(meta, 'empty')
  const empty = await scans()
  await fill(1, SOME)
  const grown = await scans()
  await work(meta, 'grown')
  await checkReads(t, meta, ignoring(before, empty, grown))
})

t.test(
  'those that are planned while the planner knows that tables have grown, but not their indexes, too',
  async (t) => {
    // As an autovacuum leaves it that found nothing to clean, until its look at what columns hold.
    await sql('vacuum')
    await sql(
      `update pg_class set reltuples = 0, relpages = 1 where oid in (
               select indexrelid from pg_stat_user_indexes where relname = any ($1))`,
      [tables],
    )
    const before = await scans()
    const meta = await fixture.connect()
    await work(meta, 'unknown')
    await checkReads(t, meta, before)
  },
)

t.test(`hot statements read few rows of ${MANY}, by index alone`, async (t) => {
  await inBulk(() => fill(SOME + 1, MANY))
  await sql('analyze')
  const before = await scans()
  const meta = await fixture.connect()
  await work(meta, 'many')
  await checkReads(t, meta, before)
})

/** What was there before, and what was read from `from` to `to`. */
function ignoring(before: readonly Scans[], from: readonly Scans[], to: readonly Scans[]): Scans[] {
  return before.map(({ name, whole, rows }, n) => ({
    name,
    whole: whole + to[n]!.whole - from[n]!.whole,
    rows: rows + to[n]!.rows - from[n]!.rows,
  }))
}
