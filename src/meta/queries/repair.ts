import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { ChunkDamage } from '../../engine/ports/damage-reports.ts'
import type { RepairCommit, RepairEntry, RepairOutcome, RepairPlan } from '../../upkeep/ports/repair.ts'
import { type LayoutJson, layoutJson, toBits, toIndexes, toLayout } from '../rows.ts'
import { statement } from '../statement.ts'

/** Index: repair_queue_by_urgency, parts_pkey. */
export const claimRepairs = statement({
  name: 'claim_repairs_v2',
  text: /* sql */ `
    select q.part_id, q.damaged_chunks, case when p.part_id is not null then ${layoutJson} end as layout
      from claim_repairs_v1($1, $2) as q
      left join lateral (select * from parts p where p.part_id = q.part_id and p.refs > 0 limit 1) as p on true`,
  bind: (q: { rowsMax: number; inHand: readonly PartId[] }) => [q.rowsMax, q.inHand],
  row: (r): RepairEntry => ({
    partId: r.part_id as PartId,
    layout: r.layout === null ? undefined : toLayout(r.layout as LayoutJson),
    damaged: toIndexes(r.damaged_chunks as number),
  }),
})

export const planRepair = statement({
  name: 'plan_repair_v1',
  text: 'select chunk_number, is_in_the_way from plan_repair_v1($1, $2, $3)',
  bind: (p: RepairPlan) => [p.partId, p.moves.map((m) => m.index), p.moves.map((m) => m.server)],
  row: (r) => ({ index: r.chunk_number as number, mayBeThere: r.is_in_the_way as boolean }),
})

export const commitRepair = statement({
  name: 'commit_repair_v2',
  text: `select commit_repair_v2($1, $2, $3, $4, $5, $6, $7, make_interval(secs => $8::float8 / 1000)) as outcome`,
  bind: (c: RepairCommit) => [
    c.partId,
    c.before,
    c.moves.map((m) => m.index),
    c.moves.map((m) => m.server),
    toBits(c.settled),
    c.lost,
    c.leaving,
    c.graceMs,
  ],
  row: (r) => r.outcome as RepairOutcome,
})

export const failRepair = statement({
  name: 'fail_repair_v1',
  text: 'select fail_repair_v1($1, $2)',
  bind: (f: { partId: PartId; error: string }) => [f.partId, f.error],
  row: () => undefined,
})

export const queueDamage = statement({
  name: 'queue_damage_v1',
  text: 'select queue_damage_v1($1, $2, $3, $4) as queued',
  bind: (damages: readonly ChunkDamage[]) => [
    damages.map((d) => d.partId),
    damages.map((d) => d.index),
    damages.map((d) => d.server),
    damages.map((d) => d.why),
  ],
  row: (r) => r.queued as number,
})

/** lost: removed; or said to be lost, and not heard of since that was said. Index: server_absences_pkey. */
export const findUnwantedServers = statement({
  name: 'find_unwanted_servers_v1',
  text: /* sql */ `
    select s.server_number,
           s.status = 'removed' or (a.is_lost and (s.status = 'failed' or s.last_heartbeat_at < a.seen_at)) as is_lost,
           s.status = 'draining' as is_leaving
      from storage_servers s left join server_absences a on a.server_number = s.server_number
     where s.status in ('removed', 'draining') or a.is_lost`,
  bind: (_: undefined) => [],
  row: (r) => ({
    server: r.server_number as ServerNumber,
    isLost: r.is_lost === true,
    isLeaving: r.is_leaving as boolean,
  }),
})
