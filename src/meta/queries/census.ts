import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { EndangeredPart, ServerConditions, SurveyedPart } from '../../upkeep/ports/census.ts'
import { NIL_UUID, toIndexes } from '../rows.ts'
import { type Row, statement } from '../statement.ts'
import { STALE_AFTER } from './cluster.ts'

/** While nobody looks for so long, no server's absence counts. Longer than the longest pause between two looks. */
const LOOKS_GAP = '150 seconds'

export const observeServers = statement({
  name: 'observe_servers_v2',
  text: /* sql */ `
    select server_number, condition
      from observe_servers_v2(make_interval(secs => $1::float8 / 1000), '${STALE_AFTER}', '${LOOKS_GAP}')`,
  bind: (q: { graceMs: number }) => [q.graceMs],
  row: (r) => ({ server: r.server_number as ServerNumber, condition: r.condition as keyof ServerConditions }),
})

export const readRepairs = statement({
  name: 'read_repairs_v1',
  text: /* sql */ `
    select coalesce((select (progress ->> 'parts')::bigint from jobs where name = 'repair'), 0) as repaired,
           not exists (select from repair_queue) as is_empty`,
  bind: (_: undefined) => [],
  row: (r) => ({ repairedParts: Number(r.repaired), isQueueEmpty: r.is_empty as boolean }),
})

/** Arrays as text: pg's own parser takes three times as long. Index: parts_pkey, repair_queue_pkey. */
export const surveyParts = statement({
  name: 'survey_parts_v1',
  text: /* sql */ `
    select p.part_id, p.servers::text as servers, coalesce(q.damaged_chunks, 0) as damaged
      from (select p.part_id, p.servers from parts p where p.part_id > $1 and p.refs > 0 order by p.part_id limit $2) as p
      left join repair_queue q on q.part_id = p.part_id
     order by p.part_id`,
  bind: (q: { after: string; rowsMax: number }) => [q.after || NIL_UUID, q.rowsMax],
  row: toSurveyedPart,
})

export function toSurveyedPart(r: Row): SurveyedPart {
  return {
    partId: r.part_id as PartId,
    servers: (r.servers as string).slice(1, -1).split(',').map(Number) as ServerNumber[],
    damaged: toIndexes(r.damaged as number),
  }
}

export const queueParts = statement({
  name: 'queue_parts_v1',
  text: 'select queue_parts_v1($1, $2, $3)',
  bind: (parts: readonly EndangeredPart[]) => [
    parts.map((p) => p.partId),
    parts.map((p) => p.missing),
    parts.map((p) => p.spare),
  ],
  row: () => undefined,
})

export const retryRepairs = statement({
  name: 'retry_repairs_v1',
  text: /* sql */ `
    update repair_queue set next_attempt_at = now(), attempts = 0, error = null
     where part_id in (select part_id from repair_queue where next_attempt_at > now() limit $1 for update skip locked)
    returning part_id`,
  bind: (rowsMax: number) => [rowsMax],
  row: () => true,
})
