-- As list_objects_v1, for listings with a delimiter (those without need no function). Behind a common prefix it probes
-- for the next key, instead of starting a scan that it gives up at once: half the cost of a prefix. A row whose
-- size_bytes is null is a common prefix.
create function list_objects_v2(bucket_id bigint, prefix text, delimiter text, after text, rows_max int)
returns table (
  name text, size_bytes bigint, etag text, committed_at timestamptz, storage_class text,
  checksum_algorithm text, checksum_type text
)
language plpgsql stable as $$
#variable_conflict use_column
declare
  bucket alias for bucket_id;
  start text collate "C" := listing_start_v1(prefix, delimiter, after);
  stop text collate "C" := prefix_end_v1(prefix);
  prefix_chars int := char_length(prefix);
  -- What follows after a common prefix, which ends in the delimiter, ends in this; null: prefix_end_v1 has to look further.
  delimiter_end text := case when delimiter <> repeat(chr(1114111), char_length(delimiter)) then prefix_end_v1(delimiter) end;
  shown int := 0;
  cut int;
  o record;
begin
  <<pages>>
  loop
    cut := 0;
    for o in
      select o.key, o.size_bytes, o.etag, o.committed_at, o.storage_class, o.checksum_algorithm, o.checksum_type
        from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit rows_max - shown
    loop
      cut := strpos(substr(o.key, prefix_chars + 1), delimiter);
      exit when cut > 0;
      shown := shown + 1;
      name := o.key; size_bytes := o.size_bytes; etag := o.etag; committed_at := o.committed_at;
      storage_class := o.storage_class; checksum_algorithm := o.checksum_algorithm; checksum_type := o.checksum_type;
      return next;
    end loop;
    exit pages when cut = 0;

    size_bytes := null; etag := null; committed_at := null; storage_class := null; checksum_algorithm := null; checksum_type := null;
    while cut > 0 loop
      shown := shown + 1;
      name := left(o.key, prefix_chars + cut - 1) || delimiter;
      return next;
      exit pages when shown >= rows_max;
      start := coalesce(left(o.key, prefix_chars + cut - 1) || delimiter_end, prefix_end_v1(name));
      exit pages when start >= stop;
      select o.key into o from objects o
       where o.bucket_id = bucket and o.is_latest and not o.is_delete_marker and o.key >= start and o.key < stop
       order by o.key limit 1;
      exit pages when not found;
      cut := strpos(substr(o.key, prefix_chars + 1), delimiter);
    end loop;
    start := o.key; -- it stands for itself
  end loop;
end $$;
