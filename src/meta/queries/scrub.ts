import type { PartLayout } from '../../base/model.ts'
import { type LayoutJson, layoutJson, NIL_UUID, toLayout } from '../rows.ts'
import { statement } from '../statement.ts'

/** Index: parts_pkey. */
export const listParts = statement({
  name: 'list_parts_by_id_v2',
  text: /* sql */ `
    select ${layoutJson} as layout from parts p
     where p.part_id > $1 and p.part_id < $2 and p.refs > 0 order by p.part_id limit $3`,
  bind: (q: { after: string; before: string; rowsMax: number }) => [q.after || NIL_UUID, q.before, q.rowsMax],
  row: (r): PartLayout => toLayout(r.layout as LayoutJson),
})
