import type { PartId } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { StrayChunk } from '../../engine/ports/catalogue.ts'
import { intArray, type LayoutJson, layoutJson, toLayout } from '../rows.ts'
import { statement } from '../statement.ts'

/** In the order asked; undefined for those that are gone. Index: parts_pkey. */
export const findLayouts = statement({
  name: 'find_layouts_v2',
  text: /* sql */ `
    select case when p.part_id is not null then ${layoutJson} end as layout
      from unnest($1::uuid[]) with ordinality as i (part_id, n)
      left join lateral (select * from parts p where p.part_id = i.part_id limit 1) as p on true
     order by i.n`,
  bind: (partIds: readonly PartId[]) => [partIds],
  row: (r): PartLayout | undefined => (r.layout === null ? undefined : toLayout(r.layout as LayoutJson)),
})

/** Makes sure that these parts are never committed; those that were say when (give_up_parts_v1). */
export const giveUpParts = statement({
  name: 'give_up_parts_v1',
  text: 'select part_id, committed_at from give_up_parts_v1($1, $2, $3, $4, $5, $6)',
  bind: (layouts: readonly PartLayout[]) => [
    layouts.map((l) => l.partId),
    layouts.map((l) => l.sizeBytes),
    layouts.map((l) => l.blockBytes),
    layouts.map((l) => l.parityChunks),
    layouts.map((l) => intArray(l.servers)),
    layouts.map((l) => l.chunkHashes),
  ],
  row: (r) => ({ partId: r.part_id as PartId, committedAt: (r.committed_at ?? undefined) as Date | undefined }),
})

export const noteStrays = statement({
  name: 'note_strays_v1',
  text: 'select note_strays_v1($1, $2, $3)',
  bind: ({ partId, strays }: { partId: PartId; strays: readonly StrayChunk[] }) => [
    partId,
    strays.map(({ index }) => index),
    strays.map(({ server }) => server),
  ],
  row: () => undefined,
})
