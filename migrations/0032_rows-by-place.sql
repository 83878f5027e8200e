-- Hot statements reach rows by their places, and uploads by their ids, so that no plan can go through all of a table.

-- As commit_objects_v1; `sessions`: those of `part_ids`, each once, in order; `missing_chunks`: how many a part lacks.
-- Answers two arrays, in the order of the rows: outcomes, and times.
create or replace function commit_objects_v2(
  sessions int[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[],
  checksum_algorithms text[], checksum_values text[], checksum_types text[],
  headers text[], user_metadata text[], if_none_match boolean[], if_match text[],
  part_ids uuid[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[], missing_chunks int[]
) returns json language plpgsql as $$
#variable_conflict use_column
declare
  over int[];
  outcomes text[];
  times timestamptz[];
  overwrites boolean[];
  replaced uuid[];
  now_ms timestamptz(3);
begin
  -- Locks, in the order of migrations/0005.
  perform pg_advisory_xact_lock_shared(2, n) from unnest(sessions) as n;
  select array_agg(s.gateway_session) into over from upload_sessions s
   where s.gateway_session = any (sessions) and s.kind = 'gateway' and (s.state <> 'open' or s.expires_at <= clock_timestamp());
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
  now_ms := clock_timestamp();

  select array_agg(j.outcome), array_agg(j.committed_at), array_agg(j.is_overwrite) into outcomes, times, overwrites
    from (
      select coalesce(p.committed_at, now_ms) as committed_at, coalesce(o.version_id = 'null', false) as is_overwrite,
             case
               when p.part_id is not null then case when p.committed_at is null then 'given-up' else 'repeated' end
               -- One whose session was not locked above could be swept at this moment.
               when i.part_id is not null and session_of_part_v1(i.part_id) <> all (sessions) then 'session-over'
               when session_of_part_v1(i.part_id) = any (over) then 'session-over'
               when b.bucket_id is null then 'no-bucket'
               else verdict_v1(coalesce(not o.is_delete_marker, false), o.etag, i.if_none_match, i.if_match)
             end as outcome
        from unnest(bucket_ids, keys, if_none_match, if_match, part_ids)
             with ordinality as i (bucket_id, key, if_none_match, if_match, part_id, n)
        left join lateral (select b.bucket_id from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
        left join lateral (select o.version_id, o.etag, o.is_delete_marker from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest limit 1) as o on true
        left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
       order by i.n) as j;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    )
    insert into objects (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums
    )
    select i.bucket_id, i.key, 'null', true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text]
      from input i where not i.is_overwrite;
  end if;

  if true = any (overwrites) then
    with input as (
      select * from unnest(
        outcomes, overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, part_ids
      ) as i (outcome, is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, part_id)
      where i.outcome = 'ok' and i.is_overwrite
    ), old as (
      -- By the place of the row: whatever the planner takes the sizes of the tables for, it cannot go through all objects.
      select i.*, o.place, o.part_ids as old_part_ids from input i
       cross join lateral (select o.ctid as place, o.part_ids from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = 'null' limit 1) as o
    ), overwritten as (
      update objects o set
        seq = nextval('object_version_seq'), is_latest = true, is_delete_marker = false, is_multipart = false,
        size_bytes = i.size_bytes, etag = i.etag, committed_at = now_ms, storage_class = i.storage_class,
        checksum_algorithm = i.checksum_algorithm, checksum_value = i.checksum_value, checksum_type = i.checksum_type,
        headers = i.headers::jsonb, user_metadata = i.user_metadata::jsonb, part_numbers = array[1],
        part_ids = array[i.part_id], part_sizes = array[i.size_bytes], part_checksums = array[null::text]
        from old i where o.ctid = i.place
      returning i.old_part_ids
    )
    select array_agg(p) into replaced from overwritten, unnest(overwritten.old_part_ids) as p where p is not null;
    if replaced is not null then
      perform release_parts_v1(replaced);
    end if;
  end if;

  if 0 < any (missing_chunks) then
    insert into repair_queue (part_id, missing_chunks, reason)
    select i.part_id, i.missing_chunks, 'written with a chunk missing'
      from unnest(outcomes, part_ids, missing_chunks) as i (outcome, part_id, missing_chunks)
     where i.outcome = 'ok' and i.missing_chunks > 0;
  end if;
  return json_build_array(outcomes, times);
end $$;

-- As delete_objects_v1. A key may be given twice.
create or replace function delete_objects_v2(bucket_ids bigint[], keys text[]) returns void language plpgsql as $$
declare
  released uuid[];
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
  with gone as (
    -- By the place of the row, as in commit_objects_v2.
    delete from objects o where o.ctid = any (array(
      select o.place from unnest(bucket_ids, keys) as i (b, k)
       cross join lateral (select o.ctid as place from objects o
                            where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null' limit 1) as o))
    returning o.part_ids
  )
  select array_agg(p) into released from gone, unnest(gone.part_ids) as p where p is not null;
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $$;

-- As abort_upload_v1, by the upload's id alone: with more to go by, the planner may take another index when uploads are few.
create function abort_upload_v2(upload_id uuid, bucket_id bigint, key text) returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
  session upload_sessions;
begin
  select s.* into session from upload_sessions s where s.upload_id = upload for update;
  if session.kind = 'multipart' and session.state = 'open' and session.expires_at > clock_timestamp()
     and session.bucket_id = bucket and session.key = name then
    perform drop_uploads_v1(array[upload]);
    return true;
  end if;
  return false;
end $$;
