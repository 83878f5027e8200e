-- Objects, and the parts that hold their bytes. docs/adr/0003 says why parts are keyed by their own id.

create sequence object_version_seq;

create table objects (
  bucket_id bigint not null,
  key text collate "C" not null,
  version_id text collate "C" not null,
  seq bigint not null default nextval('object_version_seq'),
  is_latest boolean not null,
  is_delete_marker boolean not null default false,
  is_multipart boolean not null default false,
  size_bytes bigint not null check (size_bytes >= 0),
  etag text collate "C" not null,
  committed_at timestamptz(3) not null default clock_timestamp(),
  storage_class text not null,
  checksum_algorithm text,
  checksum_value text,
  checksum_type text,
  headers jsonb not null,
  user_metadata jsonb not null,
  part_numbers int[] not null,
  part_ids uuid[] not null,
  part_sizes bigint[] not null,
  part_checksums text[] not null,
  primary key (bucket_id, key, version_id),
  check (cardinality(part_ids) = cardinality(part_numbers)
     and cardinality(part_sizes) = cardinality(part_numbers)
     and cardinality(part_checksums) = cardinality(part_numbers))
) with (fillfactor = 90);
create unique index objects_current on objects (bucket_id, key) where is_latest;
comment on table objects is 'One row a version of an object; «null» is the version of a bucket that keeps none';
comment on column objects.seq is 'Taken under the key''s lock: the order of a key''s versions';
comment on column objects.part_ids is 'null within: a part without bytes';

create table parts (
  part_id uuid primary key,
  size_bytes bigint not null check (size_bytes > 0),
  block_bytes int not null check (block_bytes > 0),
  parity_chunks smallint not null check (parity_chunks between 0 and 6),
  servers int[] not null,
  chunk_hashes bytea not null,
  refs int not null check (refs >= 0),
  committed_at timestamptz(3),
  check (octet_length(chunk_hashes) = 32 * cardinality(servers))
) with (fillfactor = 90);
comment on column parts.servers is 'Storage server of each chunk, data chunks first; 0 where the chunk is missing';
comment on column parts.refs is 'References from objects.part_ids and upload_parts; at 0 the part is in doomed_parts';
comment on column parts.committed_at is 'null: given up before it was committed, and can never be';

create table doomed_parts (
  part_id uuid primary key,
  doomed_at timestamptz not null default clock_timestamp()
);
comment on table doomed_parts is 'Parts that nothing refers to; their chunks are deleted after a grace';

create table repair_queue (
  part_id uuid primary key,
  missing_chunks smallint not null,
  reason text not null,
  attempts int not null default 0,
  queued_at timestamptz not null default clock_timestamp(),
  next_attempt_at timestamptz not null default clock_timestamp()
);
create index repair_queue_by_urgency on repair_queue (missing_chunks desc, next_attempt_at);
