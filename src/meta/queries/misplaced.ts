import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import { type LayoutJson, layoutJson, toLayout } from '../rows.ts'
import { statement } from '../statement.ts'

/** In the order asked. Index: parts_pkey. */
export const findWantedParts = statement({
  name: 'find_wanted_parts_v2',
  text: /* sql */ `
    select case when p.part_id is not null then ${layoutJson} end as layout
      from unnest($1::uuid[]) with ordinality as i (part_id, n)
      left join lateral (select * from parts p where p.part_id = i.part_id and p.refs > 0 limit 1) as p on true
     order by i.n`,
  bind: (partIds: readonly PartId[]) => [partIds],
  row: (r): PartLayout | undefined => (r.layout === null ? undefined : toLayout(r.layout as LayoutJson)),
})

export const adoptChunks = statement({
  name: 'adopt_chunks_v1',
  text: 'select part_id, chunk_number from adopt_chunks_v1($1, $2, $3, $4)',
  bind: (q: { server: ServerNumber; chunks: readonly (ChunkName & { from: ServerNumber })[] }) => [
    q.server,
    q.chunks.map((c) => c.partId),
    q.chunks.map((c) => c.index),
    q.chunks.map((c) => c.from),
  ],
  row: (r): ChunkName => ({ partId: r.part_id as PartId, index: r.chunk_number as number }),
})
