-- Hot statements over the outbox reach rows by their place: plans that were made while it was empty read all of it.

create index buckets_notifying on buckets (bucket_id) where settings ? 'notification';

-- Where the first event of a key is that waits for a target, besides some; null: none. By rows in order: of columns that are
-- equal, another index might be taken for as good, which reads all that waits for the target.
create function first_waiting_v1(target text, bucket_id bigint, key text, besides bigint[]) returns tid language plpgsql stable as $$
#variable_conflict use_variable
declare
  first record;
begin
  select e.ctid as place, e.target, e.bucket_id, e.key into first from event_outbox e
   where (e.target, e.bucket_id, e.key) >= (target, bucket_id, key) and e.event_id <> all (besides)
   order by e.target, e.bucket_id, e.key, e.event_id limit 1;
  return case when (first.target, first.bucket_id, first.key) = (target, bucket_id, key) then first.place end;
end $$;

-- Where events are; in order, for the same reason.
create function event_places_v1(event_ids bigint[]) returns tid[] language sql stable as $$
  select array(
    select e.place from unnest(event_ids) as i (event_id)
     cross join lateral (select o.event_id, o.ctid as place from event_outbox o
                          where o.event_id >= i.event_id order by o.event_id limit 1) as e
     where e.event_id = i.event_id)
$$;

-- As in 0070, by place.
create or replace function note_event_v1(
  event_name text, bucket_id bigint, key text, version_id text, size_bytes bigint, etag text, origin jsonb
) returns void language plpgsql as $$
#variable_conflict use_variable
begin
  insert into event_outbox (target, bucket_id, key, event_name, rule_id, bucket_name, owner_id, region,
                            version_id, size_bytes, etag, origin, due_at)
  select r.rule->>'target', bucket_id, key, event_name, r.rule->>'id', b.name, b.owner_id, b.region,
         nullif(version_id, 'null'), size_bytes, etag, origin,
         case when first_waiting_v1(r.rule->>'target', b.bucket_id, key, '{}') is null then clock_timestamp() end
    from buckets b
   cross join lateral jsonb_array_elements(b.settings->'notification') as r (rule)
   where b.bucket_id = note_event_v1.bucket_id
     and r.rule->'events' ?| array['s3:' || event_name, 's3:' || split_part(event_name, ':', 1) || ':*']
     and starts_with(key, coalesce(r.rule->>'prefix', ''))
     and right(key, length(coalesce(r.rule->>'suffix', ''))) = coalesce(r.rule->>'suffix', '')
   limit 1;
end $$;

create or replace function forget_events_v1(event_ids bigint[]) returns bigint[] language plpgsql as $$
declare
  gone bigint[];
begin
  perform lock_keys_v1(array_agg(e.bucket_id), array_agg(e.key))
     from event_outbox e where e.ctid = any (event_places_v1(event_ids));
  with forgotten as (
    delete from event_outbox e where e.ctid = any (event_places_v1(event_ids))
    returning e.event_id, e.target, e.bucket_id, e.key
  ), due as (
    update event_outbox e set due_at = clock_timestamp()
     where e.due_at is null and e.ctid = any (array(
       select first_waiting_v1(q.target, q.bucket_id, q.key, event_ids)
         from (select distinct f.target, f.bucket_id, f.key from forgotten f) as q))
  )
  select array_agg(f.event_id order by f.event_id) into gone from forgotten f;
  return coalesce(gone, '{}');
end $$;
