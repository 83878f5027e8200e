-- The storage servers, their points on the ring, the jobs that run behind; and chunks, for people to look at.

create sequence storage_server_seq as int;

create table storage_servers (
  server_number int primary key default nextval('storage_server_seq'),
  server_id uuid not null unique,
  grpc_address text not null,
  socket_path text not null,
  zone text not null,
  status text not null default 'up' check (status in ('up', 'draining', 'cordoned', 'failed', 'removed')),
  capacity_bytes bigint not null,
  available_bytes bigint not null,
  chunk_count bigint not null default 0,
  registered_at timestamptz not null default clock_timestamp(),
  last_heartbeat_at timestamptz not null default clock_timestamp()
);

create table hash_ring_nodes (
  server_number int not null references storage_servers on delete cascade,
  virtual_node_index int not null,
  hash_value bigint not null,
  primary key (server_number, virtual_node_index)
);
comment on column hash_ring_nodes.hash_value is 'xxh64, unsigned: add 2^64 to what is negative';

create table jobs (
  job_id uuid primary key default gen_random_uuid(),
  name text not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'paused', 'done', 'failed')),
  input jsonb not null default '{}',
  progress jsonb not null default '{}',
  error text,
  created_at timestamptz not null default clock_timestamp(),
  run_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  finished_at timestamptz
);
create index jobs_waiting on jobs (name, run_at) where state in ('queued', 'running', 'paused');

create view chunks as
select p.part_id,
       (c.position - 1)::int as chunk_number,
       s.server_id,
       nullif(c.server_number, 0) as server_number,
       substring(p.chunk_hashes from (32 * (c.position - 1) + 1)::int for 32) as chunk_hash,
       c.server_number = 0 as is_missing
  from parts p
 cross join lateral unnest(p.servers) with ordinality as c (server_number, position)
  left join storage_servers s on s.server_number = c.server_number;
comment on view chunks is 'One row a chunk, of the arrays in parts';
