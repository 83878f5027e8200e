-- The jobs that run behind. Each is one row: run by one gateway at a time, which says here how far it is, so that after
-- its end another one goes on from there.

drop table jobs; -- of 0004: nothing ever used it

create table jobs (
  name text primary key,
  is_paused boolean not null default false,
  due_at timestamptz not null default clock_timestamp(),
  runner text,
  lease_until timestamptz not null default '-infinity',
  seen_at timestamptz,
  progress jsonb not null default '{}',
  error text
);
comment on column jobs.runner is 'The gateway process that runs it; its word counts until lease_until';
comment on column jobs.seen_at is 'The last sign of life of whoever ran it last';
comment on column jobs.error is 'What its last run failed of; null when it went well';
