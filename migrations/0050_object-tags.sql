-- What of an object may change after it was written. Nothing else of it does: neither its time nor its order.

-- Where a version lies that is named, or the latest one; null: there is none. Its key is locked.
create function place_of_version_v1(bucket_id bigint, key text, version_id text) returns tid language plpgsql stable as $$
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
end $$;

-- `tags` null: none. Outcomes: ok, no-object, delete-marker.
create function tag_object_v1(bucket_id bigint, key text, version_id text, tags jsonb)
returns table (outcome text, changed_id text) language plpgsql as $$
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
end $$;
