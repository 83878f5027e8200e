import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { DoomedPart, StrayChunk } from '../../upkeep/ports/sweeps.ts'
import { type LayoutJson, layoutJson, NIL_UUID, toLayout } from '../rows.ts'
import { statement } from '../statement.ts'

export const expireUploads = statement({
  name: 'expire_uploads_v2',
  text: 'select expire_uploads_v2($1) as expired',
  bind: (rowsMax: number) => [rowsMax],
  row: (r) => r.expired as number,
})

/** In order of part id. Index: doomed_parts_pkey, parts_pkey. */
export const findDoomedParts = statement({
  name: 'find_doomed_parts_v2',
  text: /* sql */ `
    select d.doomed_at, ${layoutJson} as layout
      from doomed_parts d
     cross join lateral (select * from parts p where p.part_id = d.part_id and p.refs = 0 limit 1) as p
     where d.part_id > $1 and d.doomed_at <= clock_timestamp() - make_interval(secs => $2::float8 / 1000)
     order by d.part_id limit $3`,
  bind: (q: { after: string; graceMs: number; rowsMax: number }) => [q.after || NIL_UUID, q.graceMs, q.rowsMax],
  row: (r): DoomedPart => ({ ...toLayout(r.layout as LayoutJson), doomedAt: r.doomed_at as Date }),
})

/** Only what is doomed, and has no reference: whatever the caller says. */
export const forgetDoomedParts = statement({
  name: 'forget_doomed_parts_v1',
  text: /* sql */ `
    with gone as (
      delete from parts p using doomed_parts d
       where p.part_id = any ($1::uuid[]) and d.part_id = p.part_id and p.refs = 0 returning p.part_id
    ), unqueued as (
      delete from repair_queue r using gone g where r.part_id = g.part_id
    )
    delete from doomed_parts d using gone g where d.part_id = g.part_id`,
  bind: (partIds: readonly PartId[]) => [partIds],
  row: () => undefined,
})

/** Of those that a restored database may have forgotten, none. Index: parts_pkey. */
export const findUnknownParts = statement({
  name: 'find_unknown_parts_v2',
  text: /* sql */ `
    select i.part_id from unnest($1::uuid[]) as i (part_id)
      left join lateral (select p.part_id from parts p where p.part_id = i.part_id limit 1) as p on true
     where p.part_id is null and session_of_part_v1(i.part_id) >= (select session_floor_v1())`,
  bind: (partIds: readonly PartId[]) => [partIds],
  row: (r) => r.part_id as PartId,
})

/** Index: stray_chunks_due. */
export const claimStrays = statement({
  name: 'claim_strays_v1',
  text: 'select part_id, chunk_number, server_number from claim_strays_v1($1, $2)',
  bind: (q: { server: ServerNumber; rowsMax: number }) => [q.server, q.rowsMax],
  row: (r): StrayChunk => ({
    partId: r.part_id as PartId,
    index: r.chunk_number as number,
    server: r.server_number as ServerNumber,
  }),
})

/** Only those that were claimed. Index: stray_chunks_pkey. */
export const forgetStrays = statement({
  name: 'forget_strays_v1',
  text: /* sql */ `
    delete from stray_chunks s using unnest($1::uuid[], $2::int[], $3::int[]) as i (part_id, chunk_number, server_number)
     where s.part_id = i.part_id and s.chunk_number = i.chunk_number and s.server_number = i.server_number
       and s.state = 'being deleted'`,
  bind: (strays: readonly StrayChunk[]) => [
    strays.map((s) => s.partId),
    strays.map((s) => s.index),
    strays.map((s) => s.server),
  ],
  row: () => undefined,
})
