-- Multipart uploads, from the first part to the object, and the end of those that have none.

-- Answers when it was initiated: null if there is no such bucket. A repeated call changes nothing.
create function create_upload_v1(
  upload_id uuid, bucket_id bigint, key text, initiator_id text, headers jsonb, user_metadata jsonb, storage_class text,
  checksum_algorithm text, checksum_type text, ttl interval
) returns timestamptz language plpgsql as $$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  now_ms timestamptz(3);
begin
  perform lock_buckets_v1(array[bucket]);
  if not exists (select from buckets b where b.bucket_id = bucket) then
    return null;
  end if;
  now_ms := clock_timestamp();
  insert into upload_sessions (upload_id, kind, state, initiated_at, expires_at, bucket_id, key, initiator_id,
                               headers, user_metadata, storage_class, checksum_algorithm, checksum_type)
  values (upload, 'multipart', 'open', now_ms, now_ms + ttl, bucket, key, initiator_id,
          headers, user_metadata, storage_class, checksum_algorithm, checksum_type)
  on conflict do nothing;
  return (select s.initiated_at from upload_sessions s where s.upload_id = upload);
end $$;

-- Outcomes: ok, repeated, given-up, session-over, no-upload. `ttl` counts from the last part.
create function commit_part_v1(
  upload_id uuid, part_number int, size_bytes bigint, etag text,
  checksum_algorithm text, checksum_value text, checksum_type text,
  part_id uuid, block_bytes int, parity_chunks int, servers int[], chunk_hashes bytea, ttl interval
) returns table (outcome text, modified_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  given alias for part_id;
  upload alias for upload_id;
  number alias for part_number;
  over int[] := lock_sessions_v1(array[given]);
  session upload_sessions;
  known parts;
  old uuid;
  now_ms timestamptz(3);
begin
  select s.* into session from upload_sessions s where s.upload_id = upload and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select p.* into known from parts p where p.part_id = given;
  if known.part_id is not null then
    return query select case when known.committed_at is null then 'given-up' else 'repeated' end, known.committed_at::timestamptz;
    return;
  elsif cardinality(over) > 0 then
    return query select 'session-over', null::timestamptz;
    return;
  elsif session.upload_id is null or session.state <> 'open' or session.expires_at <= now_ms then
    return query select 'no-upload', null::timestamptz;
    return;
  end if;

  select u.part_id into old from upload_parts u where u.upload_id = upload and u.part_number = number;
  if given is not null then
    insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
    values (given, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, 1, now_ms);
    if 0 = any (servers) then
      insert into repair_queue (part_id, missing_chunks, reason)
      values (given, cardinality(array_positions(servers, 0)), 'written with a chunk missing');
    end if;
  end if;
  insert into upload_parts as u (upload_id, part_number, part_id, size_bytes, etag,
                                 checksum_algorithm, checksum_value, checksum_type, modified_at)
  values (upload, number, given, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type, now_ms)
  on conflict (upload_id, part_number) do update set
    part_id = excluded.part_id, size_bytes = excluded.size_bytes, etag = excluded.etag,
    checksum_algorithm = excluded.checksum_algorithm, checksum_value = excluded.checksum_value,
    checksum_type = excluded.checksum_type, modified_at = excluded.modified_at;
  if old is not null then
    perform release_parts_v1(array[old]);
  end if;
  -- Not with every part: each time costs an entry in the index by expiry.
  if session.expires_at < now_ms + ttl * 0.99 then
    update upload_sessions s set expires_at = now_ms + ttl where s.upload_id = upload;
  end if;
  return query select 'ok', now_ms::timestamptz;
end $$;

-- Outcomes: ok, repeated, no-upload, no-bucket, invalid-part, no-key, precondition-failed.
-- `bad_part`: the number of the first part that is not what the caller saw.
create function complete_upload_v1(
  upload_id uuid, bucket_id bigint, key text, size_bytes bigint, etag text,
  checksum_algorithm text, checksum_value text, checksum_type text,
  part_numbers int[], part_ids uuid[], part_sizes bigint[], part_checksums text[],
  if_none_match boolean, if_match text, ttl interval
) returns table (
  outcome text, bad_part int, version_id text, committed_at timestamptz, completed_etag text,
  completed_checksum_algorithm text, completed_checksum_value text, completed_checksum_type text
)
language plpgsql as $$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
  session upload_sessions;
  target objects;
  verdict text;
  wrong int;
  released uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(array[bucket], array[name]);
  select s.* into session from upload_sessions s
   where s.upload_id = upload and s.bucket_id = bucket and s.key = name and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select o.* into target from objects o
   where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker;
  if session.state = 'open' then
    select min(i.number) into wrong
      from unnest(part_numbers, part_ids) as i (number, part_id)
     where not exists (select from upload_parts u where u.upload_id = upload and u.part_number = i.number
                          and u.part_id is not distinct from i.part_id);
  end if;
  verdict := case
    when session.state = 'completed' then 'repeated'
    when session.upload_id is null or session.expires_at <= now_ms then 'no-upload'
    when not exists (select from buckets b where b.bucket_id = bucket) then 'no-bucket'
    when wrong is not null then 'invalid-part'
    else verdict_v1(target.key is not null, target.etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, wrong, session.completed_version_id, session.completed_at::timestamptz, session.completed_etag,
      session.completed_checksum_algorithm, session.completed_checksum_value, session.completed_checksum_type;
    return;
  end if;

  -- The listed parts' references pass from the upload to the object; all others end.
  with gone as (delete from upload_parts u where u.upload_id = upload returning u.part_number, u.part_id)
  select array_agg(g.part_id) into released from gone g
   where g.part_id is not null and g.part_number <> all (part_numbers);
  released := coalesce(released, '{}') || array_remove(target.part_ids, null);
  insert into objects as o (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  ) values (
    bucket, name, 'null', true, true, size_bytes, etag, now_ms, session.storage_class,
    checksum_algorithm, checksum_value, checksum_type, session.headers, session.user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  )
  on conflict (bucket_id, key, version_id) do update set
    seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = true,
    size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
    storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
    checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
    headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
    part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  update upload_sessions s
     set state = 'completed', expires_at = now_ms + ttl, completed_version_id = 'null', completed_at = now_ms,
         completed_etag = etag, completed_checksum_algorithm = checksum_algorithm,
         completed_checksum_value = checksum_value, completed_checksum_type = checksum_type
   where s.upload_id = upload;
  perform release_parts_v1(released);
  return query select 'ok', null::int, 'null'::text, now_ms::timestamptz, etag, checksum_algorithm, checksum_value, checksum_type;
end $$;

-- Ends uploads whose session rows are locked: parts released, rows gone.
create function drop_uploads_v1(upload_ids uuid[]) returns void language plpgsql as $$
declare
  released uuid[];
begin
  with gone as (delete from upload_parts u where u.upload_id = any (upload_ids) returning u.part_id)
  select array_agg(g.part_id) into released from gone g where g.part_id is not null;
  delete from upload_sessions s where s.upload_id = any (upload_ids);
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $$;

-- Answers whether there was such an upload, still open.
create function abort_upload_v1(upload_id uuid, bucket_id bigint, key text) returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
begin
  perform from upload_sessions s
    where s.upload_id = upload and s.bucket_id = bucket and s.key = name
      and s.kind = 'multipart' and s.state = 'open' and s.expires_at > clock_timestamp() for update;
  if not found then
    return false;
  end if;
  perform drop_uploads_v1(array[upload]);
  return true;
end $$;

-- Ends uploads whose time is over, at most `rows_max`, and forgets as many completed ones; answers how many of the first.
create function expire_uploads_v1(rows_max int) returns int language plpgsql as $$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  expired uuid[];
  completed uuid[];
begin
  select array_agg(e.upload_id) into expired from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = 'open'
     order by s.expires_at limit rows_max for update skip locked) as e;
  select array_agg(e.upload_id) into completed from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = 'completed'
     order by s.expires_at limit rows_max for update skip locked) as e;
  perform drop_uploads_v1(coalesce(expired, '{}') || coalesce(completed, '{}'));
  return coalesce(cardinality(expired), 0);
end $$;
