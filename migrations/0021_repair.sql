-- Repair: what is to be rebuilt, in which order, and the chunks that lie where no part's row says so.
-- Rows are locked in the order of 0005; after parts come stray_chunks, then repair_queue.

-- What a part has left of its chunks beyond the six that it needs: the fewer, the sooner it is repaired. Whoever writes a
-- part with a chunk missing leaves one to spare, or refuses.
alter table repair_queue
  add column spare_chunks smallint not null default 1,
  add column damaged_chunks int not null default 0,
  add column error text;
comment on column repair_queue.damaged_chunks is 'A bit a chunk, 1 for chunk 0: said to be missing or rotten where the part''s row has it';
comment on column repair_queue.next_attempt_at is 'Set when an attempt begins, further off with each: one that was killed is made again then';
comment on column repair_queue.error is 'What the last attempt failed of';
drop index repair_queue_by_urgency;
create index repair_queue_by_urgency on repair_queue (spare_chunks, next_attempt_at);

-- A repair says here what it will write where, before it writes; its commit takes the row away. So what a crash leaves
-- on a server is known. A copy that was replaced comes here in the commit's transaction.
create table stray_chunks (
  part_id uuid not null,
  chunk_number smallint not null,
  server_number int not null,
  state text not null check (state in ('being written', 'left over', 'being deleted')),
  delete_after timestamptz not null,
  primary key (part_id, chunk_number, server_number)
);
create index stray_chunks_due on stray_chunks (server_number, delete_after);
comment on table stray_chunks is 'Chunks that may lie on a server where their part''s row does not have them';

-- How many chunks are missing: nowhere, on a server that is lost, or damaged.
create function missing_chunks_v1(servers int[], damaged int, lost int[]) returns int language sql immutable parallel safe
return (
  select count(*)::int from unnest(servers) with ordinality as c (server_number, position)
   where server_number = 0 or server_number = any (lost) or damaged & (1 << (position - 1)::int) <> 0
);

-- Entries that are due, most endangered first; those that nothing can be done for at present (fewer than six chunks) come
-- last. An attempt counts from here on: one that never ends is made again, later and later, up to an hour.
create function claim_repairs_v1(rows_max int, in_hand uuid[]) returns setof repair_queue language plpgsql as $$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  spare int;
  claimed int := 0;
  n int;
begin
  foreach spare in array array[0, 1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6] loop
    return query
      with due as materialized (
        select q.part_id from repair_queue q
         where q.spare_chunks = spare and q.next_attempt_at <= now_ms and not q.part_id = any (in_hand)
         order by q.next_attempt_at limit rows_max - claimed for update skip locked
      )
      update repair_queue q
         set attempts = q.attempts + 1,
             next_attempt_at = now_ms + make_interval(secs => least(3600, 10 * 2 ^ least(q.attempts, 10)))
        from due d where q.part_id = d.part_id
      returning q.*;
    get diagnostics n = row_count;
    claimed := claimed + n;
    exit when claimed >= rows_max;
  end loop;
end $$;

-- Queues chunks that are said to be missing or rotten; only those that are still where they were looked at, in parts that
-- are still wanted, and answers how many that are. Told again, nothing changes.
create function queue_damage_v1(part_ids uuid[], chunk_numbers int[], server_numbers int[], reasons text[])
returns int language sql as $$
  with told as materialized (
    select p.part_id, i.chunk_number, i.reason, p.servers
      from unnest(part_ids, chunk_numbers, server_numbers, reasons) as i (part_id, chunk_number, server_number, reason)
      join parts p on p.part_id = i.part_id and p.refs > 0 and p.servers[i.chunk_number + 1] = i.server_number
  ), parts_told as materialized (
    select t.part_id, t.servers, bit_or(1 << t.chunk_number) as damaged, min(t.reason) as reason
      from told t group by t.part_id, t.servers
  ), queued as (
    insert into repair_queue as q (part_id, missing_chunks, spare_chunks, damaged_chunks, reason)
    select t.part_id, m.missing, cardinality(t.servers) - 6 - m.missing, t.damaged, t.reason
      from parts_told t cross join lateral (select missing_chunks_v1(t.servers, t.damaged, '{}') as missing) as m
     order by t.part_id
    on conflict (part_id) do update set
      damaged_chunks = q.damaged_chunks | excluded.damaged_chunks,
      missing_chunks = q.missing_chunks + bit_count((excluded.damaged_chunks & ~q.damaged_chunks)::bit(32)),
      spare_chunks = greatest(-6, q.spare_chunks - bit_count((excluded.damaged_chunks & ~q.damaged_chunks)::bit(32))),
      reason = excluded.reason,
      next_attempt_at = least(q.next_attempt_at, clock_timestamp())
     where q.damaged_chunks & excluded.damaged_chunks <> excluded.damaged_chunks
  )
  select count(*)::int from told
$$;

-- Answers the chunks that may be written, and whether an older copy of theirs may be in the way. Left out are those that
-- are just being deleted there.
create function plan_repair_v1(part_id uuid, chunk_numbers int[], server_numbers int[])
returns table (chunk_number int, is_in_the_way boolean) language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
  known int[];
