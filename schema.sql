-- What migrations/ make. Written by scripts/dump-schema.ts, never by hand.

create sequence gateway_session_seq as integer;

create sequence object_version_seq as bigint;

create sequence storage_server_seq as integer;

create table access_keys (
  access_key_id text collate "C" not null,
  account_id text collate "C" not null,
  sealed_secret bytea not null,
  origin text not null,
  policy jsonb,
  status text default 'active'::text not null,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone default 'infinity'::timestamp with time zone not null,
  last_used_at timestamp with time zone,
  constraint access_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(account_id),
  constraint access_keys_origin_check CHECK ((origin = ANY (ARRAY['settings'::text, 'command'::text]))),
  constraint access_keys_pkey PRIMARY KEY (access_key_id),
  constraint access_keys_status_check CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text])))
);

create table accounts (
  account_id text collate "C" not null,
  name text collate "C" not null,
  display_name text not null,
  email text default ''::text not null,
  is_root boolean default false not null,
  created_at timestamp with time zone default now() not null,
  constraint accounts_account_id_check CHECK ((account_id ~ '^[0-9a-f]{64}$'::text)),
  constraint accounts_name_key UNIQUE (name),
  constraint accounts_pkey PRIMARY KEY (account_id)
);

create table buckets (
  bucket_id bigint generated always as identity not null,
  name text collate "C" not null,
  owner_id text collate "C" not null,
  region text not null,
  created_at timestamp(3) with time zone default now() not null,
  constraint buckets_name_key UNIQUE (name),
  constraint buckets_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(account_id),
  constraint buckets_pkey PRIMARY KEY (bucket_id)
);

create table doomed_parts (
  part_id uuid not null,
  doomed_at timestamp with time zone default clock_timestamp() not null,
  constraint doomed_parts_pkey PRIMARY KEY (part_id)
);

create table hash_ring_nodes (
  server_number integer not null,
  virtual_node_index integer not null,
  hash_value bigint not null,
  constraint hash_ring_nodes_pkey PRIMARY KEY (server_number, virtual_node_index),
  constraint hash_ring_nodes_server_number_fkey FOREIGN KEY (server_number) REFERENCES storage_servers(server_number) ON DELETE CASCADE
);

create table jobs (
  name text not null,
  is_paused boolean default false not null,
  due_at timestamp with time zone default clock_timestamp() not null,
  runner text,
  lease_until timestamp with time zone default '-infinity'::timestamp with time zone not null,
  seen_at timestamp with time zone,
  progress jsonb default '{}'::jsonb not null,
  error text,
  constraint jobs_pkey PRIMARY KEY (name)
);

create table objects (
  bucket_id bigint not null,
  key text collate "C" not null,
  version_id text collate "C" not null,
  seq bigint default nextval('object_version_seq'::regclass) not null,
  is_latest boolean not null,
  is_delete_marker boolean default false not null,
  is_multipart boolean default false not null,
  size_bytes bigint not null,
  etag text collate "C" not null,
  committed_at timestamp(3) with time zone default clock_timestamp() not null,
  storage_class text not null,
  checksum_algorithm text,
  checksum_value text,
  checksum_type text,
  headers jsonb not null,
  user_metadata jsonb not null,
  part_numbers integer[] not null,
  part_ids uuid[] not null,
  part_sizes bigint[] not null,
  part_checksums text[] not null,
  constraint objects_check CHECK (((cardinality(part_ids) = cardinality(part_numbers)) AND (cardinality(part_sizes) = cardinality(part_numbers)) AND (cardinality(part_checksums) = cardinality(part_numbers)))),
  constraint objects_pkey PRIMARY KEY (bucket_id, key, version_id),
  constraint objects_size_bytes_check CHECK ((size_bytes >= 0))
) with (fillfactor=90);

create table parts (
  part_id uuid not null,
  size_bytes bigint not null,
  block_bytes integer not null,
  parity_chunks smallint not null,
  servers integer[] not null,
  chunk_hashes bytea not null,
  refs integer not null,
  committed_at timestamp(3) with time zone,
  constraint parts_block_bytes_check CHECK ((block_bytes > 0)),
  constraint parts_check CHECK ((octet_length(chunk_hashes) = (32 * cardinality(servers)))),
  constraint parts_parity_chunks_check CHECK (((parity_chunks >= 0) AND (parity_chunks <= 6))),
  constraint parts_pkey PRIMARY KEY (part_id),
  constraint parts_refs_check CHECK ((refs >= 0)),
  constraint parts_size_bytes_check CHECK ((size_bytes > 0))
) with (fillfactor=90);

create table repair_queue (
  part_id uuid not null,
  missing_chunks smallint not null,
  reason text not null,
  attempts integer default 0 not null,
  queued_at timestamp with time zone default clock_timestamp() not null,
  next_attempt_at timestamp with time zone default clock_timestamp() not null,
  spare_chunks smallint default 1 not null,
  damaged_chunks integer default 0 not null,
  error text,
  constraint repair_queue_pkey PRIMARY KEY (part_id)
);

create table server_absences (
  server_number integer not null,
  since timestamp with time zone default clock_timestamp() not null,
  seen_at timestamp with time zone default clock_timestamp() not null,
  is_lost boolean default false not null,
  constraint server_absences_pkey PRIMARY KEY (server_number),
  constraint server_absences_server_number_fkey FOREIGN KEY (server_number) REFERENCES storage_servers(server_number) ON DELETE CASCADE
);

