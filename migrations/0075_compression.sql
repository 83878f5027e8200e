-- Parts that are compressed: their size as it is stored, which layout, repair and moving go by, is another than clients know.
alter table parts add column plain_bytes bigint check (plain_bytes > 0);
comment on column parts.size_bytes is 'As it is stored; the objects and uploads that refer to the part say how long it is to clients';
comment on column parts.plain_bytes is 'What was compressed, in frames (docs/adr/0075); null: the part is stored as it came';

-- As commit_and_note_v1. `stored_sizes`: of parts that are compressed, what is stored of them; null altogether where none is.
create function commit_and_note_v2(
  sessions int[], bucket_ids bigint[], keys text[], sizes bigint[], etags text[], storage_classes text[],
  checksum_algorithms text[], checksum_values text[], checksum_types text[],
  headers text[], user_metadata text[], extras text[], if_none_match boolean[], if_match text[],
  part_ids uuid[], block_bytes int[], parity_chunks int[], servers text[], chunk_hashes bytea[], missing_chunks int[],
  origins text[], stored_sizes bigint[]
) returns json language plpgsql as $$
declare
  answer json;
begin
  answer := commit_and_note_v1(
    sessions, bucket_ids, keys, sizes, etags, storage_classes, checksum_algorithms, checksum_values, checksum_types,
    headers, user_metadata, extras, if_none_match, if_match, part_ids, block_bytes, parity_chunks, servers, chunk_hashes,
    missing_chunks, origins);
  if stored_sizes is not null then
    -- Rows of this transaction, which nobody has seen; one that was committed before says so already.
    update parts p set size_bytes = i.stored_bytes, plain_bytes = i.size_bytes
      from unnest(part_ids, sizes, stored_sizes) with ordinality as i (part_id, size_bytes, stored_bytes, n)
     where p.part_id = i.part_id and i.stored_bytes is not null and answer->0->>(i.n - 1)::int = 'ok';
  end if;
  return answer;
end $$;

-- As commit_part_v1. `stored_bytes`: of a part that is compressed, what is stored of it.
create function commit_part_v2(
  upload_id uuid, part_number int, size_bytes bigint, etag text,
  checksum_algorithm text, checksum_value text, checksum_type text,
  part_id uuid, block_bytes int, parity_chunks int, servers int[], chunk_hashes bytea, ttl interval, stored_bytes bigint
) returns table (outcome text, modified_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  given alias for part_id;
  plain alias for size_bytes;
begin
  select c.* into outcome, modified_at
    from commit_part_v1(upload_id, part_number, size_bytes, etag, checksum_algorithm, checksum_value, checksum_type,
                        part_id, block_bytes, parity_chunks, servers, chunk_hashes, ttl) as c;
  if stored_bytes is not null and outcome = 'ok' then
    update parts p set size_bytes = stored_bytes, plain_bytes = plain where p.part_id = given;
  end if;
  return next;
end $$;
