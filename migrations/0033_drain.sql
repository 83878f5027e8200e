-- What an operator decides of a server, and how one is emptied: as repair rebuilds what is lost.

-- Answers ok, unknown (no such server), or removed: what was removed stays so. A server that was failed and is to be up is
-- up when its node says that its disk is well.
create function set_server_status_v1(server int, status text) returns text language plpgsql as $$
#variable_conflict use_column
declare
  wanted alias for status;
  old text;
begin
  select s.status into old from storage_servers s where s.server_number = server for update;
  if old is null then
    return 'unknown';
  elsif old = 'removed' and wanted <> 'removed' then
    return 'removed';
  end if;
  if old <> wanted and not (old = 'failed' and wanted = 'up') then
    update storage_servers s set status = wanted where s.server_number = server;
    perform pg_notify('sextant_cluster', server::text);
  end if;
  return 'ok';
end $$;

-- Parts that the census found with chunks missing, or (missing: 0) on servers that are to be emptied. Entries that are there
-- get what is true now; one that has fewer chunks left than was known is due at once.
create or replace function queue_parts_v1(part_ids uuid[], missing int[], spare int[]) returns int language plpgsql as $$
#variable_conflict use_column
declare
  n int;
begin
  insert into repair_queue as q (part_id, missing_chunks, spare_chunks, reason)
  select p.part_id, i.missing, i.spare, case i.missing when 0 then 'a server is to be emptied' else 'a server is lost' end
    from unnest(part_ids, missing, spare) as i (part_id, missing, spare)
    join parts p on p.part_id = i.part_id and p.refs > 0
   order by p.part_id
  on conflict (part_id) do update set
    missing_chunks = excluded.missing_chunks, spare_chunks = excluded.spare_chunks,
    next_attempt_at = case when excluded.spare_chunks < q.spare_chunks then least(q.next_attempt_at, clock_timestamp())
                           else q.next_attempt_at end
   where q.spare_chunks <> excluded.spare_chunks or q.missing_chunks <> excluded.missing_chunks;
  get diagnostics n = row_count;
  return n;
end $$;

-- None of what a repair does waits for the disk: the crash of the database that loses the last of it brings back the state
-- before, in which everything is still queued, planned, and where it was. A copy that was replaced is deleted only after
-- claim_strays_v1, which does wait, and with it whatever was committed before.

-- Entries that are due, most endangered first; those that nothing can be done for at present (fewer than six chunks) come
-- last. An attempt counts from here on: one that never ends is made again, later and later, up to an hour.
create or replace function claim_repairs_v1(rows_max int, in_hand uuid[]) returns setof repair_queue language plpgsql as $$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  spare int;
  claimed int := 0;
  n int;
begin
  perform set_config('synchronous_commit', 'off', true);
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

-- Answers the chunks that may be written, and whether an older copy of theirs may be in the way. Left out are those that
-- are just being deleted there.
create or replace function plan_repair_v1(part_id uuid, chunk_numbers int[], server_numbers int[])
returns table (chunk_number int, is_in_the_way boolean) language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
  known int[];
begin
  perform set_config('synchronous_commit', 'off', true);
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
-- `settled`: damage that is dealt with. `leaving`: servers that are to be emptied. Outcomes: ok; gone (nothing refers to the part any more); changed; overtaken (a
-- plan was given up, and what was written may be deleted by now). After any but ok, what was written is left over.
create function commit_repair_v2(
  part_id uuid, before int[], chunk_numbers int[], server_numbers int[], settled int, lost int[], leaving int[], grace interval
) returns text language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
  outcome text := 'ok';
  placed int[];
  missing int;
begin
  perform set_config('synchronous_commit', 'off', true);
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
    delete from repair_queue q where q.part_id = part and missing = 0 and not placed && leaving;
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
