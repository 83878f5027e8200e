-- What happens to objects of buckets that ask for it (`settings.notification`) is noted here, in the transaction in which
-- it happens: an event is there if, and only if, its change is. A job tells it to its target, and takes it away then.
--
-- The events of a key for one target are a queue. Ids are given out under the key's lock, so that they are in the order of
-- its changes; only the first of a queue has a `due_at`, and the next one gets it when that is gone.

create table event_outbox (
  event_id bigint generated always as identity primary key,
  target text collate "C" not null,
  bucket_id bigint not null,
  key text collate "C" not null,
  event_name text collate "C" not null,
  rule_id text not null,
  bucket_name text collate "C" not null,
  owner_id text not null,
  region text not null,
  version_id text collate "C",
  size_bytes bigint,
  etag text,
  origin jsonb,
  made_at timestamptz(3) not null default clock_timestamp(),
  attempts int not null default 0,
  due_at timestamptz
);
create index event_outbox_queues on event_outbox (target, bucket_id, key, event_id);
create index event_outbox_due on event_outbox (target, due_at) where due_at is not null;
create index event_outbox_ages on event_outbox (target, event_id);
comment on column event_outbox.target is 'The ARN that the bucket''s configuration names';
comment on column event_outbox.event_name is 'Without s3:, as in the message';
comment on column event_outbox.bucket_id is 'Bucket, name, owner and region as they were: the bucket may be gone by now';
comment on column event_outbox.origin is 'Who asked for it, from where, in which request; null: nobody, or it is not known';
comment on column event_outbox.due_at is 'When it is told, or tried again; null: it waits behind another one of its key';

insert into jobs (name) values ('notifications');

-- Notes what was done to an object whose key is locked, if the rules of its bucket ask for it; no two of them do for one
-- event (they are judged so when they are put).
create function note_event_v1(
  event_name text, bucket_id bigint, key text, version_id text, size_bytes bigint, etag text, origin jsonb
) returns void language plpgsql as $$
#variable_conflict use_variable
begin
  insert into event_outbox (target, bucket_id, key, event_name, rule_id, bucket_name, owner_id, region,
                            version_id, size_bytes, etag, origin, due_at)
  select r.rule->>'target', bucket_id, key, event_name, r.rule->>'id', b.name, b.owner_id, b.region,
         nullif(version_id, 'null'), size_bytes, etag, origin,
         case when not exists (select from event_outbox e
                                where e.target = r.rule->>'target' and e.bucket_id = b.bucket_id and e.key = note_event_v1.key)
              then clock_timestamp() end
    from buckets b
   cross join lateral jsonb_array_elements(b.settings->'notification') as r (rule)
   where b.bucket_id = note_event_v1.bucket_id
     and r.rule->'events' ?| array['s3:' || event_name, 's3:' || split_part(event_name, ':', 1) || ':*']
     and starts_with(key, coalesce(r.rule->>'prefix', ''))
     and right(key, length(coalesce(r.rule->>'suffix', ''))) = coalesce(r.rule->>'suffix', '')
   limit 1;
end $$;

