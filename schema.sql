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
  former_secret bytea,
  former_until timestamp with time zone,
  allowed_from text[],
  limits jsonb,
  constraint access_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(account_id),
  constraint access_keys_former CHECK (((former_secret IS NULL) = (former_until IS NULL))),
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

create table bucket_documents (
  bucket_id bigint not null,
  name text collate "C" not null,
  document jsonb not null,
  changed_at timestamp(3) with time zone default clock_timestamp() not null,
  constraint bucket_documents_bucket_id_fkey FOREIGN KEY (bucket_id) REFERENCES buckets(bucket_id) ON DELETE CASCADE,
  constraint bucket_documents_pkey PRIMARY KEY (bucket_id, name)
);

create table buckets (
  bucket_id bigint generated always as identity not null,
  name text collate "C" not null,
  owner_id text collate "C" not null,
  region text not null,
  created_at timestamp(3) with time zone default now() not null,
  versioning text collate "C" default ''::text not null,
  settings jsonb default '{}'::jsonb not null,
  constraint buckets_name_key UNIQUE (name),
  constraint buckets_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES accounts(account_id),
  constraint buckets_pkey PRIMARY KEY (bucket_id),
  constraint buckets_versioning_check CHECK ((versioning = ANY (ARRAY[''::text, 'Enabled'::text, 'Suspended'::text])))
);

create table catalogue_restores (
  restore_id integer generated always as identity not null,
  kind text not null,
  restored_at timestamp with time zone default clock_timestamp() not null,
  taken_at timestamp with time zone,
  session_floor integer not null,
  server_numbers integer[] default '{}'::integer[] not null,
  released_at timestamp with time zone,
  constraint catalogue_restores_kind_check CHECK ((kind = ANY (ARRAY['backup'::text, 'rebuild'::text, 'recognised'::text]))),
  constraint catalogue_restores_pkey PRIMARY KEY (restore_id)
);

create table doomed_parts (
  part_id uuid not null,
  doomed_at timestamp with time zone default clock_timestamp() not null,
  constraint doomed_parts_pkey PRIMARY KEY (part_id)
);

create table event_outbox (
  event_id bigint generated always as identity not null,
  target text collate "C" not null,
  bucket_id bigint not null,
  key text collate "C" not null,
  event_name text collate "C" not null,
  rule_id text not null,
  bucket_name text collate "C" not null,
  owner_id text not null,
  region text not null,
  version_id text collate "C",
  size_bytes bigint,
  etag text,
  origin jsonb,
  made_at timestamp(3) with time zone default clock_timestamp() not null,
  attempts integer default 0 not null,
  due_at timestamp with time zone,
  constraint event_outbox_pkey PRIMARY KEY (event_id)
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

create table key_generations (
  generation integer not null,
  made_at timestamp(3) with time zone default clock_timestamp() not null,
  constraint key_generations_generation_check CHECK ((generation > 0)),
  constraint key_generations_pkey PRIMARY KEY (generation)
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
  tags jsonb,
  lock jsonb,
  encryption jsonb,
  access jsonb,
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
  plain_bytes bigint,
  constraint parts_block_bytes_check CHECK ((block_bytes > 0)),
  constraint parts_check CHECK ((octet_length(chunk_hashes) = (32 * cardinality(servers)))),
  constraint parts_parity_chunks_check CHECK (((parity_chunks >= 0) AND (parity_chunks <= 6))),
  constraint parts_pkey PRIMARY KEY (part_id),
  constraint parts_plain_bytes_check CHECK ((plain_bytes > 0)),
  constraint parts_refs_check CHECK ((refs >= 0)),
  constraint parts_size_bytes_check CHECK ((size_bytes > 0))
) with (fillfactor=90);

create table rename_tokens (
  bucket_id bigint not null,
  token text collate "C" not null,
  request text collate "C" not null,
  version_id text collate "C" not null,
  made_at timestamp with time zone default clock_timestamp() not null,
  constraint rename_tokens_pkey PRIMARY KEY (bucket_id, token)
);

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
  beats bigint default 0 not null,
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
  tags jsonb,
  lock jsonb,
  encryption jsonb,
  access jsonb,
  constraint upload_sessions_check CHECK (((kind = 'gateway'::text) = (gateway_session IS NOT NULL))),
  constraint upload_sessions_check1 CHECK (((kind = 'multipart'::text) = (bucket_id IS NOT NULL))),
  constraint upload_sessions_check2 CHECK (((kind = 'multipart'::text) = (key IS NOT NULL))),
  constraint upload_sessions_kind_check CHECK ((kind = ANY (ARRAY['multipart'::text, 'gateway'::text]))),
  constraint upload_sessions_pkey PRIMARY KEY (upload_id),
  constraint upload_sessions_state_check CHECK ((state = ANY (ARRAY['open'::text, 'completed'::text, 'closed'::text, 'forgotten'::text])))
);

CREATE INDEX access_keys_by_account ON public.access_keys USING btree (account_id);

CREATE INDEX accounts_by_email ON public.accounts USING btree (email) WHERE (email <> ''::text);

CREATE UNIQUE INDEX accounts_one_root ON public.accounts USING btree (is_root) WHERE is_root;

CREATE INDEX buckets_by_owner ON public.buckets USING btree (owner_id, name);

CREATE INDEX buckets_notifying ON public.buckets USING btree (bucket_id) WHERE (settings ? 'notification'::text);

CREATE INDEX catalogue_restores_open ON public.catalogue_restores USING btree (session_floor) WHERE (released_at IS NULL);

CREATE INDEX event_outbox_ages ON public.event_outbox USING btree (target, event_id);

CREATE INDEX event_outbox_due ON public.event_outbox USING btree (target, due_at) WHERE (due_at IS NOT NULL);

CREATE INDEX event_outbox_queues ON public.event_outbox USING btree (target, bucket_id, key, event_id);

CREATE UNIQUE INDEX objects_current ON public.objects USING btree (bucket_id, key) WHERE (is_latest AND (NOT is_delete_marker));

CREATE INDEX objects_encrypted ON public.objects USING btree (bucket_id, key, version_id) WHERE (encryption IS NOT NULL);

CREATE INDEX objects_former ON public.objects USING btree (bucket_id, key, seq DESC) WHERE (NOT is_latest);

CREATE UNIQUE INDEX objects_marked ON public.objects USING btree (bucket_id, key) WHERE (is_latest AND is_delete_marker);

CREATE INDEX rename_tokens_ages ON public.rename_tokens USING btree (made_at);

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

