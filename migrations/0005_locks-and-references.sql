-- What every change of an object goes through. Locks are taken in one order, so that nothing waits in a circle:
--   1. (2, gateway session)      shared by commits, exclusive to find that a gateway is gone
--   2. (3, slot)                 large deletes, a few at a time: PostgreSQL's table of locks is finite
--   3. (1, bucket)               shared by whatever writes into the bucket, exclusive to delete it
--   4. hash of bucket and key    exclusive to change the key, shared to copy from it; in order of the hash
--   5. rows of upload_sessions   in order of upload_id
--   6. rows of parts             in order of part_id
-- All are held to the end of the transaction. A statement after them sees what their last holder committed.

create function lock_buckets_v1(bucket_ids bigint[]) returns void language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
end $$;

create function lock_keys_v1(bucket_ids bigint[], keys text[]) returns void language plpgsql as $$
begin
  perform lock_buckets_v1(bucket_ids);
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
end $$;

create function lock_parts_v1(locked uuid[]) returns void language plpgsql as $$
begin
  perform from parts p where p.part_id = any (locked) order by p.part_id for update;
end $$;

-- The session of the gateway that made a part id: its last 4 bytes.
create function session_of_part_v1(part_id uuid) returns int language sql immutable parallel safe
return ('x' || right(part_id::text, 8))::bit(32)::int;

-- Whether the gateway of these parts still counts as alive; holds that until the transaction ends.
-- Without it, a gateway that slept past its time could commit a part whose chunks the sweep has deleted.
create function lock_sessions_v1(part_ids uuid[]) returns int[] language plpgsql as $$
declare
  over int[];
begin
  perform pg_advisory_xact_lock_shared(2, n)
     from (select distinct session_of_part_v1(p) as n from unnest(part_ids) as p where p is not null order by 1) as sessions_in_order;
  select array_agg(s.gateway_session) into over
    from (select distinct session_of_part_v1(p) as n from unnest(part_ids) as p where p is not null) as i
    join upload_sessions s on s.gateway_session = i.n and s.kind = 'gateway'
   where s.state <> 'open' or s.expires_at <= clock_timestamp();
  return coalesce(over, '{}');
end $$;

-- Each id given loses one reference, as often as it is given; at 0 the part is doomed.
-- Its rows are locked already, or are locked here when they are the transaction's only ones.
create function release_parts_v1(released uuid[]) returns void language plpgsql as $$
begin
  perform lock_parts_v1(released);
  with gone as (
    update parts p set refs = p.refs - r.n
      from (select i.part_id, count(*)::int as n from unnest(released) as i (part_id) group by 1) as r
     where p.part_id = r.part_id
    returning p.part_id, p.refs
  )
  insert into doomed_parts (part_id) select g.part_id from gone g where g.refs = 0;
end $$;

-- RFC 9110, section 13, as S3 applies it to writes; judged on the key's current version.
create function verdict_v1(is_there boolean, etag text, if_none_match boolean, if_match text)
returns text language sql immutable parallel safe
return case
  when if_none_match and is_there then 'precondition-failed'
  when if_match = '' then 'ok'
  when not is_there then 'no-key'
  when if_match <> '*' and if_match <> etag then 'precondition-failed'
  else 'ok'
end;
