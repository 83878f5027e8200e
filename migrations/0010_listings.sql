-- Listings: one scan forward through an index, which seeks past each common prefix that it finds. The cost is that of
-- what is shown, whatever lies beneath. Bounds are always there: «x is null or …» in a prepared statement loses the index.

-- The smallest text above all that begin with `prefix`, by UTF-8 bytes, which for valid text is by code points.
-- U+10FFFF has no successor, and surrogates (U+D800 to U+DFFF) are no characters. 257 times U+10FFFF is 1,028 bytes, and
-- so above every key (1,024).
create function prefix_end_v1(prefix text) returns text language plpgsql immutable parallel safe as $$
declare
  n int := char_length(prefix);
  c int;
begin
  while n > 0 loop
    c := ascii(substr(prefix, n, 1));
    if c < 1114111 then
      return left(prefix, n - 1) || chr(case c when 55295 then 57344 else c + 1 end);
    end if;
    n := n - 1;
  end loop;
  return repeat(chr(1114111), 257);
end $$;

-- The common prefix that `key` is rolled up into, or '' if it stands for itself.
create function rolled_up_v1(key text, prefix text, delimiter text) returns text language sql immutable parallel safe
return case
  when delimiter = '' or strpos(substr(key, char_length(prefix) + 1), delimiter) = 0 then ''
  else left(key, char_length(prefix) + strpos(substr(key, char_length(prefix) + 1), delimiter) + char_length(delimiter) - 1)
end;

-- Where a listing goes on after `after`: behind all of it when it is itself a common prefix of this listing, else at
-- the next text there is (there is no U+0000 in PostgreSQL's text).
create function listing_start_v1(prefix text, delimiter text, after text) returns text language sql immutable parallel safe
return case
  when after = '' then prefix
  when starts_with(after, prefix) and rolled_up_v1(after, prefix, delimiter) = after then prefix_end_v1(after)
  else greatest(prefix collate "C", after || chr(1))
end;

create function list_objects_v1(bucket_id bigint, prefix text, delimiter text, after text, rows_max int)
returns table (
  is_prefix boolean, name text, size_bytes bigint, etag text, committed_at timestamptz, storage_class text,
  checksum_algorithm text, checksum_type text
)
language plpgsql stable as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text := '';
  o record;
begin
  loop
    for o in
      select o.key, o.size_bytes, o.etag, o.committed_at, o.storage_class, o.checksum_algorithm, o.checksum_type
        from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit rows_max - shown
    loop
      common := rolled_up_v1(o.key, prefix, delimiter);
      shown := shown + 1;
      if common <> '' then
        is_prefix := true; name := common; size_bytes := 0; etag := ''; committed_at := null; storage_class := '';
        checksum_algorithm := null; checksum_type := null;
        return next;
        exit;
      end if;
      is_prefix := false; name := o.key; size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at;
      storage_class := o.storage_class; checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
    end loop;
    exit when common = '' or shown >= rows_max;
    start := prefix_end_v1(common);
    common := '';
    exit when start >= stop;
  end loop;
end $$;

-- By key, then by time of initiation. With `after_upload` only what follows that upload within `after`'s key; if it is
-- gone by now, its place is taken by its id (a UUIDv7 sorts by time).
create function list_uploads_v1(
  bucket_id bigint, prefix text, delimiter text, after text, after_upload text, rows_max int
) returns table (is_prefix boolean, name text, upload_id uuid)
language plpgsql stable as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  shown int := 0;
  common text := '';
  marker upload_sessions;
  marker_id uuid;
  s record;
begin
  if after <> '' and after_upload <> '' and starts_with(after, prefix) and rolled_up_v1(after, prefix, delimiter) = '' then
    marker_id := after_upload::uuid;
    select u.* into marker from upload_sessions u where u.upload_id = marker_id and u.bucket_id = bucket and u.key = after;
    for s in
      select u.key, u.upload_id from upload_sessions u
       where u.bucket_id = bucket and u.kind = 'multipart' and u.state = 'open' and u.key = after
         and (u.initiated_at, u.upload_id) > (coalesce(marker.initiated_at, '-infinity'), case when marker.upload_id is null then '00000000-0000-0000-0000-000000000000' else marker_id end)
         and (marker.upload_id is not null or u.upload_id > marker_id)
       order by u.key, u.initiated_at, u.upload_id limit rows_max
    loop
      shown := shown + 1;
      is_prefix := false; name := s.key; upload_id := s.upload_id;
      return next;
    end loop;
  end if;
  while shown < rows_max and start < stop loop
    for s in
      select u.key, u.upload_id from upload_sessions u
       where u.bucket_id = bucket and u.kind = 'multipart' and u.state = 'open' and u.key >= start and u.key < stop
       order by u.key, u.initiated_at, u.upload_id limit rows_max - shown
    loop
      common := rolled_up_v1(s.key, prefix, delimiter);
      shown := shown + 1;
      is_prefix := common <> ''; name := case when common <> '' then common else s.key end; upload_id := s.upload_id;
      return next;
      exit when common <> '';
    end loop;
    exit when common = '';
    start := prefix_end_v1(common);
    common := '';
  end loop;
end $$;
