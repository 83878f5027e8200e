-- Storage servers make themselves known. Whoever watches is told by NOTIFY sextant_cluster.

-- The same id keeps its number for ever. What an operator decided (draining, cordoned, removed) stays.
create function register_server_v1(
  server_id uuid, grpc_address text, socket_path text, zone text, capacity_bytes bigint, available_bytes bigint, points bigint[]
) returns int language plpgsql as $$
#variable_conflict use_column
declare
  server alias for server_id;
  address alias for grpc_address;
  socket alias for socket_path;
  place alias for zone;
  capacity alias for capacity_bytes;
  available alias for available_bytes;
  n int;
begin
  -- First a look, because an insert that conflicts would use up a number.
  if not exists (select from storage_servers s where s.server_id = server) then
    insert into storage_servers (server_id, grpc_address, socket_path, zone, capacity_bytes, available_bytes)
    values (server, address, socket, place, capacity, available) on conflict do nothing;
  end if;
  update storage_servers s
     set grpc_address = address, socket_path = socket, zone = place, capacity_bytes = capacity,
         available_bytes = available, last_heartbeat_at = clock_timestamp(),
         status = case s.status when 'failed' then 'up' else s.status end
   where s.server_id = server returning s.server_number into n;
  if points is distinct from (select array_agg(h.hash_value order by h.virtual_node_index)
                                from hash_ring_nodes h where h.server_number = n) then
    delete from hash_ring_nodes h where h.server_number = n;
    insert into hash_ring_nodes (server_number, virtual_node_index, hash_value)
    select n, (p.position - 1)::int, p.hash_value from unnest(points) with ordinality as p (hash_value, position);
  end if;
  perform pg_notify('sextant_cluster', n::text);
  return n;
end $$;

-- Answers whether the server is known. A disk that refuses writes marks its server failed, and up again when it is well.
create function heartbeat_v1(
  server_id uuid, capacity_bytes bigint, available_bytes bigint, chunk_count bigint, writable boolean, stale_after interval
) returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  server alias for server_id;
  capacity alias for capacity_bytes;
  available alias for available_bytes;
  chunks alias for chunk_count;
  old storage_servers;
  new_status text;
begin
  select s.* into old from storage_servers s where s.server_id = server for update;
  if not found then
    return false;
  end if;
  new_status := case
    when old.status = 'up' and not writable then 'failed'
    when old.status = 'failed' and writable then 'up'
    else old.status
  end;
  update storage_servers s
     set capacity_bytes = capacity, available_bytes = available, chunk_count = chunks,
         last_heartbeat_at = clock_timestamp(), status = new_status
   where s.server_id = server;
  if new_status <> old.status or old.last_heartbeat_at < clock_timestamp() - stale_after then
    perform pg_notify('sextant_cluster', old.server_number::text);
  end if;
  return true;
end $$;

-- Gateways whose time is over, or that said goodbye. When this answers, none of them can commit anything any more:
-- whatever commits holds its session's lock (lock_sessions_v1), which is waited for here.
create function end_expired_sessions_v1() returns setof int language plpgsql as $$
declare
  n int;
begin
  for n in
    select s.gateway_session from upload_sessions s
     where s.kind = 'gateway' and s.state in ('open', 'closed') and s.expires_at <= now()
     order by s.gateway_session
  loop
    perform pg_advisory_xact_lock(2, n);
    update upload_sessions s set state = 'closed'
     where s.gateway_session = n and s.kind = 'gateway' and s.state in ('open', 'closed') and s.expires_at <= clock_timestamp();
    if found then
      return next n;
    end if;
  end loop;
end $$;
