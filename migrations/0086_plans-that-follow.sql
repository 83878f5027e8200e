-- One attempt at a repair plans again where a server does not take its chunk.

-- As in 0033, but what an earlier plan wrote, or tried to, is deleted only after the minute in which a write that was given
-- up may still arrive.
create or replace function plan_repair_v1(part_id uuid, chunk_numbers int[], server_numbers int[])
returns table (chunk_number int, is_in_the_way boolean) language plpgsql as $$
#variable_conflict use_column
declare
  part alias for part_id;
  known int[];
begin
  perform set_config('synchronous_commit', 'off', true);
  perform leave_over_v1(part);
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
