import { layoutJson } from '../rows.ts'

/** What a rebuild of the catalogue asks, on a session of its own: its tables are temporary, and go with the session. */

export const CREATE_TABLES = /* sql */ `
  create temp table seen_chunks (
    part_id uuid not null, chunk int not null, server int not null,
    data_chunks int not null, parity_chunks int not null, block_bytes int not null, size_bytes bigint not null,
    chunk_hash bytea not null
  );
  create temp table seen_parts (
    part_id uuid primary key,
    bucket text collate "C" not null, key text collate "C" not null, version_id text collate "C" not null,
    upload_id text collate "C" not null, part_number int not null, storage_class text not null,
    headers jsonb not null, user_metadata jsonb not null, created_at timestamptz(3) not null,
    etag text not null, checksum_algorithm text, checksum_value text, encryption jsonb, plain_bytes bigint
  );`

export const ADD_CHUNKS = /* sql */ `
  insert into seen_chunks
  select c.part_id, c.chunk, $1, c.data_chunks, c.parity_chunks, c.block_bytes, c.size_bytes, c.chunk_hash
    from unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::bytea[])
      as c (part_id, chunk, data_chunks, parity_chunks, block_bytes, size_bytes, chunk_hash)`

export const ADD_PARTS = /* sql */ `
  insert into seen_parts
  select p.part_id, p.bucket, p.key, p.version_id, p.upload_id, p.part_number, p.storage_class, p.headers::jsonb,
         p.user_metadata::jsonb, to_timestamp(p.created_ms / 1000.0), p.etag, nullif(p.checksum_algorithm, ''), nullif(p.checksum, ''),
         nullif(p.encryption, '')::jsonb, nullif(p.plain_bytes, 0)
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::text[],
                $10::float8[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[])
      as p (part_id, bucket, key, version_id, upload_id, part_number, storage_class, headers, user_metadata,
            created_ms, etag, checksum_algorithm, checksum, encryption, plain_bytes)
  on conflict do nothing`

/**
 * A part's layout is the one that most of its chunks agree on; a chunk that lies on several servers counts where the
 * lowest number is. Fewer than six chunks: there is nothing to read.
 */
export const PUT_PARTS_TOGETHER = /* sql */ `
  create index on seen_chunks (part_id, chunk);
  analyze seen_chunks, seen_parts;
  create temp table found_parts as
  with layouts as (
    select distinct on (part_id) * from (
      select c.part_id, c.data_chunks, c.parity_chunks, c.block_bytes, c.size_bytes, count(distinct c.chunk) as chunks
        from seen_chunks c group by 1, 2, 3, 4, 5) as l
     order by part_id, chunks desc, size_bytes desc
  )
  select l.part_id, l.parity_chunks, l.block_bytes, l.size_bytes, s.plain_bytes, l.chunks, p.servers, p.chunk_hashes,
         l.chunks >= 6 and l.data_chunks = 6 and l.size_bytes > 0 as is_readable
    from layouts l left join seen_parts s using (part_id) cross join lateral (
      select array_agg(coalesce(c.server, 0) order by i.n) as servers,
             string_agg(coalesce(c.chunk_hash, decode(repeat('00', 32), 'hex')), ''::bytea order by i.n) as chunk_hashes
        from generate_series(0, l.data_chunks + l.parity_chunks - 1) as i (n)
        left join lateral (
          select c.server, c.chunk_hash from seen_chunks c
           where c.part_id = l.part_id and c.chunk = i.n and c.data_chunks = l.data_chunks and c.block_bytes = l.block_bytes
             and c.parity_chunks = l.parity_chunks and c.size_bytes = l.size_bytes
           order by c.server limit 1) as c on true) as p;
  alter table found_parts add primary key (part_id);
  analyze found_parts;`

/**
 * Of each number of an upload the part that was begun last. An upload is taken for completed when its parts are 1 to n
 * without a gap, all readable, all but the last of 5 MiB at least, and the last was begun so long before the store's last
 * sign of life that the upload would otherwise have been aborted. $1: how long that is.
 */
