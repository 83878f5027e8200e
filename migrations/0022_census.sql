-- The census: which servers are away, and what every part has left of its chunks.

-- Servers that are down, by what a gateway saw every few seconds. Time counts while somebody looks: after an outage of the
-- database itself, or of all gateways, a server's silence proves nothing.
create table server_absences (
  server_number int primary key references storage_servers on delete cascade,
  since timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp(),
  is_lost boolean not null default false
);
comment on column server_absences.is_lost is 'Away for longer than the grace: its chunks are rebuilt elsewhere';

-- Looks at all servers, and answers how each is: up, down, lost (down for longer than the grace, or removed). Down is one
-- without heartbeats, and one whose disk refuses writes; but not one that is only full: its chunks are whole. While more
-- than half of them are down it is rather the network, or whoever looks, that is broken: then none counts as lost.
create function observe_servers_v1(grace interval, stale_after interval, gap interval)
returns table (server_number int, condition text) language plpgsql as $$
#variable_conflict use_column
declare
  now_ms timestamptz := clock_timestamp();
  away int[];
  members int;
begin
  select array_agg(s.server_number) filter (
           where s.last_heartbeat_at < now_ms - least(stale_after, grace)
              -- As a node judges itself nearly full: below twice the reserve that it keeps.
              or (s.status = 'failed' and s.available_bytes >= 2 * least(256 * 1024 * 1024, s.capacity_bytes / 100))),
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
           case when s.status = 'removed' or a.is_lost then 'lost' when a.server_number is not null then 'down' else 'up' end
      from storage_servers s left join server_absences a on a.server_number = s.server_number
     order by s.server_number;
end $$;

-- Parts that the census found with chunks missing. Entries that are there get what is true now; one that has fewer chunks
-- left than was known is due at once.
create function queue_parts_v1(part_ids uuid[], missing int[], spare int[]) returns int language plpgsql as $$
#variable_conflict use_column
declare
  n int;
begin
  insert into repair_queue as q (part_id, missing_chunks, spare_chunks, reason)
  select p.part_id, i.missing, i.spare, 'a server is lost'
    from unnest(part_ids, missing, spare) as i (part_id, missing, spare)
    join parts p on p.part_id = i.part_id and p.refs > 0
   order by p.part_id
  on conflict (part_id) do update set
    missing_chunks = excluded.missing_chunks, spare_chunks = excluded.spare_chunks,
    next_attempt_at = case when excluded.spare_chunks < q.spare_chunks then least(q.next_attempt_at, clock_timestamp())
                           else q.next_attempt_at end
   where q.spare_chunks <> excluded.spare_chunks;
  get diagnostics n = row_count;
  return n;
end $$;

insert into jobs (name) values ('census');
