import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import type { ChunkStanding } from '../../upkeep/ports/fsck.ts'
import { statement } from '../statement.ts'

/** In the order asked. Index: parts_pkey, stray_chunks_pkey, upload_sessions_of_gateways. */
export const judgeChunks = statement({
  name: 'judge_chunks_v2',
  text: /* sql */ `
    select case
             when p.refs > 0 and p.servers[i.chunk_number + 1] = $3 then 'named'
             when s.part_id is not null then 'stray'
             when p.refs = 0 and p.servers[i.chunk_number + 1] = $3 then 'doomed'
             when p.part_id is null and g.state = 'open' and g.expires_at > clock_timestamp() then 'unfinished'
             when session_of_part_v1(i.part_id) < (select session_floor_v1()) then 'kept'
             when p.part_id is not null then 'misplaced'
             when g.state <> 'forgotten' then 'left'
             else 'unknown'
           end as standing
      from unnest($1::uuid[], $2::int[]) with ordinality as i (part_id, chunk_number, n)
      left join lateral (select * from parts p where p.part_id = i.part_id limit 1) as p on true
      left join lateral (select s.part_id from stray_chunks s where s.part_id = i.part_id
                            and s.chunk_number = i.chunk_number and s.server_number = $3 limit 1) as s on true
      left join lateral (select g.state, g.expires_at from upload_sessions g
                          where g.gateway_session = session_of_part_v1(i.part_id) and g.kind = 'gateway' limit 1) as g on true
     order by i.n`,
  bind: (q: { server: ServerNumber; chunks: readonly ChunkName[] }) => [
    q.chunks.map((c) => c.partId),
    q.chunks.map((c) => c.index),
    q.server,
  ],
  row: (r) => r.standing as ChunkStanding,
})

/** Each finds rows that do not agree with others: an example a row, and in each how many there are in all. */
export const auditFaults: readonly { what: string; text: string }[] = [
  {
    what: 'parts that are referred to more or less often than their rows say, or that have no row',
    text: /* sql */ `
      select coalesce(p.part_id, t.part_id) || ': its row says ' || coalesce(p.refs::text, 'nothing') || ', there are '
               || coalesce(t.n, 0) as example, count(*) over () as rows
        from parts p
        full join (select r.part_id, count(*) as n
                     from (select unnest(o.part_ids) as part_id from objects o
                            union all select u.part_id from upload_parts u) as r
                    where r.part_id is not null group by 1) as t on t.part_id = p.part_id
       where p.refs is distinct from coalesce(t.n, 0)`,
  },
  {
    what: 'parts that nothing refers to and that are not doomed, or the reverse',
    text: /* sql */ `
      select coalesce(p.part_id, d.part_id)::text as example, count(*) over () as rows
        from parts p full join doomed_parts d on d.part_id = p.part_id
       where (p.refs = 0) is distinct from (d.part_id is not null)`,
  },
  {
    what: 'objects whose parts are not as long as they say',
    text: /* sql */ `
      select o.bucket_id || '/' || o.key || ' (' || o.version_id || ')' as example, count(*) over () as rows
        from objects o
        left join lateral (
          select sum(i.size_bytes) as size_bytes, bool_or(coalesce(p.plain_bytes, p.size_bytes) is distinct from i.size_bytes) as differs
            from unnest(o.part_ids, o.part_sizes) as i (part_id, size_bytes)
            left join parts p on p.part_id = i.part_id
           where i.part_id is not null) as s on true
       where o.size_bytes <> coalesce(s.size_bytes, 0) or s.differs`,
  },
  {
    what: 'keys with no latest version, with several, or with one that is not the newest',
    text: /* sql */ `
      select o.bucket_id || '/' || o.key as example, count(*) over () as rows
        from objects o
       group by o.bucket_id, o.key
      having count(*) filter (where o.is_latest) <> 1 or max(o.seq) filter (where o.is_latest) <> max(o.seq)`,
  },
  {
    what: 'parts with more or fewer chunks than their layout has, or on servers that there are not',
    text: /* sql */ `
      select p.part_id::text as example, count(*) over () as rows
        from parts p
       where p.refs > 0 and (cardinality(p.servers) <> 6 + p.parity_chunks
          or exists (select from unnest(p.servers) as c (server_number)
                      where c.server_number <> 0
                        and not exists (select from storage_servers s where s.server_number = c.server_number)))`,
  },
  {
    what: 'uploaded parts of uploads that there are not',
    text: /* sql */ `
      select u.upload_id || ', part ' || u.part_number as example, count(*) over () as rows
        from upload_parts u
       where not exists (select from upload_sessions s where s.upload_id = u.upload_id and s.kind = 'multipart')`,
  },
]

export const countParts = 'select count(*) as parts from parts p where p.refs > 0'