export const DECIDE_UPLOADS = /* sql */ `
  create temp table upload_parts_found as
  select distinct on (s.upload_id, s.part_number)
         s.upload_id, s.bucket, s.key, s.part_number, s.part_id, s.created_at, s.etag, s.checksum_algorithm, s.checksum_value,
         coalesce(f.plain_bytes, f.size_bytes) as size_bytes, f.is_readable
    from seen_parts s join found_parts f using (part_id)
   where s.upload_id <> ''
   order by s.upload_id, s.part_number, s.created_at desc, s.part_id desc;
  create index on upload_parts_found (upload_id, part_number);
  create temp table uploads_found as
  select u.upload_id, min(u.bucket) as bucket, min(u.key) as key, count(*)::int as parts, sum(u.size_bytes) as size_bytes,
         min(u.created_at) as first_at, max(u.created_at) as last_at,
         (array_agg(u.part_id order by u.part_number))[1] as first_part,
         md5(string_agg(decode(u.etag, 'hex'), ''::bytea order by u.part_number)) || '-' || count(*) as etag,
         bool_or(not u.is_readable) or max(u.part_number) <> count(*) as is_damaged,
         coalesce(bool_and(u.size_bytes >= 5 * 1024 * 1024) filter (where u.part_number < p.last), true) as can_be_completed,
         null::text as checksum_algorithm, null::text as checksum_value, null::text as checksum_type,
         false as is_completed
    from upload_parts_found u
    join (select upload_id, max(part_number) as last from upload_parts_found group by 1) as p using (upload_id)
   group by u.upload_id;
  alter table uploads_found add primary key (upload_id);`

export const TAKE_FOR_COMPLETED = /* sql */ `
  update uploads_found u set is_completed = true
   where not u.is_damaged and u.can_be_completed
     and ($1::float8 = 0 or u.last_at < (select max(created_at) from seen_parts) - make_interval(secs => $1::float8 / 1000))`

/** Of several under one key, the one that was begun last; of an upload that counts which part was begun last. */
export const DECIDE_OBJECTS = /* sql */ `
  create temp table objects_found as
  select c.*, row_number() over (partition by c.bucket, c.key, c.version_id order by c.at desc, c.first_part desc) as place,
         count(*) over (partition by c.bucket, c.key, c.version_id) as candidates
    from (
      select s.bucket, s.key, s.version_id, s.part_id as first_part, null::text as upload_id, s.created_at as at
        from seen_parts s join found_parts f using (part_id)
       where s.upload_id = '' and f.is_readable
      union all
      select u.bucket, u.key, s.version_id, u.first_part, u.upload_id, u.last_at
        from uploads_found u join seen_parts s on s.part_id = u.first_part
       where u.is_completed) as c;
  create temp table parts_kept as
  select o.first_part as part_id from objects_found o where o.place = 1 and o.upload_id is null
  union all
  select p.part_id from objects_found o join upload_parts_found p using (upload_id) where o.place = 1
  union all
  select p.part_id from uploads_found u join upload_parts_found p using (upload_id) where not u.is_completed and p.is_readable;
  alter table parts_kept add primary key (part_id);
  analyze;`

export const INCOMPLETE_PARTS = /* sql */ `
  select ${layoutJson} as layout from found_parts p
   where p.is_readable and 0 = any (p.servers) and p.part_id > $1::uuid
   order by p.part_id limit $2`

/** An upload with a checksum in every part, all of one kind; its parts in order. */
export const NEXT_SUMMED_UPLOAD = /* sql */ `
  select u.upload_id, json_agg(json_build_object('etag', p.etag, 'sizeBytes', p.size_bytes,
           'algorithm', p.checksum_algorithm, 'value', p.checksum_value) order by p.part_number) as parts
    from uploads_found u join upload_parts_found p using (upload_id)
   where u.is_completed and u.upload_id > $1
   group by u.upload_id
  having count(p.checksum_algorithm) = count(*) and count(distinct p.checksum_algorithm) = 1
   order by u.upload_id limit 1`

/** A bucket with a version that has an id kept versions when that was written; whether it went on is told by no chunk. */
export const INSERT_BUCKETS = /* sql */ `
  insert into buckets (name, owner_id, region, created_at, versioning)
  select s.bucket, a.account_id, $1, min(s.created_at), case when bool_or(s.version_id <> 'null') then 'Enabled' else '' end
    from (select bucket, at, version_id from objects_found where place = 1
          union all
          select bucket, first_at, 'null' from uploads_found where not is_completed) as s (bucket, created_at, version_id)
    cross join (select account_id from accounts where is_root) as a
   group by s.bucket, a.account_id order by s.bucket`

export const INSERT_PARTS = /* sql */ `
  insert into parts (part_id, size_bytes, plain_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
  select f.part_id, f.size_bytes, f.plain_bytes, f.block_bytes, f.parity_chunks, f.servers, f.chunk_hashes, 1, s.created_at
    from parts_kept k join found_parts f using (part_id) join seen_parts s using (part_id)`