create table storage_servers (
  server_number integer default nextval('storage_server_seq'::regclass) not null,
  server_id uuid not null,
  grpc_address text not null,
  socket_path text not null,
  zone text not null,
  status text default 'up'::text not null,
  capacity_bytes bigint not null,
  available_bytes bigint not null,
  chunk_count bigint default 0 not null,
  registered_at timestamp with time zone default clock_timestamp() not null,
  last_heartbeat_at timestamp with time zone default clock_timestamp() not null,
  data_directory text default ''::text not null,
  constraint storage_servers_pkey PRIMARY KEY (server_number),
  constraint storage_servers_server_id_key UNIQUE (server_id),
  constraint storage_servers_status_check CHECK ((status = ANY (ARRAY['up'::text, 'draining'::text, 'cordoned'::text, 'failed'::text, 'removed'::text])))
);

create table stray_chunks (
  part_id uuid not null,
  chunk_number smallint not null,
  server_number integer not null,
  state text not null,
  delete_after timestamp with time zone not null,
  constraint stray_chunks_pkey PRIMARY KEY (part_id, chunk_number, server_number),
  constraint stray_chunks_state_check CHECK ((state = ANY (ARRAY['being written'::text, 'left over'::text, 'being deleted'::text])))
);

create table upload_parts (
  upload_id uuid not null,
  part_number integer not null,
  part_id uuid,
  size_bytes bigint not null,
  etag text collate "C" not null,
  checksum_algorithm text,
  checksum_value text,
  checksum_type text,
  modified_at timestamp(3) with time zone not null,
  constraint upload_parts_part_number_check CHECK (((part_number >= 1) AND (part_number <= 10000))),
  constraint upload_parts_pkey PRIMARY KEY (upload_id, part_number),
  constraint upload_parts_size_bytes_check CHECK ((size_bytes >= 0))
);

create table upload_sessions (
  upload_id uuid not null,
  kind text not null,
  state text not null,
  initiated_at timestamp(3) with time zone default clock_timestamp() not null,
  expires_at timestamp with time zone not null,
  gateway_session integer,
  bucket_id bigint,
  key text collate "C",
  initiator_id text collate "C",
  headers jsonb,
  user_metadata jsonb,
  storage_class text,
  checksum_algorithm text,
  checksum_type text,
  completed_version_id text collate "C",
  completed_at timestamp(3) with time zone,
  completed_etag text,
  completed_checksum_algorithm text,
  completed_checksum_value text,
  completed_checksum_type text,
  constraint upload_sessions_check CHECK (((kind = 'gateway'::text) = (gateway_session IS NOT NULL))),
  constraint upload_sessions_check1 CHECK (((kind = 'multipart'::text) = (bucket_id IS NOT NULL))),
  constraint upload_sessions_check2 CHECK (((kind = 'multipart'::text) = (key IS NOT NULL))),
  constraint upload_sessions_kind_check CHECK ((kind = ANY (ARRAY['multipart'::text, 'gateway'::text]))),
  constraint upload_sessions_pkey PRIMARY KEY (upload_id),
  constraint upload_sessions_state_check CHECK ((state = ANY (ARRAY['open'::text, 'completed'::text, 'closed'::text, 'forgotten'::text])))
);

CREATE INDEX access_keys_by_account ON public.access_keys USING btree (account_id);

CREATE UNIQUE INDEX accounts_one_root ON public.accounts USING btree (is_root) WHERE is_root;

CREATE INDEX buckets_by_owner ON public.buckets USING btree (owner_id, name);

CREATE UNIQUE INDEX objects_current ON public.objects USING btree (bucket_id, key) WHERE is_latest;

CREATE INDEX repair_queue_by_urgency ON public.repair_queue USING btree (spare_chunks, next_attempt_at);

CREATE INDEX stray_chunks_due ON public.stray_chunks USING btree (server_number, delete_after);

CREATE INDEX upload_sessions_by_expiry ON public.upload_sessions USING btree (kind, expires_at) WHERE (state <> 'forgotten'::text);

CREATE INDEX upload_sessions_listed ON public.upload_sessions USING btree (bucket_id, key, initiated_at, upload_id) WHERE ((kind = 'multipart'::text) AND (state = 'open'::text));

CREATE UNIQUE INDEX upload_sessions_of_gateways ON public.upload_sessions USING btree (gateway_session) WHERE (kind = 'gateway'::text);

create view chunks as
 SELECT p.part_id,
    (c."position" - 1)::integer AS chunk_number,
    s.server_id,
    NULLIF(c.server_number, 0) AS server_number,
    SUBSTRING(p.chunk_hashes FROM (32 * (c."position" - 1) + 1)::integer FOR 32) AS chunk_hash,
    c.server_number = 0 AS is_missing
   FROM parts p
     CROSS JOIN LATERAL unnest(p.servers) WITH ORDINALITY c(server_number, "position")
     LEFT JOIN storage_servers s ON s.server_number = c.server_number;