begin
  -- Of attempts before this one that never ended.
  update stray_chunks s set state = 'left over', delete_after = clock_timestamp()
   where s.part_id = part and s.state = 'being written';
  select array_agg(s.chunk_number) into known from stray_chunks s
    join unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
      on s.part_id = part and s.chunk_number = i.chunk_number and s.server_number = i.server_number;
  return query
    insert into stray_chunks as s (part_id, chunk_number, server_number, state, delete_after)
    select part, i.chunk_number, i.server_number, 'being written', clock_timestamp() + interval '1 hour'
      from unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
     order by i.chunk_number
    on conflict on constraint stray_chunks_pkey do update set state = excluded.state, delete_after = excluded.delete_after
     where s.state <> 'being deleted'
    returning s.chunk_number::int, s.chunk_number = any (coalesce(known, '{}'));
end $$;

-- Chunks of a part were rebuilt elsewhere: its row names the new servers from now on, if it is as it was read (`before`)
-- and every plan still holds. The copies that they replace are deleted after a grace, for downloads that are under way.
-- `settled`: damage that is dealt with. Outcomes: ok; gone (nothing refers to the part any more); changed; overtaken (a
-- plan was given up, and what was written may be deleted by now). After any but ok, what was written is left over.
create function commit_repair_v1(
  part_id uuid, before int[], chunk_numbers int[], server_numbers int[], settled int, lost int[], grace interval
) returns text language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
  outcome text := 'ok';
  placed int[];
  missing int;
begin
  select p.servers into placed from parts p where p.part_id = part and p.refs > 0 for update;
  if placed is null then
    outcome := 'gone';
  elsif placed <> before then
    outcome := 'changed';
  elsif cardinality(chunk_numbers) > (
    select count(*) from (
      select from stray_chunks s
        join unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
          on s.part_id = part and s.chunk_number = i.chunk_number and s.server_number = i.server_number
       where s.state = 'being written' for update of s) as planned
  ) then
    outcome := 'overtaken';
  end if;

  if outcome = 'ok' then
    delete from stray_chunks s using unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
     where s.part_id = part and s.chunk_number = i.chunk_number and s.server_number = i.server_number;
    for n in 1 .. cardinality(chunk_numbers) loop
      placed[chunk_numbers[n] + 1] := server_numbers[n];
    end loop;
    if placed <> before then
      update parts p set servers = placed where p.part_id = part;
    end if;
    insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
    select part, i.chunk_number, before[i.chunk_number + 1], 'left over', clock_timestamp() + grace
      from unnest(chunk_numbers) as i (chunk_number) where before[i.chunk_number + 1] <> 0
     order by i.chunk_number
    on conflict do nothing;
    missing := missing_chunks_v1(
      placed, coalesce((select q.damaged_chunks from repair_queue q where q.part_id = part for update), 0) & ~settled, lost);
    update repair_queue q
       set damaged_chunks = q.damaged_chunks & ~settled, missing_chunks = missing,
           spare_chunks = cardinality(placed) - 6 - missing, error = null
     where q.part_id = part;
    delete from repair_queue q where q.part_id = part and missing = 0;
  else
    insert into stray_chunks as s (part_id, chunk_number, server_number, state, delete_after)
    select part, i.chunk_number, i.server_number, 'left over', clock_timestamp()
      from unnest(chunk_numbers, server_numbers) as i (chunk_number, server_number)
     where not exists (select from parts p where p.part_id = part and p.servers[i.chunk_number + 1] = i.server_number)
     order by i.chunk_number
    on conflict on constraint stray_chunks_pkey do update set state = excluded.state, delete_after = excluded.delete_after
     where s.state = 'being written';
    delete from repair_queue q where q.part_id = part and outcome = 'gone';
  end if;
  perform leave_over_v1(part);
  return outcome;
end $$;

-- An attempt failed: what it may have written is left over. A write that was given up may still arrive for a moment.
create function fail_repair_v1(part_id uuid, error text) returns void language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
begin
  perform leave_over_v1(part);
  update repair_queue q set error = fail_repair_v1.error where q.part_id = part;
end $$;

create function leave_over_v1(part_id uuid) returns void language sql as $$
  update stray_chunks s set state = 'left over', delete_after = clock_timestamp() + interval '1 minute'
   where s.part_id = leave_over_v1.part_id and s.state = 'being written'
$$;

-- Strays on a server that are due, to be deleted now. From here on no repair can commit them.
create function claim_strays_v1(server int, rows_max int)
returns table (part_id uuid, chunk_number int, server_number int) language plpgsql as $$
#variable_conflict use_column
declare
  now_ms timestamptz := clock_timestamp();
begin
  return query
    with due as materialized (
      select s.part_id, s.chunk_number, s.server_number,
             exists (select from parts p where p.part_id = s.part_id and p.servers[s.chunk_number + 1] = s.server_number) as is_named
        from stray_chunks s
       where s.server_number = server and s.delete_after <= now_ms
       order by s.delete_after limit rows_max for update skip locked
    ), no_strays as (
      delete from stray_chunks s using due d
       where d.is_named and s.part_id = d.part_id and s.chunk_number = d.chunk_number and s.server_number = d.server_number
    )
    update stray_chunks s set state = 'being deleted' from due d
     where not d.is_named and s.part_id = d.part_id and s.chunk_number = d.chunk_number and s.server_number = d.server_number
    returning s.part_id, s.chunk_number::int, s.server_number;
end $$;

insert into jobs (name) values ('repair');
