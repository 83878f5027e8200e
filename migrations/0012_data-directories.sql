-- A storage node may let gateways on its host read chunks from its directory: it registers the path with its row.

alter table storage_servers add column data_directory text not null default '';
comment on column storage_servers.data_directory is 'Where gateways on the same host may read chunks; empty: nowhere';

-- As version 1, with the directory.
create function register_server_v2(
  server_id uuid, grpc_address text, socket_path text, data_directory text, zone text, capacity_bytes bigint,
  available_bytes bigint, points bigint[]
) returns int language plpgsql as $$
#variable_conflict use_column
declare
  server alias for server_id;
  address alias for grpc_address;
  socket alias for socket_path;
  directory alias for data_directory;
  place alias for zone;
  capacity alias for capacity_bytes;
  available alias for available_bytes;
  n int;
begin
  -- First a look, because an insert that conflicts would use up a number.
  if not exists (select from storage_servers s where s.server_id = server) then
    insert into storage_servers (server_id, grpc_address, socket_path, data_directory, zone, capacity_bytes, available_bytes)
    values (server, address, socket, directory, place, capacity, available) on conflict do nothing;
  end if;
  update storage_servers s
     set grpc_address = address, socket_path = socket, data_directory = directory, zone = place,
         capacity_bytes = capacity, available_bytes = available, last_heartbeat_at = clock_timestamp(),
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

-- For nodes that know nothing of directories yet.
create or replace function register_server_v1(
  server_id uuid, grpc_address text, socket_path text, zone text, capacity_bytes bigint, available_bytes bigint, points bigint[]
) returns int language sql as $$
  select register_server_v2($1, $2, $3, '', $4, $5, $6, $7)
$$;
