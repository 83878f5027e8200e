-- What S3 can set on a bucket. `settings` is what requests are judged by and travels with every look-up of the bucket;
-- what only upkeep or its owner reads is a document of its own.
alter table buckets
  add column versioning text collate "C" not null default '' check (versioning in ('', 'Enabled', 'Suspended')),
  add column settings jsonb not null default '{}';

create table bucket_documents (
  bucket_id bigint not null references buckets (bucket_id) on delete cascade,
  name text collate "C" not null,
  document jsonb not null,
  changed_at timestamptz(3) not null default clock_timestamp(),
  primary key (bucket_id, name)
);

-- Outcomes: ok, exists (whoever owns it), too-many. The owner's row serialises what one account creates.
create function create_bucket_v2(name text, owner_id text, region text, settings jsonb, versioning text, buckets_max int)
returns table (outcome text, bucket buckets) language plpgsql as $$
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
end $$;
