-- Whose an object is and who else may do what with it: `access` null says that it is the bucket owner's, and private.
-- `owner` is whose it was when it was looked at: an object that somebody else wrote since is another one.
-- Outcomes: ok, no-object, delete-marker.
create function set_object_access_v1(bucket_id bigint, key text, version_id text, owner_id text, access jsonb)
returns table (outcome text, changed_id text) language plpgsql as $$
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
end $$;
