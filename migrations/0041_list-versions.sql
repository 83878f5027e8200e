-- The latest version of a key, a delete marker included; null where there is none.
create function latest_version_v1(bucket_id bigint, key text) returns objects language plpgsql stable as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  name alias for key;
  latest objects;
begin
  select * into latest from (
    select o.* from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and not o.is_delete_marker
    union all
    select o.* from objects o where o.bucket_id = bucket and o.key = name and o.is_latest and o.is_delete_marker) as l
   limit 1;
  return latest;
end $$;

-- Versions and delete markers, by key, the newest of a key first; those behind version `after_version` of key `after`, or
-- behind all of that key where it is empty. When that version is gone, those of its key are listed again: whoever deletes
-- what was listed, page by page, misses none. A row whose size_bytes is null is a common prefix. By probes, as
-- list_objects_v2: what lies under a common prefix, and before the place to begin at, costs nothing.
create function list_versions_v1(
  bucket_id bigint, prefix text, delimiter text, after text, after_version text, rows_max int
) returns table (
  name text, version_id text, is_latest boolean, is_delete_marker boolean, size_bytes bigint, etag text,
  committed_at timestamptz, storage_class text, checksum_algorithm text, checksum_type text
)
language plpgsql stable as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text;
  o record;
  v record;
begin
  if after_version <> '' and starts_with(after, prefix) and rolled_up_v1(after, prefix, delimiter) = '' then
    select n.seq into v from objects n
     where n.bucket_id = bucket and n.key = after and n.version_id = after_version limit 1;
    if not found then
      start := after;
    else
      for o in
        select n.* from objects n where n.bucket_id = bucket and n.key = after and not n.is_latest and n.seq < v.seq
         order by n.seq desc limit rows_max
      loop
        shown := shown + 1;
        name := o.key; version_id := o.version_id; is_latest := false; is_delete_marker := o.is_delete_marker;
        size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at; storage_class := o.storage_class;
        checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
        return next;
      end loop;
    end if;
  end if;

  <<pages>>
  while shown < rows_max and start < stop loop
    common := '';
    for o in
      select l.*, exists (select from objects f where f.bucket_id = bucket and f.key = l.key and not f.is_latest) as has_former
        from (
          -- Each half in order by its own index, so that they are merged and not sorted.
          (select n.key, n.version_id, n.is_delete_marker, n.size_bytes, n.etag, n.committed_at, n.storage_class,
                  n.checksum_algorithm, n.checksum_type
             from objects n
            where n.bucket_id = bucket and n.is_latest and not n.is_delete_marker and n.key >= start and n.key < stop
            order by n.key limit rows_max - shown)
          union all
          (select n.key, n.version_id, n.is_delete_marker, n.size_bytes, n.etag, n.committed_at, n.storage_class,
                  n.checksum_algorithm, n.checksum_type
             from objects n
            where n.bucket_id = bucket and n.is_latest and n.is_delete_marker and n.key >= start and n.key < stop
            order by n.key limit rows_max - shown)
          order by 1 limit rows_max - shown) as l
       order by l.key
    loop
      common := rolled_up_v1(o.key, prefix, delimiter);
      exit when common <> '';
      shown := shown + 1;
      name := o.key; version_id := o.version_id; is_latest := true; is_delete_marker := o.is_delete_marker;
      size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at; storage_class := o.storage_class;
      checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
      if o.has_former then
        for v in
          select n.* from objects n where n.bucket_id = bucket and n.key = o.key and not n.is_latest
           order by n.seq desc limit rows_max - shown
        loop
          shown := shown + 1;
          version_id := v.version_id; is_latest := false; is_delete_marker := v.is_delete_marker;
          size_bytes := v.size_bytes; etag := v.etag; committed_at := v.committed_at; storage_class := v.storage_class;
          checksum_algorithm := v.checksum_algorithm; checksum_type := v.checksum_type;
          return next;
        end loop;
      end if;
      exit pages when shown >= rows_max;
    end loop;
    exit pages when common = ''; -- there were no more

    version_id := null; is_latest := null; is_delete_marker := null; size_bytes := null; etag := null;
    committed_at := null; storage_class := null; checksum_algorithm := null; checksum_type := null;
    while common <> '' loop
      shown := shown + 1;
      name := common;
      return next;
      start := prefix_end_v1(common);
      exit pages when shown >= rows_max or start >= stop;
      select l.key into o from (
        (select n.key from objects n
          where n.bucket_id = bucket and n.is_latest and not n.is_delete_marker and n.key >= start and n.key < stop
          order by n.key limit 1)
        union all
        (select n.key from objects n
          where n.bucket_id = bucket and n.is_latest and n.is_delete_marker and n.key >= start and n.key < stop
          order by n.key limit 1)
        order by 1 limit 1) as l;
      exit pages when not found;
      common := rolled_up_v1(o.key, prefix, delimiter);
    end loop;
    start := o.key; -- it stands for itself
  end loop;
end $$;
