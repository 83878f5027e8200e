-- Plain PUTs, many in one transaction. Each row gets its own outcome: ok, repeated (this part was committed before:
-- the first answer again), given-up, session-over, no-bucket, no-key, precondition-failed.
-- A key may stand in a batch only once.
create function commit_objects_v1(
  bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[],
  checksum_algorithms text[], checksum_values text[], checksum_types text[],
  headers text[], user_metadata text[], if_none_match boolean[], if_match text[],
  part_ids uuid[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[]
) returns table (row_number bigint, outcome text, version_id text, committed_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  over int[] := lock_sessions_v1(part_ids);
  outcomes text[];
  times timestamptz[];
  replaced uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(bucket_ids, keys);
  now_ms := clock_timestamp();

  with judged as materialized (
    select i.n, o.part_ids as old_part_ids, coalesce(p.committed_at, now_ms) as committed_at,
           case
             when p.part_id is not null then case when p.committed_at is null then 'given-up' else 'repeated' end
             when session_of_part_v1(i.part_id) = any (over) then 'session-over'
             when b.bucket_id is null then 'no-bucket'
             else verdict_v1(o.etag is not null, o.etag, i.if_none_match, i.if_match)
           end as outcome
      from unnest(bucket_ids, keys, if_none_match, if_match, part_ids)
           with ordinality as i (bucket_id, key, if_none_match, if_match, part_id, n)
      left join lateral (select b.bucket_id from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
      left join lateral (select o.etag, o.part_ids from objects o
                          where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest
                            and not o.is_delete_marker limit 1) as o on true
      left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
  )
  select (select array_agg(j.outcome order by j.n) from judged j),
         (select array_agg(j.committed_at order by j.n) from judged j),
         (select array_agg(old.part_id) from judged j, unnest(j.old_part_ids) as old (part_id)
           where j.outcome = 'ok' and old.part_id is not null)
    into outcomes, times, replaced;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
        headers, user_metadata, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value, checksum_type,
        headers, user_metadata, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    ), to_repair as (
      insert into repair_queue (part_id, missing_chunks, reason)
      select i.part_id, cardinality(array_positions(i.servers::int[], 0)), 'written with a chunk missing'
        from input i where i.part_id is not null and 0 = any (i.servers::int[])
    )
    insert into objects as o (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums
    )
    select i.bucket_id, i.key, 'null', true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text]
      from input i
    on conflict (bucket_id, key, version_id) do update set
      seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = false,
      size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
      storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
      checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
      headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
      part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  end if;

  if replaced is not null then
    perform release_parts_v1(replaced);
  end if;
  return query select i.n, i.outcome, 'null'::text, i.committed_at
                 from unnest(outcomes, times) with ordinality as i (outcome, committed_at, n);
end $$;

-- Makes sure that these parts can never be committed, and dooms them; waits for a commit that is under way.
-- Answers when each was committed: null for those that now never will be.
create function give_up_parts_v1(
  part_ids uuid[], sizes bigint[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[]
) returns table (part_id uuid, committed_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
begin
  with given_up as (
    insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs)
    select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 0
      from unnest(part_ids, sizes, block_bytes, parity_chunks, servers, chunk_hashes)
           as i (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes)
     order by i.part_id
    on conflict do nothing
    returning part_id
  )
  insert into doomed_parts (part_id) select g.part_id from given_up g;
  return query select p.part_id, p.committed_at::timestamptz from parts p where p.part_id = any (part_ids);
end $$;
