-- Who may use the store, and the buckets that they own.

create table accounts (
  account_id text collate "C" primary key check (account_id ~ '^[0-9a-f]{64}$'),
  name text collate "C" not null unique,
  display_name text not null,
  email text not null default '',
  is_root boolean not null default false,
  created_at timestamptz not null default now()
);
create unique index accounts_one_root on accounts (is_root) where is_root;
comment on column accounts.account_id is 'S3''s canonical user id';

create table access_keys (
  access_key_id text collate "C" primary key,
  account_id text collate "C" not null references accounts,
  sealed_secret bytea not null,
  origin text not null check (origin in ('settings', 'command')),
  policy jsonb,
  status text not null default 'active' check (status in ('active', 'disabled')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default 'infinity',
  last_used_at timestamptz
);
create index access_keys_by_account on access_keys (account_id);
comment on column access_keys.sealed_secret is 'AES-256-GCM under a key that the database never sees';
comment on column access_keys.origin is 'settings: the root key of the environment, replaced when that changes';

create table buckets (
  bucket_id bigint generated always as identity primary key,
  name text collate "C" not null unique,
  owner_id text collate "C" not null references accounts,
  region text not null,
  created_at timestamptz(3) not null default now()
);
create index buckets_by_owner on buckets (owner_id, name);
