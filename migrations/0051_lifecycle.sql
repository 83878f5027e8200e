-- What lifecycle rules say of a bucket is executed by a job, page by page. It judges by what it has read; each deletion is
-- judged again here, under the locks of its transaction: nothing goes that is not as it was read, or that rules of today
-- say nothing of.

insert into jobs (name) values ('lifecycle');

-- When the version of a key that was noncurrent with this `seq` was replaced: the time of the one that came next.
create function replaced_at_v1(bucket_id bigint, key text, seq bigint) returns timestamptz language plpgsql stable as $$
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
end $$;

-- How many noncurrent versions of a key are younger; no more than `counted_max` are counted.
create function newer_versions_v1(bucket_id bigint, key text, seq bigint, counted_max int) returns int language plpgsql stable as $$
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
end $$;

-- Whether a bucket's rules are still those of `revision`; they are until the transaction ends.
create function lock_rules_v1(bucket_id bigint, revision text) returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  wanted alias for revision;
begin
  perform from bucket_documents d
    where d.bucket_id = bucket and d.name = 'lifecycle' and d.document->>'revision' = wanted for share;
  return found;
end $$;

-- Aborts uploads that are still open, and answers how many; none while the database is in doubt (0035).
create function expire_uploads_of_v1(bucket_id bigint, revision text, upload_ids uuid[]) returns int language plpgsql as $$
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
end $$;
