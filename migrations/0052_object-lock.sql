-- Object lock: versions that may not go yet. `objects.lock` holds mode and retainUntil (or retainDays, counted from the
-- version's own time, where the bucket's default retention was taken), and legalHold. All is judged by this database's
-- clock, in the transaction that would delete or change it.

comment on column objects.lock is 'Object lock: mode with retainUntil, or with retainDays since committed_at; legalHold';

create function retained_until_v1(lock jsonb, committed_at timestamptz) returns timestamptz language sql stable parallel safe
return case when lock ? 'retainUntil' then (lock->>'retainUntil')::timestamptz
            else committed_at + (lock->>'retainDays')::int * interval '24 hours' end;

-- `may_bypass`: the caller has leave to pass over a retention of mode GOVERNANCE, and says so.
create function is_held_v1(lock jsonb, committed_at timestamptz, may_bypass boolean) returns boolean language sql volatile parallel safe
return lock is not null and (
  coalesce((lock->>'legalHold')::boolean, false)
  or (lock ? 'mode' and not (may_bypass and lock->>'mode' = 'GOVERNANCE')
      and coalesce(retained_until_v1(lock, committed_at) > clock_timestamp(), false)));

-- Deletes in the order given. Without a version id: the object of a bucket that keeps no versions goes; elsewhere a delete
-- marker becomes the latest version. With one: that version goes for good, and the newest of the others is the latest. What
-- is to go for good and is held by an object lock stays. `version_ids`, `if_match`, `bypasses`: null altogether where no row
-- has any. A condition is judged on the latest version, whichever is named, as S3 has it. Answers null if nothing but
-- objects without versions was asked for, else three arrays in the order of the rows: outcomes (ok, no-key,
-- precondition-failed, held), version ids (of the marker that was made, or of what went), and whether that is a delete
-- marker. A key may be given twice.
create function delete_objects_v3(
  bucket_ids bigint[], keys text[], version_ids text[], if_match text[], bypasses boolean[]
) returns json language plpgsql as $$
declare
  is_plain boolean;
  released uuid[];
  outcomes text[] := '{}';
  versions text[] := '{}';
  markers boolean[] := '{}';
  verdict text;
  wanted record;
  latest objects;
  named objects;
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;

  with plain as materialized (
    select version_ids is null and if_match is null
       and not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.versioning <> '') as is_so
  ), gone as (
    -- By the place of the row, as in commit_objects_v3.
    delete from objects o where o.ctid = any (array(
      select o.place from plain cross join unnest(bucket_ids, keys) as i (b, k)
       cross join lateral (select o.ctid as place from objects o
                            where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null' limit 1) as o
       where plain.is_so))
    returning o.part_ids
  )
  select (select p.is_so from plain p), array_agg(r.part_id) filter (where r.part_id is not null)
    into is_plain, released from gone, unnest(gone.part_ids) as r (part_id);
  if is_plain then
    if released is not null then
      perform release_parts_v1(released);
    end if;
    return null;
  end if;

  released := '{}';
  for wanted in
    select i.bucket_id, i.key, i.version_id, coalesce(i.if_match, '') as if_match, coalesce(b.versioning, '') as versioning,
           coalesce(i.may_bypass, false) as may_bypass
      from unnest(bucket_ids, keys, version_ids, if_match, bypasses)
           with ordinality as i (bucket_id, key, version_id, if_match, may_bypass, n)
      left join lateral (select b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
     order by i.n
  loop
    if wanted.version_id is null or wanted.if_match <> '' then
      latest := latest_version_v1(wanted.bucket_id, wanted.key);
    end if;
    if wanted.version_id is null then
      named := latest;
    else
      select o.* into named from objects o
       where o.bucket_id = wanted.bucket_id and o.key = wanted.key and o.version_id = wanted.version_id limit 1;
    end if;
    verdict := verdict_v1(latest.key is not null and not latest.is_delete_marker, latest.etag, false, wanted.if_match);

    -- A delete marker may be laid over a held version: that one stays.
    if verdict = 'ok' and (wanted.version_id is not null or wanted.versioning = '')
       and is_held_v1(named.lock, named.committed_at, wanted.may_bypass) then
      verdict := 'held';
    end if;

    outcomes := outcomes || verdict;
    if verdict <> 'ok' then
      versions := versions || wanted.version_id;
      markers := markers || false;
    elsif wanted.version_id is null and wanted.versioning <> '' then
      released := released || make_room_v1(wanted.bucket_id, wanted.key, wanted.versioning);
      versions := versions || case wanted.versioning when 'Enabled' then version_id_v1(gen_random_uuid()) else 'null' end;
      markers := markers || true;
      insert into objects (bucket_id, key, version_id, is_latest, is_delete_marker, size_bytes, etag, storage_class,
                           headers, user_metadata, part_numbers, part_ids, part_sizes, part_checksums)
      values (wanted.bucket_id, wanted.key, versions[cardinality(versions)], true, true, 0, '', 'STANDARD',
              '{}', '{}', '{}', '{}', '{}', '{}');
    else
      versions := versions || wanted.version_id;
      markers := markers || coalesce(named.is_delete_marker, false);
      if named.key is not null then
        delete from objects o where o.ctid = (
          select o.ctid from objects o
           where o.bucket_id = named.bucket_id and o.key = named.key and o.version_id = named.version_id limit 1);
        released := released || array_remove(named.part_ids, null);
        if named.is_latest then
          update objects o set is_latest = true where o.ctid = (
            select o.ctid from objects o where o.bucket_id = named.bucket_id and o.key = named.key and not o.is_latest
             order by o.seq desc limit 1);
        end if;
      end if;
    end if;
  end loop;
  if released <> '{}' then
    perform release_parts_v1(released);
  end if;
  return json_build_array(outcomes, versions, markers);
end $$;

-- `mode` null: the retention ends. One that is not over may be prolonged; anything else takes mode GOVERNANCE and leave to
-- bypass it. Outcomes: ok, no-object, delete-marker, held, past.
create function retain_object_v1(
  bucket_id bigint, key text, version_id text, mode text, retain_until timestamptz, may_bypass boolean
) returns table (outcome text, changed_id text) language plpgsql as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  place tid;
  known record;
  verdict text := 'ok';
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  select o.version_id, o.is_delete_marker, o.lock, retained_until_v1(o.lock, o.committed_at) as held_until into known
    from objects o where o.ctid = place;
  if place is null then
    verdict := 'no-object';
  elsif known.is_delete_marker then
    verdict := 'delete-marker';
  elsif retain_until <= clock_timestamp() then
    verdict := 'past';
  elsif known.lock ? 'mode' and known.held_until > clock_timestamp()
        and (mode is distinct from known.lock->>'mode' or retain_until < known.held_until)
        and not (may_bypass and known.lock->>'mode' = 'GOVERNANCE') then
    verdict := 'held';
  else
    update objects o set lock = nullif(
      (coalesce(o.lock, '{}') - 'mode' - 'retainUntil' - 'retainDays')
      || case when mode is null then '{}'
         else jsonb_build_object('mode', mode, 'retainUntil', to_char(retain_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end,
      '{}') where o.ctid = place;
  end if;
  return query select verdict, known.version_id::text;
end $$;

-- Outcomes: ok, no-object, delete-marker.
create function hold_object_v1(bucket_id bigint, key text, version_id text, is_on boolean)
returns table (outcome text, changed_id text) language plpgsql as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  place tid;
  known record;
  verdict text := 'ok';
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  select o.version_id, o.is_delete_marker into known from objects o where o.ctid = place;
  if place is null then
    verdict := 'no-object';
  elsif known.is_delete_marker then
    verdict := 'delete-marker';
  else
    update objects o set lock = coalesce(o.lock, '{}') || jsonb_build_object('legalHold', is_on) where o.ctid = place;
  end if;
  return query select verdict, known.version_id::text;
end $$;
