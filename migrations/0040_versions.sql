-- Versions of objects. A bucket's `versioning` is read in the transaction that writes: '' keeps none, 'Enabled' lays every
-- new version over the former one, 'Suspended' replaces the version called null and leaves the others.
--
-- Of a key that has versions at all, one is the latest. Current objects and keys that end in a delete marker have an
-- index each, so that listings never walk through markers and a PUT of an unversioned bucket enters no index more than
-- before. `seq` stays as it is while the latest version is overwritten: it stands in an index.

alter table objects
  add column tags jsonb,
  add column lock jsonb,
  add column encryption jsonb,
  add column access jsonb;
comment on column objects.tags is 'An array of [key, value], in the order given; null: none';
comment on column objects.lock is 'Object lock: mode, retainUntil, legalHold';
comment on column objects.access is 'Who put it, and its ACL; null: the bucket''s owner alone';
comment on column objects.is_latest is 'What a request without a version id means; it may be a delete marker';
comment on column objects.seq is 'Taken under the key''s lock when a version becomes the latest: the order of a key''s versions';
comment on table objects is 'One row a version of an object, or a delete marker; «null» is the version of a bucket that keeps none';

alter table upload_sessions
  add column tags jsonb,
  add column lock jsonb,
  add column encryption jsonb,
  add column access jsonb;

drop index objects_current;
create unique index objects_current on objects (bucket_id, key) where is_latest and not is_delete_marker;
create unique index objects_marked on objects (bucket_id, key) where is_latest and is_delete_marker;
create index objects_former on objects (bucket_id, key, seq desc) where not is_latest;

-- A version id that nobody else gets: a UUID without its dashes. Of an object written at once it is its part's id, of a
-- multipart one its upload's, so that chunks can carry it before the commit.
create function version_id_v1(id uuid) returns text language sql immutable parallel safe
return replace(id::text, '-', '');

-- Clears the way for a new latest version of a key that is locked: what is replaced goes, what is kept steps back. Answers
-- the parts that what went referred to: the caller releases them.
create function make_room_v1(bucket_id bigint, key text, versioning text) returns uuid[] language plpgsql as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  gone uuid[];
begin
  if versioning <> 'Enabled' then
    delete from objects o where o.ctid = (
      select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.version_id = 'null' limit 1)
    returning o.part_ids into gone;
  end if;
  if versioning <> '' then
    update objects o set is_latest = false where o.ctid = (
      select l.place from (
        select o.ctid as place from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker
        union all
        select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker) as l
       limit 1);
  end if;
  return coalesce(array_remove(gone, null), '{}');
end $$;

