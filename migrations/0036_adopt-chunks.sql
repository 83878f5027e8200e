-- Chunks that lie elsewhere than their parts' rows say, and not where they say: moved in a time that the database has lost
-- (docs/adr/0010). The rows take them over, if they are still as they were read and nobody else sees to these chunks; for that
-- moment a note of stray_chunks bars whoever would delete them (0028) or write them (0021). Answers those that were.
create function adopt_chunks_v1(server int, part_ids uuid[], chunk_numbers int[], from_servers int[])
returns table (part_id uuid, chunk_number int) language plpgsql as $$
#variable_conflict use_column
declare
  each record;
begin
  for each in
    select * from unnest(part_ids, chunk_numbers, from_servers) as i (part_id, chunk_number, from_server) order by 1, 2
  loop
    perform from parts p where p.part_id = each.part_id and p.refs > 0
        and p.servers[each.chunk_number + 1] = each.from_server for update;
    continue when not found;
    insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
    values (each.part_id, each.chunk_number, server, 'being written', clock_timestamp()) on conflict do nothing;
    continue when not found;
    update parts p set servers[each.chunk_number + 1] = server where p.part_id = each.part_id;
    delete from stray_chunks s where s.part_id = each.part_id and s.chunk_number = each.chunk_number and s.server_number = server;
    -- Whatever is said of it is to be looked at again.
    update repair_queue q set next_attempt_at = least(q.next_attempt_at, clock_timestamp()) where q.part_id = each.part_id;
    part_id := each.part_id;
    chunk_number := each.chunk_number;
    return next;
  end loop;
end $$;
