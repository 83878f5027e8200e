-- Deletes what is there. A key may be given twice.
create function delete_objects_v1(bucket_ids bigint[], keys text[]) returns void language plpgsql as $$
declare
  released uuid[];
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform lock_keys_v1(bucket_ids, keys);
  with gone as (
    delete from objects o using (select distinct i.b, i.k from unnest(bucket_ids, keys) as i (b, k)) as d
     where o.bucket_id = d.b and o.key = d.k and o.version_id = 'null'
    returning o.part_ids
  )
  select array_agg(p) into released from gone, unnest(gone.part_ids) as p where p is not null;
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $$;

-- A new object of another one's parts. Outcomes: ok, no-bucket, no-source, source-changed, no-key, precondition-failed.
create function copy_object_v1(
  source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamptz,
  target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb,
  if_none_match boolean, if_match text
) returns table (outcome text, version_id text, committed_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  source objects;
  target objects;
  verdict text;
  target_lock bigint := hashtextextended(target_key, target_bucket_id);
  source_lock bigint := hashtextextended(source_key, source_bucket_id);
  now_ms timestamptz(3);
begin
  perform lock_buckets_v1(array[source_bucket_id, target_bucket_id]);
  if source_lock < target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
  perform pg_advisory_xact_lock(target_lock);
  if source_lock > target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
  now_ms := clock_timestamp();

  select o.* into source from objects o
   where o.bucket_id = source_bucket_id and o.key = source_key and o.version_id = source_version_id
     and not o.is_delete_marker;
  select o.* into target from objects o
   where o.bucket_id = target_bucket_id and o.key = target_key and o.is_latest and not o.is_delete_marker;
  verdict := case
    when not exists (select from buckets b where b.bucket_id = target_bucket_id) then 'no-bucket'
    when source.key is null then 'no-source'
    when source.etag <> source_etag or source.committed_at <> source_committed_at then 'source-changed'
    else verdict_v1(target.key is not null, target.etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, 'null'::text, null::timestamptz;
    return;
  end if;

  perform lock_parts_v1(source.part_ids || target.part_ids);
  update parts p set refs = p.refs + r.n
    from (select i.part_id, count(*)::int as n from unnest(source.part_ids) as i (part_id) group by 1) as r
   where p.part_id = r.part_id;
  insert into objects as o (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  ) values (
    target_bucket_id, target_key, 'null', true, source.is_multipart, source.size_bytes, source.etag, now_ms, storage_class,
    source.checksum_algorithm, source.checksum_value, source.checksum_type, headers, user_metadata,
    source.part_numbers, source.part_ids, source.part_sizes, source.part_checksums
  )
  on conflict (bucket_id, key, version_id) do update set
    seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = excluded.is_multipart,
    size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
    storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
    checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
    headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
    part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  perform release_parts_v1(array_remove(target.part_ids, null));
  return query select 'ok', 'null'::text, now_ms::timestamptz;
end $$;