-- As commit_objects_v3, and notes what was done. `origins`: who asked for each; null altogether where nobody is told.
create function commit_and_note_v1(
  sessions int[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[],
  checksum_algorithms text[], checksum_values text[], checksum_types text[],
  headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[],
  part_ids uuid[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[], missing_chunks int[],
  origins text[]
) returns json language plpgsql as $$
declare
  answer json;
begin
  answer := commit_objects_v3(
    sessions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
    headers, user_metadata, extras, if_none_match, if_match, part_ids, block_bytes, parity_chunks, servers, chunk_hashes,
    missing_chunks);
  if exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.settings ? 'notification') then
    perform note_event_v1('ObjectCreated:' || coalesce(i.origin::jsonb->>'via', 'Put'), i.bucket_id, i.key,
                          answer->2->>(i.n - 1)::int, i.size_bytes, i.etag, i.origin::jsonb)
       from unnest(bucket_ids, keys, sizes, etags, origins) with ordinality as i (bucket_id, key, size_bytes, etag, origin, n)
      where answer->0->>(i.n - 1)::int = 'ok';
  end if;
  return answer;
end $$;

-- As delete_objects_v3, and notes what was done: nothing, where nothing was there. `family`: ObjectRemoved, or
-- LifecycleExpiration. `origins` as in commit_and_note_v1.
create function delete_and_note_v1(
  bucket_ids bigint[], keys text[], version_ids text[], if_match text[], bypasses boolean[], family text, origins text[]
) returns json language plpgsql as $$
declare
  answer json;
  there boolean[];
begin
  if not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.settings ? 'notification') then
    return delete_objects_v3(bucket_ids, keys, version_ids, if_match, bypasses);
  end if;
  -- As delete_objects_v3 does it, a little earlier: what is there now is there until it is deleted.
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform lock_keys_v1(bucket_ids, keys);
  select array_agg(exists (select from objects o where o.bucket_id = i.bucket_id and o.key = i.key
                              and o.version_id = coalesce(i.version_id, 'null')) order by i.n)
    into there from unnest(bucket_ids, keys, version_ids) with ordinality as i (bucket_id, key, version_id, n);
  answer := delete_objects_v3(bucket_ids, keys, version_ids, if_match, bypasses);
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

-- As copy_object_v2, and notes it.
create function copy_and_note_v1(
  source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamptz,
  target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, extras jsonb,
  if_none_match boolean, if_match text, origin jsonb
) returns table (outcome text, version_id text, committed_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
begin
  select c.* into outcome, version_id, committed_at
    from copy_object_v2(source_bucket_id, source_key, source_version_id, source_etag, source_committed_at, target_bucket_id,
                        target_key, storage_class, headers, user_metadata, extras, if_none_match, if_match) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectCreated:Copy', o.bucket_id, o.key, o.version_id, o.size_bytes, o.etag, origin) from objects o
      where o.bucket_id = target_bucket_id and o.key = target_key and o.version_id = copy_and_note_v1.version_id limit 1;
  end if;
  return next;
end $$;

-- As complete_upload_v2, and notes it.
create function complete_and_note_v1(
  upload_id uuid, bucket_id bigint, key text, size_bytes bigint, etag text,
  checksum_algorithm text, checksum_value text, checksum_type text,
  part_numbers int[], part_ids uuid[], part_sizes bigint[], part_checksums text[],
  if_none_match boolean, if_match text, ttl interval, origin jsonb
) returns table (
  outcome text, bad_part int, version_id text, committed_at timestamptz, completed_etag text,
  completed_checksum_algorithm text, completed_checksum_value text, completed_checksum_type text
)
language plpgsql as $$
begin
  select c.* into outcome, bad_part, version_id, committed_at, completed_etag,
                  completed_checksum_algorithm, completed_checksum_value, completed_checksum_type
    from complete_upload_v2(upload_id, bucket_id, key, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type,
                            part_numbers, part_ids, part_sizes, part_checksums, if_none_match, if_match, ttl) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectCreated:CompleteMultipartUpload', bucket_id, key, version_id, size_bytes, etag, origin);
  end if;
  return next;
end $$;

-- As tag_object_v1, and notes it.
create function tag_and_note_v1(bucket_id bigint, key text, version_id text, tags jsonb, origin jsonb)
returns table (outcome text, changed_id text) language plpgsql as $$
#variable_conflict use_variable
begin
  select c.* into outcome, changed_id from tag_object_v1(bucket_id, key, version_id, tags) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectTagging:' || case when tags is null then 'Delete' else 'Put' end,
                          o.bucket_id, o.key, o.version_id, null, o.etag, origin) from objects o
      where o.bucket_id = tag_and_note_v1.bucket_id and o.key = tag_and_note_v1.key and o.version_id = changed_id limit 1;
  end if;
  return next;
end $$;

-- Deletes what is as it was read, and answers how much that was. `kind`: current (as a client's DELETE does, so that where
-- versions are kept a delete marker comes in its place), former (a noncurrent version) or marker (a delete marker that no
-- version is left behind). `since`: what the days were counted from; `keeps`: how many younger noncurrent versions there
-- must be.
create function expire_objects_v1(
  bucket_id bigint, revision text, kind text, keys text[], version_ids text[], committed timestamptz[], sizes bigint[],
  tags text[], since timestamptz[], keeps int[]
) returns int language plpgsql as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  buckets bigint[] := array_fill(bucket_id, array[cardinality(keys)]);
  due_keys text[];
  due_ids text[];
  answer json;