CREATE OR REPLACE FUNCTION public.abort_upload_v1(upload_id uuid, bucket_id bigint, key text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
begin
  perform from upload_sessions s
    where s.upload_id = upload and s.bucket_id = bucket and s.key = name
      and s.kind = 'multipart' and s.state = 'open' and s.expires_at > clock_timestamp() for update;
  if not found then
    return false;
  end if;
  perform drop_uploads_v1(array[upload]);
  return true;
end $function$;

CREATE OR REPLACE FUNCTION public.claim_repairs_v1(rows_max integer, in_hand uuid[])
 RETURNS SETOF repair_queue
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.claim_strays_v1(server integer, rows_max integer)
 RETURNS TABLE(part_id uuid, chunk_number integer, server_number integer)
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.commit_objects_v1(bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[], checksum_algorithms text[], checksum_values text[], checksum_types text[], headers text[], user_metadata text[], if_none_match boolean[], if_match text[], part_ids uuid[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[])
 RETURNS TABLE(row_number bigint, outcome text, version_id text, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  over int[] := lock_sessions_v1(part_ids);
  outcomes text[];
  times timestamptz[];
  replaced uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(bucket_ids, keys);
  now_ms := clock_timestamp();

  with judged as materialized (
    select i.n, o.part_ids as old_part_ids, coalesce(p.committed_at, now_ms) as committed_at,
           case
             when p.part_id is not null then case when p.committed_at is null then 'given-up' else 'repeated' end
             when session_of_part_v1(i.part_id) = any (over) then 'session-over'
             when b.bucket_id is null then 'no-bucket'
             else verdict_v1(o.etag is not null, o.etag, i.if_none_match, i.if_match)
           end as outcome
      from unnest(bucket_ids, keys, if_none_match, if_match, part_ids)
           with ordinality as i (bucket_id, key, if_none_match, if_match, part_id, n)
      left join lateral (select b.bucket_id from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
      left join lateral (select o.etag, o.part_ids from objects o
                          where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest
                            and not o.is_delete_marker limit 1) as o on true
      left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
  )
  select (select array_agg(j.outcome order by j.n) from judged j),
         (select array_agg(j.committed_at order by j.n) from judged j),
         (select array_agg(old.part_id) from judged j, unnest(j.old_part_ids) as old (part_id)
           where j.outcome = 'ok' and old.part_id is not null)
    into outcomes, times, replaced;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
        headers, user_metadata, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value, checksum_type,
        headers, user_metadata, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    ), to_repair as (
      insert into repair_queue (part_id, missing_chunks, reason)
      select i.part_id, cardinality(array_positions(i.servers::int[], 0)), 'written with a chunk missing'
        from input i where i.part_id is not null and 0 = any (i.servers::int[])
    )
    insert into objects as o (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums
    )
    select i.bucket_id, i.key, 'null', true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text]
      from input i
    on conflict (bucket_id, key, version_id) do update set
      seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = false,
      size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
      storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
      checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
      headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
      part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  end if;

  if replaced is not null then
    perform release_parts_v1(replaced);
  end if;
  return query select i.n, i.outcome, 'null'::text, i.committed_at
                 from unnest(outcomes, times) with ordinality as i (outcome, committed_at, n);
end $function$;

CREATE OR REPLACE FUNCTION public.commit_objects_v2(sessions integer[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[], checksum_algorithms text[], checksum_values text[], checksum_types text[], headers text[], user_metadata text[], if_none_match boolean[], if_match text[], part_ids uuid[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[], missing_chunks integer[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  over int[];
  outcomes text[];
  times timestamptz[];
  overwrites boolean[];
  replaced uuid[];
  now_ms timestamptz(3);
begin
  -- Locks, in the order of migrations/0005.
  perform pg_advisory_xact_lock_shared(2, n) from unnest(sessions) as n;
  select array_agg(s.gateway_session) into over from upload_sessions s
   where s.gateway_session = any (sessions) and s.kind = 'gateway' and (s.state <> 'open' or s.expires_at <= clock_timestamp());
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
  now_ms := clock_timestamp();

  select array_agg(j.outcome), array_agg(j.committed_at), array_agg(j.is_overwrite) into outcomes, times, overwrites
    from (
      select coalesce(p.committed_at, now_ms) as committed_at, coalesce(o.version_id = 'null', false) as is_overwrite,
             case
               when p.part_id is not null then case when p.committed_at is null then 'given-up' else 'repeated' end
               -- One whose session was not locked above could be swept at this moment.
               when i.part_id is not null and session_of_part_v1(i.part_id) <> all (sessions) then 'session-over'
               when session_of_part_v1(i.part_id) = any (over) then 'session-over'
               when b.bucket_id is null then 'no-bucket'
               else verdict_v1(coalesce(not o.is_delete_marker, false), o.etag, i.if_none_match, i.if_match)
             end as outcome
        from unnest(bucket_ids, keys, if_none_match, if_match, part_ids)
             with ordinality as i (bucket_id, key, if_none_match, if_match, part_id, n)
        left join lateral (select b.bucket_id from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
        left join lateral (select o.version_id, o.etag, o.is_delete_marker from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest limit 1) as o on true
        left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
       order by i.n) as j;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    )
    insert into objects (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums
    )
    select i.bucket_id, i.key, 'null', true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text]
      from input i where not i.is_overwrite;
  end if;

  if true = any (overwrites) then
    with input as (
      select * from unnest(
        outcomes, overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, part_ids
      ) as i (outcome, is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, part_id)
      where i.outcome = 'ok' and i.is_overwrite
    ), overwritten as (
      update objects o set
        seq = nextval('object_version_seq'), is_latest = true, is_delete_marker = false, is_multipart = false,
        size_bytes = i.size_bytes, etag = i.etag, committed_at = now_ms, storage_class = i.storage_class,
        checksum_algorithm = i.checksum_algorithm, checksum_value = i.checksum_value, checksum_type = i.checksum_type,
        headers = i.headers::jsonb, user_metadata = i.user_metadata::jsonb, part_numbers = array[1],
        part_ids = array[i.part_id], part_sizes = array[i.size_bytes], part_checksums = array[null::text]
        from input i
        join objects old on old.bucket_id = i.bucket_id and old.key = i.key and old.version_id = 'null'
       where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = 'null'
      returning old.part_ids
    )
    select array_agg(p) into replaced from overwritten, unnest(overwritten.part_ids) as p where p is not null;
    if replaced is not null then
      perform release_parts_v1(replaced);
    end if;
  end if;

  if 0 < any (missing_chunks) then
    insert into repair_queue (part_id, missing_chunks, reason)
    select i.part_id, i.missing_chunks, 'written with a chunk missing'
      from unnest(outcomes, part_ids, missing_chunks) as i (outcome, part_id, missing_chunks)
     where i.outcome = 'ok' and i.missing_chunks > 0;
  end if;
  return json_build_array(outcomes, times);
end $function$;

CREATE OR REPLACE FUNCTION public.commit_part_v1(upload_id uuid, part_number integer, size_bytes bigint, etag text, checksum_algorithm text, checksum_value text, checksum_type text, part_id uuid, block_bytes integer, parity_chunks integer, servers integer[], chunk_hashes bytea, ttl interval)
 RETURNS TABLE(outcome text, modified_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  given alias for part_id;
  upload alias for upload_id;
  number alias for part_number;
  over int[] := lock_sessions_v1(array[given]);
  session upload_sessions;
  known parts;
  old uuid;
  now_ms timestamptz(3);
begin
  select s.* into session from upload_sessions s where s.upload_id = upload and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select p.* into known from parts p where p.part_id = given;
  if known.part_id is not null then
    return query select case when known.committed_at is null then 'given-up' else 'repeated' end, known.committed_at::timestamptz;
    return;
  elsif cardinality(over) > 0 then
    return query select 'session-over', null::timestamptz;
    return;
  elsif session.upload_id is null or session.state <> 'open' or session.expires_at <= now_ms then
    return query select 'no-upload', null::timestamptz;
    return;
  end if;

  select u.part_id into old from upload_parts u where u.upload_id = upload and u.part_number = number;
  if given is not null then
    insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
    values (given, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, 1, now_ms);
    if 0 = any (servers) then
      insert into repair_queue (part_id, missing_chunks, reason)
      values (given, cardinality(array_positions(servers, 0)), 'written with a chunk missing');
    end if;
  end if;
  insert into upload_parts as u (upload_id, part_number, part_id, size_bytes, etag,
                                 checksum_algorithm, checksum_value, checksum_type, modified_at)
  values (upload, number, given, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type, now_ms)
  on conflict (upload_id, part_number) do update set
    part_id = excluded.part_id, size_bytes = excluded.size_bytes, etag = excluded.etag,
    checksum_algorithm = excluded.checksum_algorithm, checksum_value = excluded.checksum_value,
    checksum_type = excluded.checksum_type, modified_at = excluded.modified_at;
  if old is not null then
    perform release_parts_v1(array[old]);
  end if;
  -- Not with every part: each time costs an entry in the index by expiry.
  if session.expires_at < now_ms + ttl * 0.99 then
    update upload_sessions s set expires_at = now_ms + ttl where s.upload_id = upload;
  end if;
  return query select 'ok', now_ms::timestamptz;
end $function$;

CREATE OR REPLACE FUNCTION public.commit_repair_v1(part_id uuid, before integer[], chunk_numbers integer[], server_numbers integer[], settled integer, lost integer[], grace interval)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.complete_upload_v1(upload_id uuid, bucket_id bigint, key text, size_bytes bigint, etag text, checksum_algorithm text, checksum_value text, checksum_type text, part_numbers integer[], part_ids uuid[], part_sizes bigint[], part_checksums text[], if_none_match boolean, if_match text, ttl interval)
 RETURNS TABLE(outcome text, bad_part integer, version_id text, committed_at timestamp with time zone, completed_etag text, completed_checksum_algorithm text, completed_checksum_value text, completed_checksum_type text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
  session upload_sessions;
  target objects;
  verdict text;
  wrong int;
  released uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(array[bucket], array[name]);
  select s.* into session from upload_sessions s
   where s.upload_id = upload and s.bucket_id = bucket and s.key = name and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select o.* into target from objects o
   where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker;
  if session.state = 'open' then
    select min(i.number) into wrong
      from unnest(part_numbers, part_ids) as i (number, part_id)
     where not exists (select from upload_parts u where u.upload_id = upload and u.part_number = i.number
                          and u.part_id is not distinct from i.part_id);
  end if;
  verdict := case
    when session.state = 'completed' then 'repeated'
    when session.upload_id is null or session.expires_at <= now_ms then 'no-upload'
    when not exists (select from buckets b where b.bucket_id = bucket) then 'no-bucket'
    when wrong is not null then 'invalid-part'
    else verdict_v1(target.key is not null, target.etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, wrong, session.completed_version_id, session.completed_at::timestamptz, session.completed_etag,
      session.completed_checksum_algorithm, session.completed_checksum_value, session.completed_checksum_type;
    return;
  end if;

  -- The listed parts' references pass from the upload to the object; all others end.
  with gone as (delete from upload_parts u where u.upload_id = upload returning u.part_number, u.part_id)
  select array_agg(g.part_id) into released from gone g
   where g.part_id is not null and g.part_number <> all (part_numbers);
  released := coalesce(released, '{}') || array_remove(target.part_ids, null);
  insert into objects as o (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  ) values (
    bucket, name, 'null', true, true, size_bytes, etag, now_ms, session.storage_class,
    checksum_algorithm, checksum_value, checksum_type, session.headers, session.user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  )
  on conflict (bucket_id, key, version_id) do update set
    seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = true,
    size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
    storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
    checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
    headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
    part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  update upload_sessions s
     set state = 'completed', expires_at = now_ms + ttl, completed_version_id = 'null', completed_at = now_ms,
         completed_etag = etag, completed_checksum_algorithm = checksum_algorithm,
         completed_checksum_value = checksum_value, completed_checksum_type = checksum_type
   where s.upload_id = upload;
  perform release_parts_v1(released);
  return query select 'ok', null::int, 'null'::text, now_ms::timestamptz, etag, checksum_algorithm, checksum_value, checksum_type;
end $function$;

CREATE OR REPLACE FUNCTION public.copy_object_v1(source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamp with time zone, target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, if_none_match boolean, if_match text)
 RETURNS TABLE(outcome text, version_id text, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  source objects;
  target objects;
  verdict text;
  target_lock bigint := hashtextextended(target_key, target_bucket_id);
  source_lock bigint := hashtextextended(source_key, source_bucket_id);
  now_ms timestamptz(3);
begin
  perform lock_buckets_v1(array[source_bucket_id, target_bucket_id]);
  if source_lock < target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
  perform pg_advisory_xact_lock(target_lock);
  if source_lock > target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
  now_ms := clock_timestamp();

  select o.* into source from objects o
   where o.bucket_id = source_bucket_id and o.key = source_key and o.version_id = source_version_id
     and not o.is_delete_marker;
  select o.* into target from objects o
   where o.bucket_id = target_bucket_id and o.key = target_key and o.is_latest and not o.is_delete_marker;
  verdict := case
    when not exists (select from buckets b where b.bucket_id = target_bucket_id) then 'no-bucket'
    when source.key is null then 'no-source'
    when source.etag <> source_etag or source.committed_at <> source_committed_at then 'source-changed'
    else verdict_v1(target.key is not null, target.etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, 'null'::text, null::timestamptz;
    return;
  end if;

  perform lock_parts_v1(source.part_ids || target.part_ids);
  update parts p set refs = p.refs + r.n
    from (select i.part_id, count(*)::int as n from unnest(source.part_ids) as i (part_id) group by 1) as r
   where p.part_id = r.part_id;
  insert into objects as o (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums
  ) values (
    target_bucket_id, target_key, 'null', true, source.is_multipart, source.size_bytes, source.etag, now_ms, storage_class,
    source.checksum_algorithm, source.checksum_value, source.checksum_type, headers, user_metadata,
    source.part_numbers, source.part_ids, source.part_sizes, source.part_checksums
  )
  on conflict (bucket_id, key, version_id) do update set
    seq = excluded.seq, is_latest = true, is_delete_marker = false, is_multipart = excluded.is_multipart,
    size_bytes = excluded.size_bytes, etag = excluded.etag, committed_at = excluded.committed_at,
    storage_class = excluded.storage_class, checksum_algorithm = excluded.checksum_algorithm,
    checksum_value = excluded.checksum_value, checksum_type = excluded.checksum_type,
    headers = excluded.headers, user_metadata = excluded.user_metadata, part_numbers = excluded.part_numbers,
    part_ids = excluded.part_ids, part_sizes = excluded.part_sizes, part_checksums = excluded.part_checksums;
  perform release_parts_v1(array_remove(target.part_ids, null));
  return query select 'ok', 'null'::text, now_ms::timestamptz;
end $function$;

CREATE OR REPLACE FUNCTION public.create_bucket_v1(name text, owner_id text, region text, buckets_max integer)
 RETURNS TABLE(outcome text, bucket_id bigint, found_name text, found_owner_id text, found_region text, created_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  wanted alias for name;
  owner alias for owner_id;
  verdict text := 'exists';
begin
  perform from accounts a where a.account_id = owner for no key update;
  if not exists (select from buckets b where b.name = wanted) then
    if (select count(*) from buckets b where b.owner_id = owner) >= buckets_max then
      return query select 'too-many', null::bigint, null::text, null::text, null::text, null::timestamptz;
      return;
    end if;
    insert into buckets (name, owner_id, region) values (wanted, owner, region) on conflict do nothing;
    if found then
      verdict := 'ok';
    end if;
  end if;
  return query select verdict, b.bucket_id, b.name, b.owner_id, b.region, b.created_at::timestamptz
                 from buckets b where b.name = wanted;
end $function$;

CREATE OR REPLACE FUNCTION public.create_upload_v1(upload_id uuid, bucket_id bigint, key text, initiator_id text, headers jsonb, user_metadata jsonb, storage_class text, checksum_algorithm text, checksum_type text, ttl interval)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  now_ms timestamptz(3);
begin
  perform lock_buckets_v1(array[bucket]);
  if not exists (select from buckets b where b.bucket_id = bucket) then
    return null;
  end if;
  now_ms := clock_timestamp();
  insert into upload_sessions (upload_id, kind, state, initiated_at, expires_at, bucket_id, key, initiator_id,
                               headers, user_metadata, storage_class, checksum_algorithm, checksum_type)
  values (upload, 'multipart', 'open', now_ms, now_ms + ttl, bucket, key, initiator_id,
          headers, user_metadata, storage_class, checksum_algorithm, checksum_type)
  on conflict do nothing;
  return (select s.initiated_at from upload_sessions s where s.upload_id = upload);
end $function$;

CREATE OR REPLACE FUNCTION public.delete_bucket_v1(bucket_id bigint)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  uploads uuid[];
begin
  perform pg_advisory_xact_lock(1, hashint8(bucket));
  if not exists (select from buckets b where b.bucket_id = bucket) then
    return 'no-bucket';
  elsif exists (select from objects o where o.bucket_id = bucket) then
    return 'not-empty';
  end if;
  select array_agg(u.upload_id) into uploads from (
    select s.upload_id from upload_sessions s where s.kind = 'multipart' and s.state = 'open' and s.bucket_id = bucket
     order by s.upload_id for update) as u;
  if uploads is not null then
    perform drop_uploads_v1(uploads);
  end if;
  delete from buckets b where b.bucket_id = bucket;
  return 'ok';
end $function$;

CREATE OR REPLACE FUNCTION public.delete_objects_v1(bucket_ids bigint[], keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  released uuid[];
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform lock_keys_v1(bucket_ids, keys);
  with gone as (
    delete from objects o using (select distinct i.b, i.k from unnest(bucket_ids, keys) as i (b, k)) as d
     where o.bucket_id = d.b and o.key = d.k and o.version_id = 'null'
    returning o.part_ids
  )
  select array_agg(p) into released from gone, unnest(gone.part_ids) as p where p is not null;
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION public.delete_objects_v2(bucket_ids bigint[], keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  released uuid[];
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
  with gone as (
    delete from objects o using unnest(bucket_ids, keys) as i (b, k)
     where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null'
    returning o.part_ids
  )
  select array_agg(p) into released from gone, unnest(gone.part_ids) as p where p is not null;
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION public.drop_uploads_v1(upload_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  released uuid[];
begin
  with gone as (delete from upload_parts u where u.upload_id = any (upload_ids) returning u.part_id)
  select array_agg(g.part_id) into released from gone g where g.part_id is not null;
  delete from upload_sessions s where s.upload_id = any (upload_ids);
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION public.end_expired_sessions_v1()
 RETURNS SETOF integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.expire_uploads_v1(rows_max integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  expired uuid[];
  completed uuid[];
begin
  select array_agg(e.upload_id) into expired from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = 'open'
     order by s.expires_at limit rows_max for update skip locked) as e;
  select array_agg(e.upload_id) into completed from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = 'completed'
     order by s.expires_at limit rows_max for update skip locked) as e;
  perform drop_uploads_v1(coalesce(expired, '{}') || coalesce(completed, '{}'));
  return coalesce(cardinality(expired), 0);
end $function$;

CREATE OR REPLACE FUNCTION public.fail_repair_v1(part_id uuid, error text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  part alias for part_id;
begin
  perform leave_over_v1(part);
  update repair_queue q set error = fail_repair_v1.error where q.part_id = part;
end $function$;

CREATE OR REPLACE FUNCTION public.give_up_parts_v1(part_ids uuid[], sizes bigint[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[])
 RETURNS TABLE(part_id uuid, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
begin
  with given_up as (
    insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs)
    select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 0
      from unnest(part_ids, sizes, block_bytes, parity_chunks, servers, chunk_hashes)
           as i (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes)
     order by i.part_id
    on conflict do nothing
    returning part_id
  )
  insert into doomed_parts (part_id) select g.part_id from given_up g;
  return query select p.part_id, p.committed_at::timestamptz from parts p where p.part_id = any (part_ids);
end $function$;

CREATE OR REPLACE FUNCTION public.heartbeat_v1(server_id uuid, capacity_bytes bigint, available_bytes bigint, chunk_count bigint, writable boolean, stale_after interval)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.leave_over_v1(part_id uuid)
 RETURNS void
 LANGUAGE sql
AS $function$
  update stray_chunks s set state = 'left over', delete_after = clock_timestamp() + interval '1 minute'
   where s.part_id = leave_over_v1.part_id and s.state = 'being written'
$function$;

CREATE OR REPLACE FUNCTION public.list_objects_v1(bucket_id bigint, prefix text, delimiter text, after text, rows_max integer)
 RETURNS TABLE(is_prefix boolean, name text, size_bytes bigint, etag text, committed_at timestamp with time zone, storage_class text, checksum_algorithm text, checksum_type text)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text := '';
  o record;
begin
  loop
    for o in
      select o.key, o.size_bytes, o.etag, o.committed_at, o.storage_class, o.checksum_algorithm, o.checksum_type
        from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit rows_max - shown
    loop
      common := rolled_up_v1(o.key, prefix, delimiter);
      shown := shown + 1;
      if common <> '' then
        is_prefix := true; name := common; size_bytes := 0; etag := ''; committed_at := null; storage_class := '';
        checksum_algorithm := null; checksum_type := null;
        return next;
        exit;
      end if;
      is_prefix := false; name := o.key; size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at;
      storage_class := o.storage_class; checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
    end loop;
    exit when common = '' or shown >= rows_max;
    start := prefix_end_v1(common);
    common := '';
    exit when start >= stop;
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION public.list_objects_v2(bucket_id bigint, prefix text, delimiter text, after text, rows_max integer)
 RETURNS TABLE(name text, size_bytes bigint, etag text, committed_at timestamp with time zone, storage_class text, checksum_algorithm text, checksum_type text)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  prefix_chars int := char_length(prefix);
  -- What follows after a common prefix, which ends in the delimiter, ends in this; null: prefix_end_v1 has to look further.
  delimiter_end text := case when delimiter <> repeat(chr(1114111), char_length(delimiter)) then prefix_end_v1(delimiter) end;
  shown int := 0;
  cut int;
  o record;
begin
  <<pages>>
  loop
    cut := 0;
    for o in
      select o.key, o.size_bytes, o.etag, o.committed_at, o.storage_class, o.checksum_algorithm, o.checksum_type
        from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit rows_max - shown
    loop
      cut := strpos(substr(o.key, prefix_chars + 1), delimiter);
      exit when cut > 0;
      shown := shown + 1;
      name := o.key; size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at;
      storage_class := o.storage_class; checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
    end loop;
    exit pages when cut = 0;

    size_bytes := null; etag := null; committed_at := null; storage_class := null; checksum_algorithm := null; checksum_type := null;
    while cut > 0 loop
      shown := shown + 1;
      name := left(o.key, prefix_chars + cut - 1) || delimiter;
      return next;
      exit pages when shown >= rows_max;
      start := coalesce(left(o.key, prefix_chars + cut - 1) || delimiter_end, prefix_end_v1(name));
      exit pages when start >= stop;
      select o.key into o from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit 1;
      exit pages when not found;
      cut := strpos(substr(o.key, prefix_chars + 1), delimiter);
    end loop;
    start := o.key; -- it stands for itself
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION public.list_uploads_v1(bucket_id bigint, prefix text, delimiter text, after text, after_upload text, rows_max integer)
 RETURNS TABLE(is_prefix boolean, name text, upload_id uuid)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text := '';
  marker upload_sessions;
  marker_id uuid;
  s record;
begin
  if after <> '' and after_upload <> '' and starts_with(after, prefix) and rolled_up_v1(after, prefix, delimiter) = '' then
    marker_id := after_upload::uuid;
    select u.* into marker from upload_sessions u where u.upload_id = marker_id and u.bucket_id = bucket and u.key = after;
    for s in
      select u.key, u.upload_id from upload_sessions u
       where u.bucket_id = bucket and u.kind = 'multipart' and u.state = 'open' and u.key = after
         and (u.initiated_at, u.upload_id) > (coalesce(marker.initiated_at, '-infinity'), case when marker.upload_id is null then '00000000-0000-0000-0000-000000000000' else marker_id end)
         and (marker.upload_id is not null or u.upload_id > marker_id)
       order by u.key, u.initiated_at, u.upload_id limit rows_max
    loop
      shown := shown + 1;
      is_prefix := false; name := s.key; upload_id := s.upload_id;
      return next;
    end loop;
  end if;
  while shown < rows_max and start < stop loop
    for s in
      select u.key, u.upload_id from upload_sessions u
       where u.bucket_id = bucket and u.kind = 'multipart' and u.state = 'open' and u.key >= start and u.key < stop
       order by u.key, u.initiated_at, u.upload_id limit rows_max - shown
    loop
      common := rolled_up_v1(s.key, prefix, delimiter);
      shown := shown + 1;
      is_prefix := common <> ''; name := case when common <> '' then common else s.key end; upload_id := s.upload_id;
      return next;
      exit when common <> '';
    end loop;
    exit when common = '';
    start := prefix_end_v1(common);
    common := '';
  end loop;
end $function$;

CREATE OR REPLACE FUNCTION public.listing_start_v1(prefix text, delimiter text, after text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (after = ''::text) THEN prefix WHEN (starts_with(after, prefix) AND (rolled_up_v1(after, prefix, delimiter) = after)) THEN prefix_end_v1(after) ELSE GREATEST((prefix COLLATE "C"), (after || chr(1))) END;

CREATE OR REPLACE FUNCTION public.lock_buckets_v1(bucket_ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
end $function$;

CREATE OR REPLACE FUNCTION public.lock_keys_v1(bucket_ids bigint[], keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform lock_buckets_v1(bucket_ids);
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;
end $function$;

CREATE OR REPLACE FUNCTION public.lock_parts_v1(locked uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform from parts p where p.part_id = any (locked) order by p.part_id for update;
end $function$;

CREATE OR REPLACE FUNCTION public.lock_sessions_v1(part_ids uuid[])
 RETURNS integer[]
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.missing_chunks_v1(servers integer[], damaged integer, lost integer[])
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT (count(*))::integer AS count FROM unnest(missing_chunks_v1.servers) WITH ORDINALITY c(server_number, "position") WHERE ((c.server_number = 0) OR (c.server_number = ANY (missing_chunks_v1.lost)) OR ((missing_chunks_v1.damaged & (1 << ((c."position" - 1))::integer)) <> 0)));

CREATE OR REPLACE FUNCTION public.observe_servers_v1(grace interval, stale_after interval, gap interval)
 RETURNS TABLE(server_number integer, condition text)
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.plan_repair_v1(part_id uuid, chunk_numbers integer[], server_numbers integer[])
 RETURNS TABLE(chunk_number integer, is_in_the_way boolean)
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.prefix_end_v1(prefix text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  n int := char_length(prefix);
  c int;
begin
  while n > 0 loop
    c := ascii(substr(prefix, n, 1));
    if c < 1114111 then
      return left(prefix, n - 1) || chr(case c when 55295 then 57344 else c + 1 end);
    end if;
    n := n - 1;
  end loop;
  return repeat(chr(1114111), 257);
end $function$;

CREATE OR REPLACE FUNCTION public.queue_damage_v1(part_ids uuid[], chunk_numbers integer[], server_numbers integer[], reasons text[])
 RETURNS integer
 LANGUAGE sql
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.queue_parts_v1(part_ids uuid[], missing integer[], spare integer[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.register_server_v1(server_id uuid, grpc_address text, socket_path text, zone text, capacity_bytes bigint, available_bytes bigint, points bigint[])
 RETURNS integer
 LANGUAGE sql
AS $function$
  select register_server_v2($1, $2, $3, '', $4, $5, $6, $7)
$function$;

CREATE OR REPLACE FUNCTION public.register_server_v2(server_id uuid, grpc_address text, socket_path text, data_directory text, zone text, capacity_bytes bigint, available_bytes bigint, points bigint[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.release_parts_v1(released uuid[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform lock_parts_v1(released);
  with gone as (
    update parts p set refs = p.refs - r.n
      from (select i.part_id, count(*)::int as n from unnest(released) as i (part_id) group by 1) as r
     where p.part_id = r.part_id
    returning p.part_id, p.refs
  )
  insert into doomed_parts (part_id) select g.part_id from gone g where g.refs = 0;
end $function$;

CREATE OR REPLACE FUNCTION public.rolled_up_v1(key text, prefix text, delimiter text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((delimiter = ''::text) OR (strpos(substr(key, (char_length(prefix) + 1)), delimiter) = 0)) THEN ''::text ELSE "left"(key, (((char_length(prefix) + strpos(substr(key, (char_length(prefix) + 1)), delimiter)) + char_length(delimiter)) - 1)) END;

CREATE OR REPLACE FUNCTION public.session_of_part_v1(part_id uuid)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((('x'::text || "right"((part_id)::text, 8)))::bit(32))::integer;

CREATE OR REPLACE FUNCTION public.verdict_v1(is_there boolean, etag text, if_none_match boolean, if_match text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (if_none_match AND is_there) THEN 'precondition-failed'::text WHEN (if_match = ''::text) THEN 'ok'::text WHEN (NOT is_there) THEN 'no-key'::text WHEN ((if_match <> '*'::text) AND (if_match <> etag)) THEN 'precondition-failed'::text ELSE 'ok'::text END;

comment on column access_keys.sealed_secret is 'AES-256-GCM under a key that the database never sees';

comment on column access_keys.origin is 'settings: the root key of the environment, replaced when that changes';

comment on column accounts.account_id is 'S3''s canonical user id';

comment on view chunks is 'One row a chunk, of the arrays in parts';

comment on table doomed_parts is 'Parts that nothing refers to; their chunks are deleted after a grace';

comment on column hash_ring_nodes.hash_value is 'xxh64, unsigned: add 2^64 to what is negative';

comment on column jobs.runner is 'The gateway process that runs it; its word counts until lease_until';

comment on column jobs.seen_at is 'The last sign of life of whoever ran it last';

comment on column jobs.error is 'What its last run failed of; null when it went well';

comment on table objects is 'One row a version of an object; «null» is the version of a bucket that keeps none';

comment on column objects.seq is 'Taken under the key''s lock: the order of a key''s versions';

comment on column objects.part_ids is 'null within: a part without bytes';

comment on column parts.servers is 'Storage server of each chunk, data chunks first; 0 where the chunk is missing';

comment on column parts.refs is 'References from objects.part_ids and upload_parts; at 0 the part is in doomed_parts';

comment on column parts.committed_at is 'null: given up before it was committed, and can never be';

comment on column repair_queue.next_attempt_at is 'Set when an attempt begins, further off with each: one that was killed is made again then';

comment on column repair_queue.damaged_chunks is 'A bit a chunk, 1 for chunk 0: said to be missing or rotten where the part''s row has it';

comment on column repair_queue.error is 'What the last attempt failed of';

comment on column server_absences.is_lost is 'Away for longer than the grace: its chunks are rebuilt elsewhere';

comment on column storage_servers.data_directory is 'Where gateways on the same host may read chunks; empty: nowhere';

comment on table stray_chunks is 'Chunks that may lie on a server where their part''s row does not have them';

comment on column upload_parts.part_id is 'null: a part without bytes';

comment on column upload_sessions.gateway_session is 'The last 4 bytes of the id of every part that this gateway writes';