export const INSERT_OBJECTS = /* sql */ `
  insert into objects (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata, encryption, part_numbers, part_ids, part_sizes, part_checksums)
  select b.bucket_id, o.key, o.version_id, o.is_latest, u.upload_id is not null, coalesce(u.size_bytes, f.plain_bytes, f.size_bytes),
         coalesce(u.etag, s.etag), o.at, s.storage_class,
         case when u.upload_id is null then s.checksum_algorithm else u.checksum_algorithm end,
         case when u.upload_id is null then s.checksum_value else u.checksum_value end,
         case when u.upload_id is not null then u.checksum_type when s.checksum_algorithm is not null then 'FULL_OBJECT' end,
         s.headers, s.user_metadata, s.encryption, coalesce(p.numbers, array[1]), coalesce(p.ids, array[s.part_id]),
         coalesce(p.sizes, array[coalesce(f.plain_bytes, f.size_bytes)]), coalesce(p.checksums, array[null::text])
    from (select o.*, row_number() over (partition by o.bucket, o.key order by o.at desc, o.first_part desc) = 1 as is_latest
            from objects_found o where o.place = 1) as o
    join buckets b on b.name = o.bucket
    join seen_parts s on s.part_id = o.first_part
    join found_parts f on f.part_id = o.first_part
    left join uploads_found u on u.upload_id = o.upload_id
    left join lateral (
      select array_agg(p.part_number order by p.part_number) as numbers, array_agg(p.part_id order by p.part_number) as ids,
             array_agg(p.size_bytes order by p.part_number) as sizes,
             array_agg(p.checksum_value order by p.part_number) as checksums
        from upload_parts_found p where p.upload_id = o.upload_id) as p on true
   order by o.at, o.first_part`

export const INSERT_UPLOADS = /* sql */ `
  insert into upload_sessions (
    upload_id, kind, state, initiated_at, expires_at, bucket_id, key, initiator_id, headers, user_metadata, storage_class,
    checksum_algorithm, encryption)
  select u.upload_id::uuid, 'multipart', 'open', u.first_at, clock_timestamp() + interval '7 days', b.bucket_id, u.key,
         b.owner_id, s.headers, s.user_metadata, s.storage_class, s.checksum_algorithm, s.encryption
    from uploads_found u join buckets b on b.name = u.bucket join seen_parts s on s.part_id = u.first_part
   where not u.is_completed`

export const INSERT_UPLOAD_PARTS = /* sql */ `
  insert into upload_parts (
    upload_id, part_number, part_id, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type, modified_at)
  select p.upload_id::uuid, p.part_number, p.part_id, p.size_bytes, p.etag, p.checksum_algorithm, p.checksum_value,
         case when p.checksum_algorithm is not null then 'FULL_OBJECT' end, p.created_at
    from uploads_found u join upload_parts_found p using (upload_id)
   where not u.is_completed and p.is_readable`

export const QUEUE_REPAIRS = /* sql */ `
  insert into repair_queue (part_id, missing_chunks, spare_chunks, reason)
  select p.part_id, m.missing, cardinality(p.servers) - 6 - m.missing, 'missing when the catalogue was rebuilt'
    from parts p cross join lateral (select cardinality(array_positions(p.servers, 0)) as missing) as m
   where m.missing > 0`

export const MARK = /* sql */ `
  select mark_restored_v1('rebuild', null, coalesce(
    (select max(('x' || right(part_id::text, 8))::bit(32)::int) from seen_parts), 0)) as floor`

export const COUNT = /* sql */ `
  select (select count(*)::int from seen_chunks) as chunks,
         (select count(*)::int from found_parts) as found,
         (select count(*)::int from found_parts where not is_readable) as unreadable,
         (select count(*)::int from repair_queue) as with_missing_chunks,
         (select count(*)::int from found_parts f where f.is_readable
             and not exists (select from parts_kept k where k.part_id = f.part_id)) as superseded,
         (select count(*)::int from buckets) as buckets,
         (select count(*)::int from objects) as objects,
         (select count(*)::int from objects where is_multipart) as multipart_objects,
         (select count(*)::int from uploads_found where not is_completed) as uploads,
         (select count(*)::int from objects_found where place = 1 and candidates > 1) as contested_keys,
         (select count(*)::int from uploads_found where is_damaged) as damaged_uploads,
         (select max(created_at) from seen_parts) as last_write_at`

const EXAMPLES_MAX = 20
export const EXAMPLES = {
  contested: `select bucket, key from objects_found where place = 1 and candidates > 1 order by 1, 2 limit ${EXAMPLES_MAX}`,
  unreadable: `select s.bucket, s.key from found_parts f join seen_parts s using (part_id) where not f.is_readable
                order by 1, 2 limit ${EXAMPLES_MAX}`,
  uploads: `select bucket, key from uploads_found where not is_completed order by 1, 2 limit ${EXAMPLES_MAX}`,
} as const
