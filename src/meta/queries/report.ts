import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { Queues } from '../../upkeep/ports/report.ts'
import { statement } from '../statement.ts'
import { toSurveyedPart } from './census.ts'
import { STALE_AFTER } from './cluster.ts'

const FAILURES_SHOWN = 5

export const readQueues = statement({
  name: 'read_queues_v1',
  text: /* sql */ `
    select q.*, (select count(*) from stray_chunks) as strays, (select count(*) from doomed_parts) as doomed,
           (select coalesce(json_agg(json_build_object('partId', f.part_id, 'error', f.error)), '[]') from (
              select part_id, error from repair_queue where error is not null
               order by spare_chunks, part_id limit ${FAILURES_SHOWN}) as f) as failures
      from (select count(*) as parts, count(*) filter (where spare_chunks = 0) as without_spare,
                   count(*) filter (where spare_chunks < 0) as unreadable, count(error) as failing
              from repair_queue) as q`,
  bind: (_: undefined) => [],
  row: (r): Queues => ({
    repair: {
      parts: Number(r.parts),
      withoutSpare: Number(r.without_spare),
      unreadable: Number(r.unreadable),
      failing: Number(r.failing),
      failures: r.failures as { partId: PartId; error: string }[],
    },
    strayChunks: Number(r.strays),
    doomedParts: Number(r.doomed),
  }),
})

/** Index: repair_queue_by_urgency, parts_pkey. */
export const listQueuedParts = statement({
  name: 'list_queued_parts_v1',
  text: /* sql */ `
    select q.part_id, p.servers::text as servers, q.damaged_chunks as damaged
      from repair_queue q join parts p on p.part_id = q.part_id and p.refs > 0
     order by q.spare_chunks limit $1`,
  bind: (rowsMax: number) => [rowsMax],
  row: toSurveyedPart,
})

export const findGoneServers = statement({
  name: 'find_gone_servers_v1',
  text: /* sql */ `
    select s.server_number from storage_servers s left join server_absences a on a.server_number = s.server_number
     where s.status = 'removed' or a.server_number is not null
        or s.last_heartbeat_at < clock_timestamp() - interval '${STALE_AFTER}'`,
  bind: (_: undefined) => [],
  row: (r) => r.server_number as ServerNumber,
})