CREATE OR REPLACE FUNCTION public.abort_upload_v2(upload_id uuid, bucket_id bigint, key text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
  session upload_sessions;
begin
  select s.* into session from upload_sessions s where s.upload_id = upload for update;
  if session.kind = 'multipart' and session.state = 'open' and session.expires_at > clock_timestamp()
     and session.bucket_id = bucket and session.key = name then
    perform drop_uploads_v1(array[upload]);
    return true;
  end if;
  return false;
end $function$;

CREATE OR REPLACE FUNCTION public.adopt_chunks_v1(server integer, part_ids uuid[], chunk_numbers integer[], from_servers integer[])
 RETURNS TABLE(part_id uuid, chunk_number integer)
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.claim_orphans_v1(server integer, part_ids uuid[], chunk_numbers integer[])
 RETURNS TABLE(part_id uuid, chunk_number integer, is_stray boolean)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  floor int := session_floor_v1();
  n int;
begin
  for n in
    select distinct session_of_part_v1(i.part_id) as session from unnest(part_ids) as i (part_id)
     where session_of_part_v1(i.part_id) >= floor
       and not exists (select from parts p where p.part_id = i.part_id)
       and not exists (select from upload_sessions s where s.gateway_session = session_of_part_v1(i.part_id) and s.kind = 'gateway')
     order by 1
  loop
    perform pg_advisory_xact_lock(2, n);
    insert into upload_sessions (upload_id, kind, state, expires_at, gateway_session)
    values (gen_random_uuid(), 'gateway', 'forgotten', clock_timestamp(), n) on conflict do nothing;
  end loop;

  insert into stray_chunks (part_id, chunk_number, server_number, state, delete_after)
  select i.part_id, i.chunk_number, server, 'being deleted', clock_timestamp()
    from unnest(part_ids, chunk_numbers) as i (part_id, chunk_number)
    join parts p on p.part_id = i.part_id and p.servers[i.chunk_number + 1] is distinct from server
   where session_of_part_v1(i.part_id) >= floor
   order by 1, 2
  on conflict do nothing;
  -- A repair may have named one just before.
  delete from stray_chunks s using unnest(part_ids, chunk_numbers) as i (part_id, chunk_number), parts p
   where s.part_id = i.part_id and s.chunk_number = i.chunk_number and s.server_number = server and s.state = 'being deleted'
     and p.part_id = s.part_id and p.servers[s.chunk_number + 1] = server;

  return query
    select i.part_id, i.chunk_number, s.part_id is not null
      from unnest(part_ids, chunk_numbers) as i (part_id, chunk_number)
      left join stray_chunks s on s.part_id = i.part_id and s.chunk_number = i.chunk_number
        and s.server_number = server and s.state = 'being deleted'
     where session_of_part_v1(i.part_id) >= floor
       and case when exists (select from parts p where p.part_id = i.part_id) then s.part_id is not null
                else exists (select from upload_sessions g where g.gateway_session = session_of_part_v1(i.part_id)
                                and g.kind = 'gateway' and g.state = 'forgotten') end;
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

CREATE OR REPLACE FUNCTION public.commit_and_note_v1(sessions integer[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[], checksum_algorithms text[], checksum_values text[], checksum_types text[], headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[], part_ids uuid[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[], missing_chunks integer[], origins text[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  answer json;
begin
  answer := commit_objects_v3(
    sessions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
    headers, user_metadata, extras, if_none_match, if_match, part_ids, block_bytes, parity_chunks, servers, chunk_hashes,
    missing_chunks);
  if exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.settings ? 'notification') then
    perform note_event_v1('ObjectCreated:' || coalesce(i.origin::jsonb->>'via', 'Put'), i.bucket_id, i.key,
                          answer->2->>(i.n - 1)::int, i.size_bytes, i.etag, i.origin::jsonb)
       from unnest(bucket_ids, keys, sizes, etags, origins) with ordinality as i (bucket_id, key, size_bytes, etag, origin, n)
      where answer->0->>(i.n - 1)::int = 'ok';
  end if;
  return answer;
end $function$;

CREATE OR REPLACE FUNCTION public.commit_and_note_v2(sessions integer[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[], checksum_algorithms text[], checksum_values text[], checksum_types text[], headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[], part_ids uuid[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[], missing_chunks integer[], origins text[], stored_sizes bigint[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  answer json;
begin
  answer := commit_and_note_v1(
    sessions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
    headers, user_metadata, extras, if_none_match, if_match, part_ids, block_bytes, parity_chunks, servers, chunk_hashes,
    missing_chunks, origins);
  if stored_sizes is not null then
    -- Rows of this transaction, which nobody has seen; one that was committed before says so already.
    update parts p set size_bytes = i.stored_bytes, plain_bytes = i.size_bytes
      from unnest(part_ids, sizes, stored_sizes) with ordinality as i (part_id, size_bytes, stored_bytes, n)
     where p.part_id = i.part_id and i.stored_bytes is not null and answer->0->>(i.n - 1)::int = 'ok';
  end if;
  return answer;
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
    ), old as (
      -- By the place of the row: whatever the planner takes the sizes of the tables for, it cannot go through all objects.
      select i.*, o.place, o.part_ids as old_part_ids from input i
       cross join lateral (select o.ctid as place, o.part_ids from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = 'null' limit 1) as o
    ), overwritten as (
      update objects o set
        seq = nextval('object_version_seq'), is_latest = true, is_delete_marker = false, is_multipart = false,
        size_bytes = i.size_bytes, etag = i.etag, committed_at = now_ms, storage_class = i.storage_class,
        checksum_algorithm = i.checksum_algorithm, checksum_value = i.checksum_value, checksum_type = i.checksum_type,
        headers = i.headers::jsonb, user_metadata = i.user_metadata::jsonb, part_numbers = array[1],
        part_ids = array[i.part_id], part_sizes = array[i.size_bytes], part_checksums = array[null::text]
        from old i where o.ctid = i.place
      returning i.old_part_ids
    )
    select array_agg(p) into replaced from overwritten, unnest(overwritten.old_part_ids) as p where p is not null;
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

CREATE OR REPLACE FUNCTION public.commit_objects_v3(sessions integer[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[], checksum_algorithms text[], checksum_values text[], checksum_types text[], headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[], part_ids uuid[], block_bytes integer[], parity_chunks integer[], servers text[], chunk_hashes bytea[], missing_chunks integer[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  over int[];
  outcomes text[];
  times timestamptz[];
  versions text[];
  overwrites boolean[];
  former tid[];
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

  select array_agg(j.outcome), array_agg(j.committed_at), array_agg(j.version_id),
         array_agg(j.outcome = 'ok' and j.is_overwrite),
         array_agg(j.place) filter (where j.outcome = 'ok' and j.latest_id <> j.version_id)
    into outcomes, times, versions, overwrites, former
    from (
      select coalesce(p.committed_at, now_ms) as committed_at, o.place, o.version_id as latest_id,
             case when p.part_id is not null then
               -- Committed before, perhaps under another versioning; if it is gone since, nobody can ask for it.
               coalesce((select o.version_id from objects o where o.bucket_id = i.bucket_id and o.key = i.key
                            and o.part_ids = array[i.part_id] order by o.seq limit 1), 'null')
             when b.versioning = 'Enabled' then version_id_v1(coalesce(i.part_id, gen_random_uuid()))
             else 'null' end as version_id,
             case when b.versioning = 'Enabled' or o.version_id is null then false
             when o.version_id = 'null' then true
             else exists (select from objects n where n.bucket_id = i.bucket_id and n.key = i.key and n.version_id = 'null')
             end as is_overwrite,
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
        left join lateral (select b.bucket_id, b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
        left join lateral (
          select * from (
            select o.ctid as place, o.version_id, o.etag, o.is_delete_marker from objects o
             where o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest and not o.is_delete_marker
            union all
            select o.ctid, o.version_id, o.etag, o.is_delete_marker from objects o
             where b.versioning <> '' and o.bucket_id = i.bucket_id and o.key = i.key and o.is_latest and o.is_delete_marker
          ) as l limit 1) as o on true
        left join lateral (select p.part_id, p.committed_at from parts p where p.part_id = i.part_id limit 1) as p on true
       order by i.n) as j;

  if former is not null then
    update objects o set is_latest = false where o.ctid = any (former);
  end if;

  if 'ok' = any (outcomes) then
    with input as materialized (
      select * from unnest(
        outcomes, overwrites, versions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, extras, part_ids, block_bytes, parity_chunks, servers, chunk_hashes
      ) as i (outcome, is_overwrite, version_id, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm,
        checksum_value, checksum_type, headers, user_metadata, extras, part_id, block_bytes, parity_chunks, servers, chunk_hashes)
      where i.outcome = 'ok'
    ), new_parts as (
      insert into parts (part_id, size_bytes, block_bytes, parity_chunks, servers, chunk_hashes, refs, committed_at)
      select i.part_id, i.size_bytes, i.block_bytes, i.parity_chunks, i.servers::int[], i.chunk_hashes, 1, now_ms
        from input i where i.part_id is not null order by i.part_id
    )
    insert into objects (
      bucket_id, key, version_id, is_latest, size_bytes, etag, committed_at, storage_class,
      checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
      part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
    )
    select i.bucket_id, i.key, i.version_id, true, i.size_bytes, i.etag, now_ms, i.storage_class,
           i.checksum_algorithm, i.checksum_value, i.checksum_type, i.headers::jsonb, i.user_metadata::jsonb,
           array[1], array[i.part_id], array[i.size_bytes], array[null::text],
           i.extras::jsonb->'tags', i.extras::jsonb->'lock', i.extras::jsonb->'encryption', i.extras::jsonb->'access'
      from input i where not i.is_overwrite;
  end if;

  if true = any (overwrites) then
    with input as (
      select * from unnest(
        overwrites, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values,
        checksum_types, headers, user_metadata, extras, part_ids
      ) as i (is_overwrite, bucket_id, key, size_bytes, etag, storage_class, checksum_algorithm, checksum_value,
        checksum_type, headers, user_metadata, extras, part_id)
      where i.is_overwrite
    ), old as (
      -- By the place of the row: whatever the planner takes the sizes of the tables for, it cannot go through all objects.
      select i.*, o.place, o.part_ids as old_part_ids from input i
       cross join lateral (select o.ctid as place, o.part_ids from objects o
                            where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = 'null' limit 1) as o
    ), overwritten as (
      update objects o set
        seq = case when o.is_latest then o.seq else nextval('object_version_seq') end,
        is_latest = true, is_delete_marker = false, is_multipart = false,
        size_bytes = i.size_bytes, etag = i.etag, committed_at = now_ms, storage_class = i.storage_class,
        checksum_algorithm = i.checksum_algorithm, checksum_value = i.checksum_value, checksum_type = i.checksum_type,
        headers = i.headers::jsonb, user_metadata = i.user_metadata::jsonb, part_numbers = array[1],
        part_ids = array[i.part_id], part_sizes = array[i.size_bytes], part_checksums = array[null::text],
        tags = i.extras::jsonb->'tags', lock = i.extras::jsonb->'lock',
        encryption = i.extras::jsonb->'encryption', access = i.extras::jsonb->'access'
        from old i where o.ctid = i.place
      returning i.old_part_ids
    )
    select array_agg(p) into replaced from overwritten, unnest(overwritten.old_part_ids) as p where p is not null;
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
  return json_build_array(outcomes, times, case when 'null' <> any (versions) then versions end);
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

CREATE OR REPLACE FUNCTION public.commit_part_v2(upload_id uuid, part_number integer, size_bytes bigint, etag text, checksum_algorithm text, checksum_value text, checksum_type text, part_id uuid, block_bytes integer, parity_chunks integer, servers integer[], chunk_hashes bytea, ttl interval, stored_bytes bigint)
 RETURNS TABLE(outcome text, modified_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  given alias for part_id;
  plain alias for size_bytes;
begin
  select c.* into outcome, modified_at
    from commit_part_v1(upload_id, part_number, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type,
                        part_id, block_bytes, parity_chunks, servers, chunk_hashes, ttl) as c;
  if stored_bytes is not null and outcome = 'ok' then
    update parts p set size_bytes = stored_bytes, plain_bytes = plain where p.part_id = given;
  end if;
  return next;
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

CREATE OR REPLACE FUNCTION public.commit_repair_v2(part_id uuid, before integer[], chunk_numbers integer[], server_numbers integer[], settled integer, lost integer[], leaving integer[], grace interval)
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
end $function$;

CREATE OR REPLACE FUNCTION public.complete_and_note_v1(upload_id uuid, bucket_id bigint, key text, size_bytes bigint, etag text, checksum_algorithm text, checksum_value text, checksum_type text, part_numbers integer[], part_ids uuid[], part_sizes bigint[], part_checksums text[], if_none_match boolean, if_match text, ttl interval, origin jsonb)
 RETURNS TABLE(outcome text, bad_part integer, version_id text, committed_at timestamp with time zone, completed_etag text, completed_checksum_algorithm text, completed_checksum_value text, completed_checksum_type text)
 LANGUAGE plpgsql
AS $function$
begin
  select c.* into outcome, bad_part, version_id, committed_at, completed_etag,
                  completed_checksum_algorithm, completed_checksum_value, completed_checksum_type
    from complete_upload_v2(upload_id, bucket_id, key, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type,
                            part_numbers, part_ids, part_sizes, part_checksums, if_none_match, if_match, ttl) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectCreated:CompleteMultipartUpload', bucket_id, key, version_id, size_bytes, etag, origin);
  end if;
  return next;
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

CREATE OR REPLACE FUNCTION public.complete_upload_v2(upload_id uuid, bucket_id bigint, key text, size_bytes bigint, etag text, checksum_algorithm text, checksum_value text, checksum_type text, part_numbers integer[], part_ids uuid[], part_sizes bigint[], part_checksums text[], if_none_match boolean, if_match text, ttl interval)
 RETURNS TABLE(outcome text, bad_part integer, version_id text, committed_at timestamp with time zone, completed_etag text, completed_checksum_algorithm text, completed_checksum_value text, completed_checksum_type text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  upload alias for upload_id;
  bucket alias for bucket_id;
  name alias for key;
  session upload_sessions;
  kept text; -- the bucket's versioning
  target_etag text;
  verdict text;
  wrong int;
  made text := 'null';
  released uuid[];
  now_ms timestamptz(3);
begin
  perform lock_keys_v1(array[bucket], array[name]);
  select s.* into session from upload_sessions s
   where s.upload_id = upload and s.bucket_id = bucket and s.key = name and s.kind = 'multipart' for update;
  now_ms := clock_timestamp();
  select b.versioning into kept from buckets b where b.bucket_id = bucket;
  select o.etag into target_etag from objects o
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
    when kept is null then 'no-bucket'
    when wrong is not null then 'invalid-part'
    else verdict_v1(target_etag is not null, target_etag, if_none_match, if_match)
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
  if kept = 'Enabled' then
    made := version_id_v1(upload);
  end if;
  released := coalesce(released, '{}') || make_room_v1(bucket, name, kept);
  insert into objects (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
  ) values (
    bucket, name, made, true, true, size_bytes, etag, now_ms, session.storage_class,
    checksum_algorithm, checksum_value, checksum_type, session.headers, session.user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, session.tags, session.lock, session.encryption, session.access
  );
  update upload_sessions s
     set state = 'completed', expires_at = now_ms + ttl, completed_version_id = made, completed_at = now_ms,
         completed_etag = etag, completed_checksum_algorithm = checksum_algorithm,
         completed_checksum_value = checksum_value, completed_checksum_type = checksum_type
   where s.upload_id = upload;
  perform release_parts_v1(released);
  return query select 'ok', null::int, made, now_ms::timestamptz, etag, checksum_algorithm, checksum_value, checksum_type;
end $function$;

CREATE OR REPLACE FUNCTION public.copy_and_note_v1(source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamp with time zone, target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, extras jsonb, if_none_match boolean, if_match text, origin jsonb)
 RETURNS TABLE(outcome text, version_id text, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
begin
  select c.* into outcome, version_id, committed_at
    from copy_object_v2(source_bucket_id, source_key, source_version_id, source_etag, source_committed_at, target_bucket_id,
                        target_key, storage_class, headers, user_metadata, extras, if_none_match, if_match) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectCreated:Copy', o.bucket_id, o.key, o.version_id, o.size_bytes, o.etag, origin) from objects o
      where o.bucket_id = target_bucket_id and o.key = target_key and o.version_id = copy_and_note_v1.version_id limit 1;
  end if;
  return next;
end $function$;

CREATE OR REPLACE FUNCTION public.copy_and_note_v2(source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamp with time zone, source_part_id uuid, target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, extras jsonb, if_none_match boolean, if_match text, origin jsonb)
 RETURNS TABLE(outcome text, version_id text, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
begin
  perform lock_copy_v1(source_bucket_id, source_key, target_bucket_id, target_key);
  if exists (select from objects o
              where o.bucket_id = source_bucket_id and o.key = source_key and o.version_id = source_version_id
                and not o.is_delete_marker and o.part_ids[1] is distinct from source_part_id) then
    return query select 'source-changed', 'null'::text, null::timestamptz;
    return;
  end if;
  return query select * from copy_and_note_v1(
    source_bucket_id, source_key, source_version_id, source_etag, source_committed_at, target_bucket_id, target_key,
    storage_class, headers, user_metadata, extras, if_none_match, if_match, origin);
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

CREATE OR REPLACE FUNCTION public.copy_object_v2(source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamp with time zone, target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb, extras jsonb, if_none_match boolean, if_match text)
 RETURNS TABLE(outcome text, version_id text, committed_at timestamp with time zone)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  source objects;
  target_etag text;
  kept text; -- the target bucket's versioning
  verdict text;
  made text := 'null';
  replaced uuid[];
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

  select b.versioning into kept from buckets b where b.bucket_id = target_bucket_id;
  select o.* into source from objects o
   where o.bucket_id = source_bucket_id and o.key = source_key and o.version_id = source_version_id
     and not o.is_delete_marker;
  select o.etag into target_etag from objects o
   where o.bucket_id = target_bucket_id and o.key = target_key and o.is_latest and not o.is_delete_marker;
  verdict := case
    when kept is null then 'no-bucket'
    when source.key is null then 'no-source'
    when source.etag <> source_etag or source.committed_at <> source_committed_at then 'source-changed'
    else verdict_v1(target_etag is not null, target_etag, if_none_match, if_match)
  end;
  if verdict <> 'ok' then
    return query select verdict, 'null'::text, null::timestamptz;
    return;
  end if;

  if kept = 'Enabled' then
    made := version_id_v1(gen_random_uuid());
  end if;
  replaced := make_room_v1(target_bucket_id, target_key, kept);
  perform lock_parts_v1(source.part_ids || replaced);
  update parts p set refs = p.refs + r.n
    from (select i.part_id, count(*)::int as n from unnest(source.part_ids) as i (part_id) group by 1) as r
   where p.part_id = r.part_id;
  insert into objects (
    bucket_id, key, version_id, is_latest, is_multipart, size_bytes, etag, committed_at, storage_class,
    checksum_algorithm, checksum_value, checksum_type, headers, user_metadata,
    part_numbers, part_ids, part_sizes, part_checksums, tags, lock, encryption, access
  ) values (
    target_bucket_id, target_key, made, true, source.is_multipart, source.size_bytes, source.etag, now_ms, storage_class,
    source.checksum_algorithm, source.checksum_value, source.checksum_type, headers, user_metadata,
    source.part_numbers, source.part_ids, source.part_sizes, source.part_checksums,
    extras->'tags', extras->'lock', extras->'encryption', extras->'access'
  );
  perform release_parts_v1(replaced);
  return query select 'ok', made, now_ms::timestamptz;
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

CREATE OR REPLACE FUNCTION public.create_bucket_v2(name text, owner_id text, region text, settings jsonb, versioning text, buckets_max integer)
 RETURNS TABLE(outcome text, bucket buckets)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  wanted alias for name;
  owner alias for owner_id;
  wanted_region alias for region;
  wanted_settings alias for settings;
  wanted_versioning alias for versioning;
  verdict text := 'exists';
begin
  perform from accounts a where a.account_id = owner for no key update;
  if not exists (select from buckets b where b.name = wanted) then
    if (select count(*) from buckets b where b.owner_id = owner) >= buckets_max then
      return query select 'too-many', null::buckets;
      return;
    end if;
    insert into buckets (name, owner_id, region, settings, versioning)
    values (wanted, owner, wanted_region, wanted_settings, wanted_versioning) on conflict do nothing;
    if found then
      verdict := 'ok';
    end if;
  end if;
  return query select verdict, b from buckets b where b.name = wanted;
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

CREATE OR REPLACE FUNCTION public.create_upload_v2(upload_id uuid, bucket_id bigint, key text, initiator_id text, headers jsonb, user_metadata jsonb, storage_class text, extras jsonb, checksum_algorithm text, checksum_type text, ttl interval)
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
                               headers, user_metadata, storage_class, checksum_algorithm, checksum_type,
                               tags, lock, encryption, access)
  values (upload, 'multipart', 'open', now_ms, now_ms + ttl, bucket, key, initiator_id,
          headers, user_metadata, storage_class, checksum_algorithm, checksum_type,
          extras->'tags', extras->'lock', extras->'encryption', extras->'access')
  on conflict do nothing;
  return (select s.initiated_at from upload_sessions s where s.upload_id = upload);
end $function$;

CREATE OR REPLACE FUNCTION public.delete_and_note_v1(bucket_ids bigint[], keys text[], version_ids text[], if_match text[], bypasses boolean[], family text, origins text[])
 RETURNS json
 LANGUAGE sql
AS $function$
  select delete_and_note_v2(
    bucket_ids, keys, version_ids,
    (select array_agg(case when m.etag <> '' then jsonb_build_object('etag', m.etag)::text end order by m.n)
       from unnest(if_match) with ordinality as m (etag, n)),
    bypasses, family, origins)
$function$;

CREATE OR REPLACE FUNCTION public.delete_and_note_v2(bucket_ids bigint[], keys text[], version_ids text[], conditions text[], bypasses boolean[], family text, origins text[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  answer json;
  there boolean[];
begin
  if not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.settings ? 'notification') then
    return delete_objects_v4(bucket_ids, keys, version_ids, conditions, bypasses);
  end if;
  -- As delete_objects_v4 does it, a little earlier: what is there now is there until it is deleted.
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform lock_keys_v1(bucket_ids, keys);
  select array_agg(exists (select from objects o where o.bucket_id = i.bucket_id and o.key = i.key
                              and o.version_id = coalesce(i.version_id, 'null')) order by i.n)
    into there from unnest(bucket_ids, keys, version_ids) with ordinality as i (bucket_id, key, version_id, n);
  answer := delete_objects_v4(bucket_ids, keys, version_ids, conditions, bypasses);
  perform note_event_v1(d.event_name, d.bucket_id, d.key, d.version_id, null, null, d.origin)
     from (
       -- One that stands twice in a call is gone, or made, by the time that it is met again.
       select c.*, family || case when c.is_made then ':DeleteMarkerCreated' else ':Delete' end as event_name,
              lag(c.is_made, 1, c.was_there) over (partition by c.bucket_id, c.key, c.version_id order by c.n) as is_there
         from (
           select i.n, i.bucket_id, i.key, i.origin::jsonb, i.was_there,
                  coalesce(answer->1->>(i.n - 1)::int, 'null') as version_id,
                  i.version_id is null and coalesce((answer->2->>(i.n - 1)::int)::boolean, false) as is_made
             from unnest(bucket_ids, keys, version_ids, origins, there)
                  with ordinality as i (bucket_id, key, version_id, origin, was_there, n)
            where answer is null or answer->0->>(i.n - 1)::int = 'ok') as c
        order by c.n) as d
    where d.is_made or d.is_there;
  return answer;
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
    -- By the place of the row, as in commit_objects_v2.
    delete from objects o where o.ctid = any (array(
      select o.place from unnest(bucket_ids, keys) as i (b, k)
       cross join lateral (select o.ctid as place from objects o
                            where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null' limit 1) as o))
    returning o.part_ids
  )
  select array_agg(p) into released from gone, unnest(gone.part_ids) as p where p is not null;
  if released is not null then
    perform release_parts_v1(released);
  end if;
end $function$;

CREATE OR REPLACE FUNCTION public.delete_objects_v3(bucket_ids bigint[], keys text[], version_ids text[], if_match text[], bypasses boolean[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  is_plain boolean;
  released uuid[];
  outcomes text[] := '{}';
  versions text[] := '{}';
  markers boolean[] := '{}';
  verdict text;
  wanted record;
  latest objects;
  named objects;
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;

  with plain as materialized (
    select version_ids is null and if_match is null
       and not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.versioning <> '') as is_so
  ), gone as (
    -- By the place of the row, as in commit_objects_v3.
    delete from objects o where o.ctid = any (array(
      select o.place from plain cross join unnest(bucket_ids, keys) as i (b, k)
       cross join lateral (select o.ctid as place from objects o
                            where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null' limit 1) as o
       where plain.is_so))
    returning o.part_ids
  )
  select (select p.is_so from plain p), array_agg(r.part_id) filter (where r.part_id is not null)
    into is_plain, released from gone, unnest(gone.part_ids) as r (part_id);
  if is_plain then
    if released is not null then
      perform release_parts_v1(released);
    end if;
    return null;
  end if;

  released := '{}';
  for wanted in
    select i.bucket_id, i.key, i.version_id, coalesce(i.if_match, '') as if_match, coalesce(b.versioning, '') as versioning,
           coalesce(i.may_bypass, false) as may_bypass
      from unnest(bucket_ids, keys, version_ids, if_match, bypasses)
           with ordinality as i (bucket_id, key, version_id, if_match, may_bypass, n)
      left join lateral (select b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
     order by i.n
  loop
    if wanted.version_id is null or wanted.if_match <> '' then
      latest := latest_version_v1(wanted.bucket_id, wanted.key);
    end if;
    if wanted.version_id is null then
      named := latest;
    else
      select o.* into named from objects o
       where o.bucket_id = wanted.bucket_id and o.key = wanted.key and o.version_id = wanted.version_id limit 1;
    end if;
    verdict := verdict_v1(latest.key is not null and not latest.is_delete_marker, latest.etag, false, wanted.if_match);

    -- A delete marker may be laid over a held version: that one stays.
    if verdict = 'ok' and (wanted.version_id is not null or wanted.versioning = '')
       and is_held_v1(named.lock, named.committed_at, wanted.may_bypass) then
      verdict := 'held';
    end if;

    outcomes := outcomes || verdict;
    if verdict <> 'ok' then
      versions := versions || wanted.version_id;
      markers := markers || false;
    elsif wanted.version_id is null and wanted.versioning <> '' then
      released := released || make_room_v1(wanted.bucket_id, wanted.key, wanted.versioning);
      versions := versions || case wanted.versioning when 'Enabled' then version_id_v1(gen_random_uuid()) else 'null' end;
      markers := markers || true;
      insert into objects (bucket_id, key, version_id, is_latest, is_delete_marker, size_bytes, etag, storage_class,
                           headers, user_metadata, part_numbers, part_ids, part_sizes, part_checksums)
      values (wanted.bucket_id, wanted.key, versions[cardinality(versions)], true, true, 0, '', 'STANDARD',
              '{}', '{}', '{}', '{}', '{}', '{}');
    else
      versions := versions || wanted.version_id;
      markers := markers || coalesce(named.is_delete_marker, false);
      if named.key is not null then
        delete from objects o where o.ctid = (
          select o.ctid from objects o
           where o.bucket_id = named.bucket_id and o.key = named.key and o.version_id = named.version_id limit 1);
        released := released || array_remove(named.part_ids, null);
        if named.is_latest then
          update objects o set is_latest = true where o.ctid = (
            select o.ctid from objects o where o.bucket_id = named.bucket_id and o.key = named.key and not o.is_latest
             order by o.seq desc limit 1);
        end if;
      end if;
    end if;
  end loop;
  if released <> '{}' then
    perform release_parts_v1(released);
  end if;
  return json_build_array(outcomes, versions, markers);
end $function$;

CREATE OR REPLACE FUNCTION public.delete_objects_v4(bucket_ids bigint[], keys text[], version_ids text[], conditions text[], bypasses boolean[])
 RETURNS json
 LANGUAGE plpgsql
AS $function$
declare
  is_plain boolean;
  released uuid[];
  outcomes text[] := '{}';
  versions text[] := '{}';
  markers boolean[] := '{}';
  verdict text;
  wanted record;
  latest objects;
  named objects;
begin
  if cardinality(keys) > 128 then
    perform pg_advisory_xact_lock(3, pg_backend_pid() % 4);
  end if;
  perform pg_advisory_xact_lock_shared(1, n)
     from (select distinct hashint8(b) as n from unnest(bucket_ids) as b order by 1) as buckets_in_order;
  perform pg_advisory_xact_lock(n)
     from (select distinct hashtextextended(k, b) as n from unnest(bucket_ids, keys) as i (b, k) order by 1) as keys_in_order;

  with plain as materialized (
    select version_ids is null and conditions is null
       and not exists (select from buckets b where b.bucket_id = any (bucket_ids) and b.versioning <> '') as is_so
  ), gone as (
    -- By the place of the row, as in commit_objects_v3.
    delete from objects o where o.ctid = any (array(
      select o.place from plain cross join unnest(bucket_ids, keys) as i (b, k)
       cross join lateral (select o.ctid as place from objects o
                            where o.bucket_id = i.b and o.key = i.k and o.version_id = 'null' limit 1) as o
       where plain.is_so))
    returning o.part_ids
  )
  select (select p.is_so from plain p), array_agg(r.part_id) filter (where r.part_id is not null)
    into is_plain, released from gone, unnest(gone.part_ids) as r (part_id);
  if is_plain then
    if released is not null then
      perform release_parts_v1(released);
    end if;
    return null;
  end if;

  released := '{}';
  for wanted in
    select i.bucket_id, i.key, i.version_id, i.condition, coalesce(b.versioning, '') as versioning,
           coalesce(i.may_bypass, false) as may_bypass
      from unnest(bucket_ids, keys, version_ids, conditions, bypasses)
           with ordinality as i (bucket_id, key, version_id, condition, may_bypass, n)
      left join lateral (select b.versioning from buckets b where b.bucket_id = i.bucket_id limit 1) as b on true
     order by i.n
  loop
    if wanted.version_id is null or wanted.condition is not null then
      latest := latest_version_v1(wanted.bucket_id, wanted.key);
    end if;
    if wanted.version_id is null then
      named := latest;
    else
      select o.* into named from objects o
       where o.bucket_id = wanted.bucket_id and o.key = wanted.key and o.version_id = wanted.version_id limit 1;
    end if;
    verdict := case when wanted.condition is null then 'ok' else delete_verdict_v1(latest, wanted.condition::jsonb) end;

    -- A delete marker may be laid over a held version: that one stays.
    if verdict = 'ok' and (wanted.version_id is not null or wanted.versioning = '')
       and is_held_v1(named.lock, named.committed_at, wanted.may_bypass) then
      verdict := 'held';
    end if;

    outcomes := outcomes || verdict;
    if verdict <> 'ok' then
      versions := versions || wanted.version_id;
      markers := markers || false;
    elsif wanted.version_id is null and wanted.versioning <> '' then
      released := released || make_room_v1(wanted.bucket_id, wanted.key, wanted.versioning);
      versions := versions || case wanted.versioning when 'Enabled' then version_id_v1(gen_random_uuid()) else 'null' end;
      markers := markers || true;
      insert into objects (bucket_id, key, version_id, is_latest, is_delete_marker, size_bytes, etag, storage_class,
                           headers, user_metadata, part_numbers, part_ids, part_sizes, part_checksums)
      values (wanted.bucket_id, wanted.key, versions[cardinality(versions)], true, true, 0, '', 'STANDARD',
              '{}', '{}', '{}', '{}', '{}', '{}');
    else
      versions := versions || wanted.version_id;
      markers := markers || coalesce(named.is_delete_marker, false);
      if named.key is not null then
        delete from objects o where o.ctid = (
          select o.ctid from objects o
           where o.bucket_id = named.bucket_id and o.key = named.key and o.version_id = named.version_id limit 1);
        released := released || array_remove(named.part_ids, null);
        if named.is_latest then
          update objects o set is_latest = true where o.ctid = (
            select o.ctid from objects o where o.bucket_id = named.bucket_id and o.key = named.key and not o.is_latest
             order by o.seq desc limit 1);
        end if;
      end if;
    end if;
  end loop;
  if released <> '{}' then
    perform release_parts_v1(released);
  end if;
  return json_build_array(outcomes, versions, markers);
end $function$;

CREATE OR REPLACE FUNCTION public.delete_verdict_v1(latest objects, condition jsonb)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN (((latest).key IS NULL) OR (latest).is_delete_marker) THEN CASE WHEN (condition ? 'etag'::text) THEN 'no-key'::text ELSE 'ok'::text END WHEN ((condition ->> 'etag'::text) <> ALL (ARRAY['*'::text, (latest).etag])) THEN 'etag-differs'::text WHEN (((condition ->> 'sizeBytes'::text))::bigint <> (latest).size_bytes) THEN 'size-differs'::text WHEN (date_trunc('second'::text, ((condition ->> 'modified'::text))::timestamp with time zone) <> date_trunc('second'::text, (latest).committed_at)) THEN 'time-differs'::text ELSE 'ok'::text END;

CREATE OR REPLACE FUNCTION public.drop_events_v1(target text, age interval, rows_max bigint, dropped_max integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  wanted alias for target;
  old timestamptz := clock_timestamp() - age;
  newest_above bigint;
  dropped bigint[];
begin
  select e.event_id into newest_above from event_outbox e where e.target = wanted
   order by e.event_id desc offset rows_max limit 1;
  select array_agg(d.event_id) into dropped from (
    select e.event_id, e.made_at from event_outbox e where e.target = wanted order by e.event_id limit dropped_max) as d
   where d.made_at < old or d.event_id <= newest_above;
  return cardinality(forget_events_v1(dropped));
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

CREATE OR REPLACE FUNCTION public.end_expired_sessions_v2()
 RETURNS SETOF integer
 LANGUAGE plpgsql
AS $function$
declare
  n int;
begin
  for n in
    select s.gateway_session from upload_sessions s
     where s.kind = 'gateway' and s.state in ('open', 'closed') and s.expires_at <= now()
       and s.gateway_session >= session_floor_v1()
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

CREATE OR REPLACE FUNCTION public.event_places_v1(event_ids bigint[])
 RETURNS tid[]
 LANGUAGE sql
 STABLE
AS $function$
  select array(
    select e.place from unnest(event_ids) as i (event_id)
     cross join lateral (select o.event_id, o.ctid as place from event_outbox o
                          where o.event_id >= i.event_id order by o.event_id limit 1) as e
     where e.event_id = i.event_id)
$function$;

CREATE OR REPLACE FUNCTION public.expire_objects_v1(bucket_id bigint, revision text, kind text, keys text[], version_ids text[], committed timestamp with time zone[], sizes bigint[], tags text[], since timestamp with time zone[], keeps integer[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  buckets bigint[] := array_fill(bucket_id, array[cardinality(keys)]);
  due_keys text[];
  due_ids text[];
  answer json;
begin
  perform lock_keys_v1(buckets, keys);
  if not lock_rules_v1(bucket, revision) then
    return 0;
  end if;
  select array_agg(o.key order by i.n), array_agg(o.version_id order by i.n) into due_keys, due_ids
    from unnest(keys, version_ids, committed, sizes, tags, since, keeps)
         with ordinality as i (key, version_id, committed_at, size_bytes, tags, since, keep, n)
   cross join lateral (select o.* from objects o
                        where o.bucket_id = bucket and o.key = i.key and o.version_id = i.version_id limit 1) as o
   where o.committed_at = i.committed_at and o.size_bytes = i.size_bytes and o.tags is not distinct from i.tags::jsonb
     and case kind
           when 'current' then o.is_latest and not o.is_delete_marker
           when 'marker' then o.is_latest and o.is_delete_marker and newer_versions_v1(bucket, o.key, -1, 1) = 0
           else not o.is_latest and replaced_at_v1(bucket, o.key, o.seq) = i.since
                and newer_versions_v1(bucket, o.key, o.seq, i.keep) >= i.keep
         end;
  if due_keys is null then
    return 0;
  end if;
  answer := delete_and_note_v1(
    buckets[:cardinality(due_keys)], due_keys, case when kind <> 'current' then due_ids end, null, null,
    'LifecycleExpiration', null);
  return case when answer is null then cardinality(due_keys)
         else (select count(*) from json_array_elements_text(answer->0) as outcome where outcome = 'ok') end;
end $function$;

CREATE OR REPLACE FUNCTION public.expire_uploads_of_v1(bucket_id bigint, revision text, upload_ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  due uuid[];
begin
  perform lock_buckets_v1(array[bucket]);
  if exists (select from catalogue_restores r where r.released_at is null) or not lock_rules_v1(bucket, revision) then
    return 0;
  end if;
  select array_agg(u.upload_id) into due from (
    select s.upload_id from upload_sessions s
     where s.upload_id = any (upload_ids) and s.bucket_id = bucket and s.kind = 'multipart' and s.state = 'open'
     order by s.upload_id for update) as u;
  if due is null then
    return 0;
  end if;
  perform drop_uploads_v1(due);
  return cardinality(due);
end $function$;

CREATE OR REPLACE FUNCTION public.expire_uploads_v1(rows_max integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
declare
  now_ms timestamptz := clock_timestamp(); -- in a variable: a volatile function in a condition keeps the index from being used
  open text := 'open';
  done text := 'completed';
  expired uuid[];
  completed uuid[];
begin
  select array_agg(e.upload_id) into expired from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = open and s.state <> 'forgotten'
     order by s.expires_at limit rows_max for update skip locked) as e;
  select array_agg(e.upload_id) into completed from (
    select s.upload_id from upload_sessions s
     where s.kind = 'multipart' and s.expires_at < now_ms and s.state = done and s.state <> 'forgotten'
     order by s.expires_at limit rows_max for update skip locked) as e;
  perform drop_uploads_v1(coalesce(expired, '{}') || coalesce(completed, '{}'));
  return coalesce(cardinality(expired), 0);
end $function$;

CREATE OR REPLACE FUNCTION public.expire_uploads_v2(rows_max integer)
 RETURNS integer
 LANGUAGE sql
AS $function$
  select case when exists (select from catalogue_restores r where r.released_at is null) then 0 else expire_uploads_v1(rows_max) end
$function$;

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

CREATE OR REPLACE FUNCTION public.find_rename_v1(bucket_id bigint, token text, request text)
 RETURNS TABLE(outcome text, version_id text)
 LANGUAGE sql
 STABLE
AS $function$
  select case when t.request = find_rename_v1.request then 'repeated' else 'token-mismatch' end, t.version_id
    from rename_tokens t where t.bucket_id = find_rename_v1.bucket_id and t.token = find_rename_v1.token limit 1
$function$;

CREATE OR REPLACE FUNCTION public.first_waiting_v1(target text, bucket_id bigint, key text, besides bigint[])
 RETURNS tid
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_variable
declare
  first record;
begin
  select e.ctid as place, e.target, e.bucket_id, e.key into first from event_outbox e
   where (e.target, e.bucket_id, e.key) >= (target, bucket_id, key) and e.event_id <> all (besides)
   order by e.target, e.bucket_id, e.key, e.event_id limit 1;
  return case when (first.target, first.bucket_id, first.key) = (target, bucket_id, key) then first.place end;
end $function$;

CREATE OR REPLACE FUNCTION public.forget_events_v1(event_ids bigint[])
 RETURNS bigint[]
 LANGUAGE plpgsql
AS $function$
declare
  gone bigint[];
begin
  perform lock_keys_v1(array_agg(e.bucket_id), array_agg(e.key))
     from event_outbox e where e.ctid = any (event_places_v1(event_ids));
  with forgotten as (
    delete from event_outbox e where e.ctid = any (event_places_v1(event_ids))
    returning e.event_id, e.target, e.bucket_id, e.key
  ), due as (
    update event_outbox e set due_at = clock_timestamp()
     where e.due_at is null and e.ctid = any (array(
       select first_waiting_v1(q.target, q.bucket_id, q.key, event_ids)
         from (select distinct f.target, f.bucket_id, f.key from forgotten f) as q))
  )
  select array_agg(f.event_id order by f.event_id) into gone from forgotten f;
  return coalesce(gone, '{}');
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

CREATE OR REPLACE FUNCTION public.heartbeat_v2(server_id uuid, capacity_bytes bigint, available_bytes bigint, chunk_count bigint, writable boolean, beats_seen bigint, stale_after interval)
 RETURNS bigint
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
end $function$;

CREATE OR REPLACE FUNCTION public.hold_object_v1(bucket_id bigint, key text, version_id text, is_on boolean)
 RETURNS TABLE(outcome text, changed_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  place tid;
  known record;
  verdict text := 'ok';
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  select o.version_id, o.is_delete_marker into known from objects o where o.ctid = place;
  if place is null then
    verdict := 'no-object';
  elsif known.is_delete_marker then
    verdict := 'delete-marker';
  else
    update objects o set lock = coalesce(o.lock, '{}') || jsonb_build_object('legalHold', is_on) where o.ctid = place;
  end if;
  return query select verdict, known.version_id::text;
end $function$;

CREATE OR REPLACE FUNCTION public.is_held_v1(lock jsonb, committed_at timestamp with time zone, may_bypass boolean)
 RETURNS boolean
 LANGUAGE sql
 PARALLEL SAFE
RETURN ((lock IS NOT NULL) AND (COALESCE(((lock ->> 'legalHold'::text))::boolean, false) OR ((lock ? 'mode'::text) AND (NOT (may_bypass AND ((lock ->> 'mode'::text) = 'GOVERNANCE'::text))) AND COALESCE((retained_until_v1(lock, committed_at) > clock_timestamp()), false))));

CREATE OR REPLACE FUNCTION public.latest_version_v1(bucket_id bigint, key text)
 RETURNS objects
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  latest objects;
begin
  select * into latest from (
    select o.* from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker
    union all
    select o.* from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker) as l
   limit 1;
  return latest;
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

CREATE OR REPLACE FUNCTION public.list_versions_v1(bucket_id bigint, prefix text, delimiter text, after text, after_version text, rows_max integer)
 RETURNS TABLE(name text, version_id text, is_latest boolean, is_delete_marker boolean, size_bytes bigint, etag text, committed_at timestamp with time zone, storage_class text, checksum_algorithm text, checksum_type text)
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text;
  o record;
  v record;
begin
  if after_version <> '' and starts_with(after, prefix) and rolled_up_v1(after, prefix, delimiter) = '' then
    select n.seq into v from objects n
     where n.bucket_id = bucket and n.key = after and n.version_id = after_version limit 1;
    if not found then
      start := after;
    else
      for o in
        select n.* from objects n where n.bucket_id = bucket and n.key = after and not n.is_latest and n.seq < v.seq
         order by n.seq desc limit rows_max
      loop
        shown := shown + 1;
        name := o.key; version_id := o.version_id; is_latest := false; is_delete_marker := o.is_delete_marker;
        size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at; storage_class := o.storage_class;
        checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
        return next;
      end loop;
    end if;
  end if;

  <<pages>>
  while shown < rows_max and start < stop loop
    common := '';
    for o in
      select l.*, exists (select from objects f where f.bucket_id = bucket and f.key = l.key and not f.is_latest) as has_former
        from (
          -- Each half in order by its own index, so that they are merged and not sorted.
          (select n.key, n.version_id, n.is_delete_marker, n.size_bytes, n.etag, n.committed_at, n.storage_class,
                  n.checksum_algorithm, n.checksum_type
             from objects n
            where n.bucket_id = bucket and n.is_latest and not n.is_delete_marker and n.key >= start and n.key < stop
            order by n.key limit rows_max - shown)
          union all
          (select n.key, n.version_id, n.is_delete_marker, n.size_bytes, n.etag, n.committed_at, n.storage_class,
                  n.checksum_algorithm, n.checksum_type
             from objects n
            where n.bucket_id = bucket and n.is_latest and n.is_delete_marker and n.key >= start and n.key < stop
            order by n.key limit rows_max - shown)
          order by 1 limit rows_max - shown) as l
       order by l.key
    loop
      common := rolled_up_v1(o.key, prefix, delimiter);
      exit when common <> '';
      shown := shown + 1;
      name := o.key; version_id := o.version_id; is_latest := true; is_delete_marker := o.is_delete_marker;
      size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at; storage_class := o.storage_class;
      checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
      if o.has_former then
        for v in
          select n.* from objects n where n.bucket_id = bucket and n.key = o.key and not n.is_latest
           order by n.seq desc limit rows_max - shown
        loop
          shown := shown + 1;
          version_id := v.version_id; is_latest := false; is_delete_marker := v.is_delete_marker;
          size_bytes := v.size_bytes; etag := v.etag; committed_at := v.committed_at; storage_class := v.storage_class;
          checksum_algorithm := v.checksum_algorithm; checksum_type := v.checksum_type;
          return next;
        end loop;
      end if;
      exit pages when shown >= rows_max;
    end loop;
    exit pages when common = ''; -- there were no more

    version_id := null; is_latest := null; is_delete_marker := null; size_bytes := null; etag := null;
    committed_at := null; storage_class := null; checksum_algorithm := null; checksum_type := null;
    while common <> '' loop
      shown := shown + 1;
      name := common;
      return next;
      start := prefix_end_v1(common);
      exit pages when shown >= rows_max or start >= stop;
      select l.key into o from (
        (select n.key from objects n
          where n.bucket_id = bucket and n.is_latest and not n.is_delete_marker and n.key >= start and n.key < stop
          order by n.key limit 1)
        union all
        (select n.key from objects n
          where n.bucket_id = bucket and n.is_latest and n.is_delete_marker and n.key >= start and n.key < stop
          order by n.key limit 1)
        order by 1 limit 1) as l;
      exit pages when not found;
      common := rolled_up_v1(o.key, prefix, delimiter);
    end loop;
    start := o.key; -- it stands for itself
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

CREATE OR REPLACE FUNCTION public.lock_copy_v1(source_bucket_id bigint, source_key text, target_bucket_id bigint, target_key text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  target_lock bigint := hashtextextended(target_key, target_bucket_id);
  source_lock bigint := hashtextextended(source_key, source_bucket_id);
begin
  perform lock_buckets_v1(array[source_bucket_id, target_bucket_id]);
  if source_lock < target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
  perform pg_advisory_xact_lock(target_lock);
  if source_lock > target_lock then
    perform pg_advisory_xact_lock_shared(source_lock);
  end if;
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

CREATE OR REPLACE FUNCTION public.lock_rules_v1(bucket_id bigint, revision text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  wanted alias for revision;
begin
  perform from bucket_documents d
    where d.bucket_id = bucket and d.name = 'lifecycle' and d.document->>'revision' = wanted for share;
  return found;
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

CREATE OR REPLACE FUNCTION public.make_room_v1(bucket_id bigint, key text, versioning text)
 RETURNS uuid[]
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  gone uuid[];
begin
  if versioning <> 'Enabled' then
    delete from objects o where o.ctid = (
      select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.version_id = 'null' limit 1)
    returning o.part_ids into gone;
  end if;
  if versioning <> '' then
    update objects o set is_latest = false where o.ctid = (
      select l.place from (
        select o.ctid as place from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker
        union all
        select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker) as l
       limit 1);
  end if;
  return coalesce(array_remove(gone, null), '{}');
end $function$;

CREATE OR REPLACE FUNCTION public.mark_recognised_v1(server integer)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  skipped constant int := 1048576; -- more sessions than are opened in any time that is lost
  session_max constant int := 2147000000;
  next_session int;
  same_restore int;
begin
  perform pg_advisory_xact_lock(6, 0);
  select case when q.is_called then q.last_value + 1 else q.last_value end into next_session from gateway_session_seq q;
  select r.restore_id into same_restore from catalogue_restores r
   where r.released_at is null and r.session_floor = next_session and server <> all (r.server_numbers) limit 1;
  if same_restore is not null then
    update catalogue_restores r set server_numbers = r.server_numbers || server where r.restore_id = same_restore;
  else
    next_session := least(next_session::bigint + skipped, session_max);
    perform setval('gateway_session_seq', next_session, false);
    insert into catalogue_restores (kind, session_floor, server_numbers) values ('recognised', next_session, array[server]);
  end if;
  -- What repairs had left over by then may be the only copy by now. Forgotten, it is found again as an orphan.
  delete from stray_chunks s where s.state = 'left over';
end $function$;

CREATE OR REPLACE FUNCTION public.mark_restored_v1(kind text, taken_at timestamp with time zone, session_max integer)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  how alias for kind;
  taken alias for taken_at;
  session_floor int := greatest((select s.last_value from gateway_session_seq s) + 1000000, session_max + 1);
begin
  perform setval('gateway_session_seq', session_floor, false);
  update upload_sessions s set state = 'forgotten', expires_at = least(s.expires_at, clock_timestamp())
   where s.kind = 'gateway' and s.state <> 'forgotten';
  update upload_sessions s set expires_at = greatest(s.expires_at, clock_timestamp() + interval '7 days')
   where s.kind = 'multipart' and s.state = 'open';
  delete from stray_chunks;
  insert into catalogue_restores (kind, taken_at, session_floor) values (how, taken, session_floor);
  return session_floor;
end $function$;

CREATE OR REPLACE FUNCTION public.missing_chunks_v1(servers integer[], damaged integer, lost integer[])
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT (count(*))::integer AS count FROM unnest(missing_chunks_v1.servers) WITH ORDINALITY c(server_number, "position") WHERE ((c.server_number = 0) OR (c.server_number = ANY (missing_chunks_v1.lost)) OR ((missing_chunks_v1.damaged & (1 << ((c."position" - 1))::integer)) <> 0)));

CREATE OR REPLACE FUNCTION public.newer_versions_v1(bucket_id bigint, key text, seq bigint, counted_max integer)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  since alias for seq;
begin
  if counted_max = 0 then
    return 0;
  end if;
  return (select count(*) from (
    select from objects o where o.bucket_id = bucket and o.key = name and not o.is_latest and o.seq > since
     limit counted_max) as newer);
end $function$;

CREATE OR REPLACE FUNCTION public.note_event_v1(event_name text, bucket_id bigint, key text, version_id text, size_bytes bigint, etag text, origin jsonb)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_variable
begin
  insert into event_outbox (target, bucket_id, key, event_name, rule_id, bucket_name, owner_id, region,
                            version_id, size_bytes, etag, origin, due_at)
  select r.rule->>'target', bucket_id, key, event_name, r.rule->>'id', b.name, b.owner_id, b.region,
         nullif(version_id, 'null'), size_bytes, etag, origin,
         case when first_waiting_v1(r.rule->>'target', b.bucket_id, key, '{}') is null then clock_timestamp() end
    from buckets b
   cross join lateral jsonb_array_elements(b.settings->'notification') as r (rule)
   where b.bucket_id = note_event_v1.bucket_id
     and r.rule->'events' ?| array['s3:' || event_name, 's3:' || split_part(event_name, ':', 1) || ':*']
     and starts_with(key, coalesce(r.rule->>'prefix', ''))
     and right(key, length(coalesce(r.rule->>'suffix', ''))) = coalesce(r.rule->>'suffix', '')
   limit 1;
end $function$;

CREATE OR REPLACE FUNCTION public.note_strays_v1(part_id uuid, chunk_numbers integer[], server_numbers integer[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.notify_events_v1(channel text, event_ids bigint[], payloads text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_notify(channel, i.payload)
     from unnest(forget_events_v1(event_ids)) with ordinality as g (event_id, n)
     join unnest(event_ids, payloads) as i (event_id, payload) on i.event_id = g.event_id
    order by g.n;
end $function$;

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

CREATE OR REPLACE FUNCTION public.observe_servers_v2(grace interval, stale_after interval, gap interval)
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
end $function$;

CREATE OR REPLACE FUNCTION public.place_of_version_v1(bucket_id bigint, key text, version_id text)
 RETURNS tid
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  wanted alias for version_id;
begin
  if wanted is not null then
    return (select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.version_id = wanted limit 1);
  end if;
  return coalesce(
    (select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker limit 1),
    (select o.ctid from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker limit 1));
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

CREATE OR REPLACE FUNCTION public.rename_object_v1(bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamp with time zone, target_key text, lock jsonb, if_none_match boolean, if_match text, modified_since timestamp with time zone, unmodified_since timestamp with time zone, token text, request text, origin jsonb)
 RETURNS TABLE(outcome text, version_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  given_token alias for token;
  given_request alias for request;
  kept text; -- the bucket's versioning
  source objects;
  target objects;
  is_there boolean;
  verdict text;
  made text := 'null';
  replaced uuid[];
begin
  perform lock_keys_v1(array[bucket, bucket], array[source_key, target_key]);
  return query select f.outcome, f.version_id from find_rename_v1(bucket, given_token, given_request) as f;
  if found then
    return;
  end if;
  select b.versioning into kept from buckets b where b.bucket_id = bucket;
  source := latest_version_v1(bucket, source_key);
  target := latest_version_v1(bucket, target_key);
  is_there := target.key is not null and not target.is_delete_marker;
  verdict := case
    when kept is null then 'no-bucket'
    when source.key is null or source.is_delete_marker then 'no-source'
    when source.version_id <> source_version_id or source.etag <> source_etag or source.committed_at <> source_committed_at
      then 'source-changed'
    when is_held_v1(source.lock, source.committed_at, false) then 'held'
    when verdict_v1(is_there, target.etag, if_none_match, if_match) <> 'ok' then 'precondition-failed'
    -- HTTP's dates have whole seconds.
    when modified_since is not null and not (is_there and date_trunc('second', target.committed_at) > modified_since)
      then 'precondition-failed'
    when is_there and date_trunc('second', target.committed_at) > unmodified_since then 'precondition-failed'
    else 'ok'
  end;
  if verdict <> 'ok' then
    return query select verdict, null::text;
    return;
  end if;

  if kept = 'Enabled' then
    made := version_id_v1(gen_random_uuid());
  end if;
  if given_token is not null then
    insert into rename_tokens (bucket_id, token, request, version_id) values (bucket, given_token, given_request, made)
    on conflict do nothing;
    if not found then -- another one, of other keys, at this moment
      return query select 'token-mismatch', null::text;
      return;
    end if;
    delete from rename_tokens t where t.ctid = any (array(
      select t.ctid from rename_tokens t where t.made_at < statement_timestamp() - interval '1 day' -- which an index can be asked for
       order by t.made_at limit 10 for update skip locked));
  end if;

  replaced := make_room_v1(bucket, target_key, kept);
  -- All that are released below, in their order: a marker may also take the place of a version called null.
  perform lock_parts_v1(source.part_ids || replaced || array(
    select p from objects o, unnest(o.part_ids) as p where o.bucket_id = bucket and o.key = source_key and o.version_id = 'null'));
  update parts p set refs = p.refs + r.n
    from (select i.part_id, count(*)::int as n from unnest(source.part_ids) as i (part_id) group by 1) as r
   where p.part_id = r.part_id;
  target := source;
  target.key := target_key;
  target.version_id := made;
  target.seq := nextval('object_version_seq');
  target.lock := lock;
  if kept <> '' then
    target.committed_at := clock_timestamp();
  end if;
  insert into objects select target.*;
  perform release_parts_v1(replaced);
  perform delete_and_note_v1(array[bucket], array[source_key], null, null, null, 'ObjectRemoved', array[origin::text]);
  perform note_event_v1('ObjectCreated:Copy', bucket, target_key, made, target.size_bytes, target.etag, origin);
  return query select 'ok', made;
end $function$;

CREATE OR REPLACE FUNCTION public.replaced_at_v1(bucket_id bigint, key text, seq bigint)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  since alias for seq;
begin
  return coalesce(
    (select o.committed_at from objects o
      where o.bucket_id = bucket and o.key = name and not o.is_latest and o.seq > since order by o.seq limit 1),
    (select o.committed_at from objects o
      where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker limit 1),
    (select o.committed_at from objects o
      where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker limit 1));
end $function$;

CREATE OR REPLACE FUNCTION public.retain_object_v1(bucket_id bigint, key text, version_id text, mode text, retain_until timestamp with time zone, may_bypass boolean)
 RETURNS TABLE(outcome text, changed_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  place tid;
  known record;
  verdict text := 'ok';
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  select o.version_id, o.is_delete_marker, o.lock, retained_until_v1(o.lock, o.committed_at) as held_until into known
    from objects o where o.ctid = place;
  if place is null then
    verdict := 'no-object';
  elsif known.is_delete_marker then
    verdict := 'delete-marker';
  elsif retain_until <= clock_timestamp() then
    verdict := 'past';
  elsif known.lock ? 'mode' and known.held_until > clock_timestamp()
        and (mode is distinct from known.lock->>'mode' or retain_until < known.held_until)
        and not (may_bypass and known.lock->>'mode' = 'GOVERNANCE') then
    verdict := 'held';
  else
    update objects o set lock = nullif(
      (coalesce(o.lock, '{}') - 'mode' - 'retainUntil' - 'retainDays')
      || case when mode is null then '{}'
         else jsonb_build_object('mode', mode, 'retainUntil', to_char(retain_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end,
      '{}') where o.ctid = place;
  end if;
  return query select verdict, known.version_id::text;
end $function$;

CREATE OR REPLACE FUNCTION public.retained_until_v1(lock jsonb, committed_at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN (lock ? 'retainUntil'::text) THEN ((lock ->> 'retainUntil'::text))::timestamp with time zone ELSE (committed_at + ((((lock ->> 'retainDays'::text))::integer)::double precision * '24:00:00'::interval)) END;

CREATE OR REPLACE FUNCTION public.rolled_up_v1(key text, prefix text, delimiter text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ((delimiter = ''::text) OR (strpos(substr(key, (char_length(prefix) + 1)), delimiter) = 0)) THEN ''::text ELSE "left"(key, (((char_length(prefix) + strpos(substr(key, (char_length(prefix) + 1)), delimiter)) + char_length(delimiter)) - 1)) END;

CREATE OR REPLACE FUNCTION public.session_floor_v1()
 RETURNS integer
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(max(r.session_floor), 0) from catalogue_restores r where r.released_at is null
$function$;

CREATE OR REPLACE FUNCTION public.session_of_part_v1(part_id uuid)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((('x'::text || "right"((part_id)::text, 8)))::bit(32))::integer;

CREATE OR REPLACE FUNCTION public.set_object_access_v1(bucket_id bigint, key text, version_id text, owner_id text, access jsonb)
 RETURNS TABLE(outcome text, changed_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  owner alias for owner_id;
  new_access alias for access;
  place tid;
  known record;
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  if place is null then
    return query select 'no-object', null::text;
    return;
  end if;
  select o.version_id, o.is_delete_marker, coalesce(o.access ->> 'ownerId', b.owner_id) as owner_id into known
    from objects o join buckets b on b.bucket_id = o.bucket_id where o.ctid = place;
  if known.is_delete_marker then
    return query select 'delete-marker', known.version_id::text;
    return;
  end if;
  if known.owner_id is distinct from owner then
    return query select 'no-object', null::text;
    return;
  end if;
  update objects o set access = new_access where o.ctid = place;
  return query select 'ok', known.version_id::text;
end $function$;

CREATE OR REPLACE FUNCTION public.set_server_status_v1(server integer, status text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.tag_and_note_v1(bucket_id bigint, key text, version_id text, tags jsonb, origin jsonb)
 RETURNS TABLE(outcome text, changed_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_variable
begin
  select c.* into outcome, changed_id from tag_object_v1(bucket_id, key, version_id, tags) as c;
  if outcome = 'ok' then
    perform note_event_v1('ObjectTagging:' || case when tags is null then 'Delete' else 'Put' end,
                          o.bucket_id, o.key, o.version_id, null, o.etag, origin) from objects o
      where o.bucket_id = tag_and_note_v1.bucket_id and o.key = tag_and_note_v1.key and o.version_id = changed_id limit 1;
  end if;
  return next;
end $function$;

CREATE OR REPLACE FUNCTION public.tag_object_v1(bucket_id bigint, key text, version_id text, tags jsonb)
 RETURNS TABLE(outcome text, changed_id text)
 LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  new_tags alias for tags;
  place tid;
  known record;
begin
  perform lock_keys_v1(array[bucket], array[name]);
  place := place_of_version_v1(bucket, name, version_id);
  if place is null then
    return query select 'no-object', null::text;
    return;
  end if;
  select o.version_id, o.is_delete_marker into known from objects o where o.ctid = place;
  if known.is_delete_marker then
    return query select 'delete-marker', known.version_id::text;
    return;
  end if;
  update objects o set tags = new_tags where o.ctid = place;
  return query select 'ok', known.version_id::text;
end $function$;

CREATE OR REPLACE FUNCTION public.verdict_v1(is_there boolean, etag text, if_none_match boolean, if_match text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (if_none_match AND is_there) THEN 'precondition-failed'::text WHEN (if_match = ''::text) THEN 'ok'::text WHEN (NOT is_there) THEN 'no-key'::text WHEN ((if_match <> '*'::text) AND (if_match <> etag)) THEN 'precondition-failed'::text ELSE 'ok'::text END;

CREATE OR REPLACE FUNCTION public.version_id_v1(id uuid)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN replace((id)::text, '-'::text, ''::text);

comment on column access_keys.sealed_secret is 'AES-256-GCM under a key that the database never sees';

comment on column access_keys.origin is 'settings: the root key of the environment, replaced when that changes';

comment on column access_keys.last_used_at is 'Within some minutes: gateways write it behind, many keys at once';

comment on column access_keys.former_secret is 'What was rotated away, sealed as sealed_secret is; good until former_until';

comment on column access_keys.allowed_from is 'Addresses and CIDR blocks; null: anywhere';

comment on column access_keys.limits is 'requestsPerSecond, bytesPerSecond (0: none), in place of what the settings say; null: as they say';

comment on column accounts.account_id is 'S3''s canonical user id';

comment on table catalogue_restores is 'Chunks of parts that this database does not know may be somebody''s acknowledged data: what sessions below session_floor wrote is kept, until released_at is set';

comment on column catalogue_restores.kind is 'backup, rebuild: marked by the command that made it; recognised: by what storage servers know';

comment on column catalogue_restores.taken_at is 'The backup holds what was committed before; null: not known';

comment on column catalogue_restores.server_numbers is 'Servers that have spoken to a later state of this database than this one';

comment on view chunks is 'One row a chunk, of the arrays in parts';

comment on table doomed_parts is 'Parts that nothing refers to; their chunks are deleted after a grace';

comment on column event_outbox.target is 'The ARN that the bucket''s configuration names';

comment on column event_outbox.bucket_id is 'Bucket, name, owner and region as they were: the bucket may be gone by now';

comment on column event_outbox.event_name is 'Without s3:, as in the message';

comment on column event_outbox.origin is 'Who asked for it, from where, in which request; null: nobody, or it is not known';

comment on column event_outbox.due_at is 'When it is told, or tried again; null: it waits behind another one of its key';

comment on column hash_ring_nodes.hash_value is 'xxh64, unsigned: add 2^64 to what is negative';

comment on column jobs.runner is 'The gateway process that runs it; its word counts until lease_until';

comment on column jobs.seen_at is 'The last sign of life of whoever ran it last';

comment on column jobs.error is 'What its last run failed of; null when it went well';

comment on table key_generations is 'Rotations of the store''s own keys: new data keys are sealed under the highest; empty: 1';

comment on table objects is 'One row a version of an object, or a delete marker; «null» is the version of a bucket that keeps none';

comment on column objects.seq is 'Taken under the key''s lock when a version becomes the latest: the order of a key''s versions';

comment on column objects.is_latest is 'What a request without a version id means; it may be a delete marker';

comment on column objects.part_ids is 'null within: a part without bytes';

comment on column objects.tags is 'An array of [key, value], in the order given; null: none';

comment on column objects.lock is 'Object lock: mode with retainUntil, or with retainDays since committed_at; legalHold';

comment on column objects.encryption is 'kind, sealedKey, sealedBy, keyId, context, isBucketKey; null: not encrypted';

comment on column objects.access is 'Who put it, and its ACL; null: the bucket''s owner alone';

comment on column parts.size_bytes is 'As it is stored; the objects and uploads that refer to the part say how long it is to clients';

comment on column parts.servers is 'Storage server of each chunk, data chunks first; 0 where the chunk is missing';

comment on column parts.refs is 'References from objects.part_ids and upload_parts; at 0 the part is in doomed_parts';

comment on column parts.committed_at is 'null: given up before it was committed, and can never be';

comment on column parts.plain_bytes is 'What was compressed, in frames (docs/adr/0075); null: the part is stored as it came';

comment on column rename_tokens.request is 'A digest of who asked, and for what';

comment on column repair_queue.next_attempt_at is 'Set when an attempt begins, further off with each: one that was killed is made again then';

comment on column repair_queue.damaged_chunks is 'A bit a chunk, 1 for chunk 0: said to be missing or rotten where the part''s row has it';

comment on column repair_queue.error is 'What the last attempt failed of';

comment on column server_absences.is_lost is 'Away for longer than the grace: its chunks are rebuilt elsewhere';

comment on column storage_servers.data_directory is 'Where gateways on the same host may read chunks; empty: nowhere';

comment on column storage_servers.beats is 'Heartbeats so far. A node that knows a higher number spoke to a later state of this database: it was restored';

comment on table stray_chunks is 'Chunks that may lie on a server where their part''s row does not have them';

comment on column upload_parts.part_id is 'null: a part without bytes';

comment on column upload_sessions.gateway_session is 'The last 4 bytes of the id of every part that this gateway writes';

comment on column upload_sessions.encryption is 'What the object will have; parts are encrypted with the same data key';
