-- Outcomes: ok, exists (whoever owns it), too-many. The owner's row serialises what one account creates.
create function create_bucket_v1(name text, owner_id text, region text, buckets_max int)
returns table (outcome text, bucket_id bigint, found_name text, found_owner_id text, found_region text, created_at timestamptz)
language plpgsql as $$
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
end $$;

-- Outcomes: ok, no-bucket, not-empty. Open uploads do not count, and end with the bucket.
create function delete_bucket_v1(bucket_id bigint) returns text language plpgsql as $$
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
end $$;