-- As commit_objects_v2, for buckets with versions too. `extras`: the columns of each row that few objects have, as an
-- object by their names; null where there is none. Answers three arrays: outcomes, times and version ids; null instead of
-- the last where all are null versions.
create function commit_objects_v3(
  sessions int[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[],
  checksum_algorithms text[], checksum_values text[], checksum_types text[],
  headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[],
  part_ids uuid[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[], missing_chunks int[]
) returns json language plpgsql as $$
#variable_conflict use_column
declare
  over int[];
  outcomes text[];
  times timestamptz[];
  versions text[];
  overwrites boolean[];
  former tid[];
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

  select array_agg(j.outcome), array_agg(j.committed_at), array_agg(j.version_id),
         array_agg(j.outcome = 'ok' and j.is_overwrite),
         array_agg(j.place) filter (where j.outcome = 'ok' and j.latest_id <> j.version_id)
    into outcomes, times, versions, overwrites, former
    from (
      select coalesce(p.committed_at, now_ms) as committed_at, o.place, o.version_id as latest_id,
             case when p.part_id is not null then
               -- Committed before, perhaps under another versioning; if it is gone since, nobody can ask for it.
               coalesce((select o.version_id from objects o where o.bucket_id = i.bucket_id and o.key = i.key
                            and o.part_ids = array[i.part_id] order by o.seq limit 1), 'null')
             when b.versioning = 'Enabled' then version_id_v1(coalesce(i.part_id, gen_random_uuid()))
             else 'null' end as version_id,
             case when b.versioning = 'Enabled' or o.version_id is null then false
             when o.version_id = 'null' then true
             else exists (select from objects n where n.bucket_id = i.bucket_id and n.key = i.key and n.version_id = 'null')
             end as is_overwrite,
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
        left join lateral (select b.bucket_id, b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
        left join lateral (
          select * from (
            select o.ctid as place, o.version_id, o.etag, o.is_delete_marker from objects o
             where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest and not o.is_delete_marker
            union all
            select o.ctid, o.version_id, o.etag, o.is_delete_marker from objects o
             where b.versioning <> '' and o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest and o.is_delete_marker
          ) as l limit 1) as o on true
        left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
       order by i.n) as j;

  if former is not null then
    update objects o set is_latest = false where o.ctid = any (former);
  end if;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, overwrites, versions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, extras, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, is_overwrite, version_id, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm,
        checksum_value, checksum_type, headers, user_metadata, extras, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    )
    insert into objects (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
    )
    select i.bucket_id, i.key, i.version_id, true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text],
           i.extras::jsonb->'tags', i.extras::jsonb->'lock', i.extras::jsonb->'encryption', i.extras::jsonb->'access'
      from input i where not i.is_overwrite;
  end if;

  if true = any (overwrites) then
    with input as (
      select * from unnest(
        overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, extras, part_ids
      ) as i (is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, extras, part_id)
      where i.is_overwrite
    ), old as (
      -- By the place of the row: whatever the planner takes the sizes of the tables for, it cannot go through all objects.
      select i.*, o.place, o.part_ids as old_part_ids from input i
       cross join lateral (select o.ctid as place, o.part_ids from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = 'null' limit 1) as o
    ), overwritten as (
      update objects o set
        seq = case when o.is_latest then o.seq else nextval('object_version_seq') end,
        is_latest = true, is_delete_marker = false, is_multipart = false,
        size_bytes = i.size_bytes, etag = i.etag, committed_at = now_ms, storage_class = i.storage_class,
        checksum_algorithm = i.checksum_algorithm, checksum_value = i.checksum_value, checksum_type = i.checksum_type,
        headers = i.headers::jsonb, user_metadata = i.user_metadata::jsonb, part_numbers = array[1],
        part_ids = array[i.part_id], part_sizes = array[i.size_bytes], part_checksums = array[null::text],
        tags = i.extras::jsonb->'tags', lock = i.extras::jsonb->'lock',
        encryption = i.extras::jsonb->'encryption', access = i.extras::jsonb->'access'
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
  return json_build_array(outcomes, times, case when 'null' <> any (versions) then versions end);
end $$;

-- As copy_object_v1, for buckets with versions too; `extras`: what the copy gets, as in commit_objects_v3.
create function copy_object_v2(
  source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamptz,
  target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, extras jsonb,
  if_none_match boolean, if_match text
) returns table (outcome text, version_id text, committed_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
  source objects;
  target_etag text;
  kept text; -- the target bucket's versioning
  verdict text;
  made text := 'null';
  replaced uuid[];
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

  select b.versioning into kept from buckets b where b.bucket_id = target_bucket_id;
  select o.* into source from objects o
   where o.bucket_id = source_bucket_id and o.key = source_key and o.version_id = source_version_id
     and not o.is_delete_marker;
  select o.etag into target_etag from objects o
   where o.bucket_id = target_bucket_id and o.key = target_key and o.is_latest and not o.is_delete_marker;
  verdict := case
    when kept is null then 'no-bucket'
    when source.key is null then 'no-source'
    when source.etag <> source_etag or source.committed_at <> source_committed_at then 'source-changed'
    else verdict_v1(target_etag is not null, target_etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, 'null'::text, null::timestamptz;
    return;
  end if;

  if kept = 'Enabled' then
    made := version_id_v1(gen_random_uuid());
  end if;
  replaced := make_room_v1(target_bucket_id, target_key, kept);
  perform lock_parts_v1(source.part_ids || replaced);
  update parts p set refs = p.refs + r.n
    from (select i.part_id, count(*)::int as n from unnest(source.part_ids) as i (part_id) group by 1) as r
   where p.part_id = r.part_id;
  insert into objects (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
  ) values (
    target_bucket_id, target_key, made, true, source.is_multipart, source.size_bytes, source.etag, now_ms, storage_class,
    source.checksum_algorithm, source.checksum_value, source.checksum_type, headers, user_metadata,
    source.part_numbers, source.part_ids, source.part_sizes, source.part_checksums,
    extras->'tags', extras->'lock', extras->'encryption', extras->'access'
  );
  perform release_parts_v1(replaced);
  return query select 'ok', made, now_ms::timestamptz;
end $$;

-- As create_upload_v1; `extras`: what the object will get, as in commit_objects_v3.
create function create_upload_v2(
  upload_id uuid, bucket_id bigint, key text, initiator_id text, headers jsonb, user_metadata jsonb, storage_class text,
  extras jsonb, checksum_algorithm text, checksum_type text, ttl interval
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
                               headers, user_metadata, storage_class, checksum_algorithm, checksum_type,
                               tags, lock, encryption, access)
  values (upload, 'multipart', 'open', now_ms, now_ms + ttl, bucket, key, initiator_id,
          headers, user_metadata, storage_class, checksum_algorithm, checksum_type,
          extras->'tags', extras->'lock', extras->'encryption', extras->'access')
  on conflict do nothing;
  return (select s.initiated_at from upload_sessions s where s.upload_id = upload);
end $$;

-- As complete_upload_v1, for buckets with versions too; what few objects have comes of the upload's row.
create function complete_upload_v2(
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
  kept text; -- the bucket's versioning
  target_etag text;
  verdict text;
  wrong int;
  made text := 'null';
  released uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(array[bucket], array[name]);
  select s.* into session from upload_sessions s
   where s.upload_id = upload and s.bucket_id = bucket and s.key = name and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select b.versioning into kept from buckets b where b.bucket_id = bucket;
  select o.etag into target_etag from objects o
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
    when kept is null then 'no-bucket'
    when wrong is not null then 'invalid-part'
    else verdict_v1(target_etag is not null, target_etag, if_none_match, if_match)
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
  if kept = 'Enabled' then
    made := version_id_v1(upload);
  end if;
  released := coalesce(released, '{}') || make_room_v1(bucket, name, kept);
  insert into objects (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
  ) values (
    bucket, name, made, true, true, size_bytes, etag, now_ms, session.storage_class,
    checksum_algorithm, checksum_value, checksum_type, session.headers, session.user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, session.tags, session.lock, session.encryption, session.access
  );
  update upload_sessions s
     set state = 'completed', expires_at = now_ms + ttl, completed_version_id = made, completed_at = now_ms,
         completed_etag = etag, completed_checksum_algorithm = checksum_algorithm,
         completed_checksum_value = checksum_value, completed_checksum_type = checksum_type
   where s.upload_id = upload;
  perform release_parts_v1(released);
  return query select 'ok', null::int, made, now_ms::timestamptz, etag, checksum_algorithm, checksum_value, checksum_type;
end $$;