begin
  perform lock_keys_v1(buckets, keys);
  if not lock_rules_v1(bucket, revision) then
    return 0;
  end if;
  select array_agg(o.key order by i.n), array_agg(o.version_id order by i.n) into due_keys, due_ids
    from unnest(keys, version_ids, committed, sizes, tags, since, keeps)
         with ordinality as i (key, version_id, committed_at, size_bytes, tags, since, keep, n)
   cross join lateral (select o.* from objects o
                        where o.bucket_id = bucket and o.key = i.key and o.version_id = i.version_id limit 1) as o
   where o.committed_at = i.committed_at and o.size_bytes = i.size_bytes and o.tags is not distinct from i.tags::jsonb
     and case kind
           when 'current' then o.is_latest and not o.is_delete_marker
           when 'marker' then o.is_latest and o.is_delete_marker and newer_versions_v1(bucket, o.key, -1, 1) = 0
           else not o.is_latest and replaced_at_v1(bucket, o.key, o.seq) = i.since
                and newer_versions_v1(bucket, o.key, o.seq, i.keep) >= i.keep
         end;
  if due_keys is null then
    return 0;
  end if;
  answer := delete_and_note_v1(
    buckets[:cardinality(due_keys)], due_keys, case when kind <> 'current' then due_ids end, null, null,
    'LifecycleExpiration', null);
  return case when answer is null then cardinality(due_keys)
         else (select count(*) from json_array_elements_text(answer->0) as outcome where outcome = 'ok') end;
end $$;

-- Forgets events that were told, or dropped: whatever waits behind them is due. Answers those that were still there, in
-- their order. Under their keys' locks: an event that is noted meanwhile sees what is gone, or is seen by it.
create function forget_events_v1(event_ids bigint[]) returns bigint[] language plpgsql as $$
declare
  gone bigint[];
begin
  perform lock_keys_v1(array_agg(e.bucket_id), array_agg(e.key)) from event_outbox e where e.event_id = any (event_ids);
  with forgotten as (
    delete from event_outbox e where e.event_id = any (event_ids) returning e.event_id, e.target, e.bucket_id, e.key
  ), due as (
    update event_outbox e set due_at = clock_timestamp()
      from (select distinct f.target, f.bucket_id, f.key from forgotten f) as q
     where e.due_at is null and e.event_id = (
       select n.event_id from event_outbox n
        where n.target = q.target and n.bucket_id = q.bucket_id and n.key = q.key and n.event_id <> all (event_ids)
        order by n.event_id limit 1)
  )
  select array_agg(f.event_id order by f.event_id) into gone from forgotten f;
  return coalesce(gone, '{}');
end $$;

-- Tells events by NOTIFY, in the transaction that forgets them: each once.
create function notify_events_v1(channel text, event_ids bigint[], payloads text[]) returns void language plpgsql as $$
begin
  perform pg_notify(channel, i.payload)
     from unnest(forget_events_v1(event_ids)) with ordinality as g (event_id, n)
     join unnest(event_ids, payloads) as i (event_id, payload) on i.event_id = g.event_id
    order by g.n;
end $$;

-- What a target was not told in time: what is older than `age`, and the oldest above `rows_max`; no more than `dropped_max`
-- at once. Answers how many are gone.
create function drop_events_v1(target text, age interval, rows_max bigint, dropped_max int) returns int language plpgsql as $$
#variable_conflict use_column
declare
  wanted alias for target;
  old timestamptz := clock_timestamp() - age;
  newest_above bigint;
  dropped bigint[];
begin
  select e.event_id into newest_above from event_outbox e where e.target = wanted
   order by e.event_id desc offset rows_max limit 1;
  select array_agg(d.event_id) into dropped from (
    select e.event_id, e.made_at from event_outbox e where e.target = wanted order by e.event_id limit dropped_max) as d
   where d.made_at < old or d.event_id <= newest_above;
  return cardinality(forget_events_v1(dropped));
end $$;
