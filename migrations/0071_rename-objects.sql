-- Renaming: an object gets another key of its bucket, in one transaction, and no byte of it is touched.

-- Renames that were done, so that a client may ask for one again. Forgotten after a day, by those that come later.
create table rename_tokens (
  bucket_id bigint not null,
  token text collate "C" not null,
  request text collate "C" not null,
  version_id text collate "C" not null,
  made_at timestamptz not null default clock_timestamp(),
  primary key (bucket_id, token)
);
create index rename_tokens_ages on rename_tokens (made_at);
comment on column rename_tokens.request is 'A digest of who asked, and for what';

-- What became of a rename that was asked for before; no row: nothing is known of it. Outcomes: repeated, token-mismatch.
create function find_rename_v1(bucket_id bigint, token text, request text) returns table (outcome text, version_id text)
language sql stable as $$
  select case when t.request = find_rename_v1.request then 'repeated' else 'token-mismatch' end, t.version_id
    from rename_tokens t where t.bucket_id = find_rename_v1.bucket_id and t.token = find_rename_v1.token limit 1
$$;

-- The source must still be the latest version that was looked at. In a bucket that keeps no versions its row gets the other
-- key, and its time stays. Elsewhere the target gets a new version, of now (when the one before it ceased to be current is
-- counted from that), which shares the source's parts; the source stays, under a delete marker. `lock`: what the bucket holds
-- new versions by. A target that is there is replaced, as by a PUT; a source that is held keeps its name.
-- Outcomes: ok, repeated, token-mismatch, no-bucket, no-source, source-changed, held, precondition-failed.
create function rename_object_v1(
  bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamptz,
  target_key text, lock jsonb, if_none_match boolean, if_match text,
  modified_since timestamptz, unmodified_since timestamptz, token text, request text, origin jsonb
) returns table (outcome text, version_id text) language plpgsql as $$
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
end $$;

-- The transaction of a copy locks its source and its target, and may then look at both.
create function lock_copy_v1(source_bucket_id bigint, source_key text, target_bucket_id bigint, target_key text)
returns void language plpgsql as $$
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
end $$;

-- As copy_and_note_v1, and the source must begin with the part that was looked at: another object of the same ETag and
-- time may bear its name by now, and be encrypted under another key.
create function copy_and_note_v2(
  source_bucket_id bigint, source_key text, source_version_id text, source_etag text, source_committed_at timestamptz,
  source_part_id uuid, target_bucket_id bigint, target_key text, storage_class text, headers jsonb, user_metadata jsonb,
  extras jsonb, if_none_match boolean, if_match text, origin jsonb
) returns table (outcome text, version_id text, committed_at timestamptz)
language plpgsql as $$
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
end $$;
