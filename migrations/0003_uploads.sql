-- What has begun and is not yet an object: multipart uploads, and gateways at work.

create sequence gateway_session_seq as int;

create table upload_sessions (
  upload_id uuid primary key,
  kind text not null check (kind in ('multipart', 'gateway')),
  state text not null check (state in ('open', 'completed', 'closed', 'forgotten')),
  initiated_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz not null,
  gateway_session int check ((kind = 'gateway') = (gateway_session is not null)),
  bucket_id bigint check ((kind = 'multipart') = (bucket_id is not null)),
  key text collate "C" check ((kind = 'multipart') = (key is not null)),
  initiator_id text collate "C",
  headers jsonb,
  user_metadata jsonb,
  storage_class text,
  checksum_algorithm text,
  checksum_type text,
  completed_version_id text collate "C",
  completed_at timestamptz(3),
  completed_etag text,
  completed_checksum_algorithm text,
  completed_checksum_value text,
  completed_checksum_type text
);
create index upload_sessions_listed on upload_sessions (bucket_id, key, initiated_at, upload_id)
  where kind = 'multipart' and state = 'open';
create index upload_sessions_by_expiry on upload_sessions (kind, expires_at) where state <> 'forgotten';
create unique index upload_sessions_of_gateways on upload_sessions (gateway_session) where kind = 'gateway';
comment on column upload_sessions.gateway_session is 'The last 4 bytes of the id of every part that this gateway writes';

create table upload_parts (
  upload_id uuid not null,
  part_number int not null check (part_number between 1 and 10000),
  part_id uuid,
  size_bytes bigint not null check (size_bytes >= 0),
  etag text collate "C" not null,
  checksum_algorithm text,
  checksum_value text,
  checksum_type text,
  modified_at timestamptz(3) not null,
  primary key (upload_id, part_number)
);
comment on column upload_parts.part_id is 'null: a part without bytes';
