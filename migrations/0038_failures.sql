-- What uploads leave where they were given up, and servers that are full.

-- Chunks that may have come to lie on servers that were given up for being late: to be told before their part is committed.
-- Does not wait for the disk: the commit that follows does, and with it what was written before.
create function note_strays_v1(part_id uuid, chunk_numbers int[], server_numbers int[]) returns void language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
begin
  perform set_config('synchronous_commit', 'off', true);
  insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
  select part, i.chunk_number, i.server_number, 'left over', clock_timestamp() + interval '1 minute'
    from unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
   order by i.chunk_number, i.server_number
  on conflict do nothing;
end $$;

-- As observe_servers_v1, but it says which servers are draining, and nodes tell a full disk from a failed one themselves: full
-- is available_bytes 0.
create function observe_servers_v2(grace interval, stale_after interval, gap interval)
returns table (server_number int, condition text) language plpgsql as $$
#variable_conflict use_column
declare
  now_ms timestamptz := clock_timestamp();
  away int[];
  members int;
begin
  select array_agg(s.server_number) filter (
           where s.last_heartbeat_at < now_ms - least(stale_after, grace) or s.status = 'failed'),
         count(*)
    into away, members
    from storage_servers s where s.status <> 'removed';
  away := coalesce(away, '{}');
  delete from server_absences a where not a.server_number = any (away) or a.seen_at < now_ms - gap;
  insert into server_absences as a (server_number) select unnest(away) order by 1
  on conflict (server_number) do update set
    seen_at = now_ms, is_lost = a.since <= now_ms - grace and cardinality(away) * 2 <= members;
  return query
    select s.server_number,
           case when s.status = 'removed' or a.is_lost then 'lost' when a.server_number is not null then 'down'
                when s.status = 'draining' then 'draining' else 'up' end
      from storage_servers s left join server_absences a on a.server_number = s.server_number
     order by s.server_number;
end $$;

-- As heartbeat_v1; whoever watches is also told at once when a server is full, and when it is so no more. Answers the count of
-- heartbeats for the server to keep; null: the server is not known.
create function heartbeat_v2(
  server_id uuid, capacity_bytes bigint, available_bytes bigint, chunk_count bigint, writable boolean, beats_seen bigint,
  stale_after interval
) returns bigint language plpgsql as $$
#variable_conflict use_column
declare
  server alias for server_id;
  capacity alias for capacity_bytes;
  available alias for available_bytes;
  chunks alias for chunk_count;
  old storage_servers;
  new_status text;
  counted bigint;
begin
  select s.* into old from storage_servers s where s.server_id = server for update;
  if not found then
    return null;
  end if;
  if old.beats < beats_seen then
    perform mark_recognised_v1(old.server_number);
  end if;
  new_status := case
    when old.status = 'up' and not writable then 'failed'
    when old.status = 'failed' and writable then 'up'
    else old.status
  end;
  update storage_servers s
     set capacity_bytes = capacity, available_bytes = available, chunk_count = chunks,
         last_heartbeat_at = clock_timestamp(), status = new_status, beats = greatest(s.beats, beats_seen) + 1
   where s.server_id = server returning s.beats into counted;
  if new_status <> old.status or (available = 0) <> (old.available_bytes = 0)
     or old.last_heartbeat_at < clock_timestamp() - stale_after then
    perform pg_notify('sextant_cluster', old.server_number::text);
  end if;
  return counted;
end $$;
