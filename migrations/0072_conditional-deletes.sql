-- Deletes on condition of a size, or of a time. A condition: etag (or *), sizeBytes, modified; all that are there must hold.

-- On the latest version of a key. One that is not there was deleted already, unless its ETag is asked for.
-- Outcomes: ok, no-key, etag-differs, size-differs, time-differs.
create function delete_verdict_v1(latest objects, condition jsonb) returns text language sql stable parallel safe
return case
  when latest.key is null or latest.is_delete_marker then case when condition ? 'etag' then 'no-key' else 'ok' end
  when condition->>'etag' <> all (array['*', latest.etag]) then 'etag-differs'
  when (condition->>'sizeBytes')::bigint <> latest.size_bytes then 'size-differs'
  -- HTTP's dates have whole seconds.
  when date_trunc('second', (condition->>'modified')::timestamptz) <> date_trunc('second', latest.committed_at) then 'time-differs'
  else 'ok'
end;

-- Deletes in the order given. Without a version id: the object of a bucket that keeps no versions goes; elsewhere a delete
-- marker becomes the latest version. With one: that version goes for good, and the newest of the others is the latest. What
-- is to go for good and is held by an object lock stays. `version_ids`, `conditions`, `bypasses`: null altogether where no
-- row has any. A condition is judged on the latest version, whichever is named, as S3 has it. Answers null if nothing but
-- objects without versions was asked for, else three arrays in the order of the rows: outcomes (ok, held, and those of
-- delete_verdict_v1), version ids (of the marker that was made, or of what went), and whether that is a delete marker. A key
-- may be given twice.
create function delete_objects_v4(
  bucket_ids bigint[], keys text[], version_ids text[], conditions text[], bypasses boolean[]
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
    select version_ids is null and conditions is null
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
    select i.bucket_id, i.key, i.version_id, i.condition, coalesce(b.versioning, '') as versioning,
           coalesce(i.may_bypass, false) as may_bypass
      from unnest(bucket_ids, keys, version_ids, conditions, bypasses)
           with ordinality as i (bucket_id, key, version_id, condition, may_bypass, n)
      left join lateral (select b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
     order by i.n
  loop
    if wanted.version_id is null or wanted.condition is not null then
      latest := latest_version_v1(wanted.bucket_id, wanted.key);
    end if;
    if wanted.version_id is null then
      named := latest;
    else
      select o.* into named from objects o
       where o.bucket_id = wanted.bucket_id and o.key = wanted.key and o.version_id = wanted.version_id limit 1;
    end if;
    verdict := case when wanted.condition is null then 'ok' else delete_verdict_v1(latest, wanted.condition::jsonb) end;

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

-- As delete_objects_v4, and notes what was done: nothing, where nothing was there. `family`: ObjectRemoved, or
-- LifecycleExpiration. `origins` as in commit_and_note_v1.
create function delete_and_note_v2(
  bucket_ids bigint[], keys text[], version_ids text[], conditions text[], bypasses boolean[], family text, origins text[]
) returns json language plpgsql as $$
declare
  answer json;
  there boolean[];
begin
  if not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.settings ? 'notification') then
    return delete_objects_v4(bucket_ids, keys, version_ids, conditions, bypasses);
  end if;
  -- As delete_objects_v4 does it, a little earlier: what is there now is there until it is deleted.
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform lock_keys_v1(bucket_ids, keys);
  select array_agg(exists (select from objects o where o.bucket_id = i.bucket_id and o.key = i.key
                              and o.version_id = coalesce(i.version_id, 'null')) order by i.n)
    into there from unnest(bucket_ids, keys, version_ids) with ordinality as i (bucket_id, key, version_id, n);
  answer := delete_objects_v4(bucket_ids, keys, version_ids, conditions, bypasses);
  perform note_event_v1(d.event_name, d.bucket_id, d.key, d.version_id, null, null, d.origin)
     from (
       -- One that stands twice in a call is gone, or made, by the time that it is met again.
       select c.*, family || case when c.is_made then ':DeleteMarkerCreated' else ':Delete' end as event_name,
              lag(c.is_made, 1, c.was_there) over (partition by c.bucket_id, c.key, c.version_id order by c.n) as is_there
         from (
           select i.n, i.bucket_id, i.key, i.origin::jsonb, i.was_there,
                  coalesce(answer->1->>(i.n - 1)::int, 'null') as version_id,
                  i.version_id is null and coalesce((answer->2->>(i.n - 1)::int)::boolean, false) as is_made
             from unnest(bucket_ids, keys, version_ids, origins, there)
                  with ordinality as i (bucket_id, key, version_id, origin, was_there, n)
            where answer is null or answer->0->>(i.n - 1)::int = 'ok') as c
        order by c.n) as d
    where d.is_made or d.is_there;
  return answer;
end $$;

-- For lifecycle, renames, and gateways of before: whoever asks for an ETag at most.
create or replace function delete_and_note_v1(
  bucket_ids bigint[], keys text[], version_ids text[], if_match text[], bypasses boolean[], family text, origins text[]
) returns json language sql as $$
  select delete_and_note_v2(
    bucket_ids, keys, version_ids,
    (select array_agg(case when m.etag <> '' then jsonb_build_object('etag', m.etag)::text end order by m.n)
       from unnest(if_match) with ordinality as m (etag, n)),
    bypasses, family, origins)
$$;
