import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { Queues, ServerStanding } from '../../upkeep/ports/report.ts'
import { statement } from '../statement.ts'
import { toSurveyedPart } from './census.ts'
import { STALE_AFTER } from './cluster.ts'

const FAILURES_SHOWN = 5
/** Parts whose sizes are added up; what is beyond them counts as large in the mean. */
const SIZES_READ = 10_000

/** Bytes of chunks of queued parts. Index: repair_queue_pkey, parts_pkey. */
const bytesOf = ({ where, chunks, parts }: { where: string; chunks: string; parts: string }) => /* sql */ `
  (select ceil(coalesce(sum(${chunks} * ceil(p.size_bytes / 6.0)), 0) * greatest(1, q.${parts} / ${SIZES_READ}.0))
     from (select part_id, missing_chunks from repair_queue where ${where} limit ${SIZES_READ}) as e
     join parts p on p.part_id = e.part_id and p.refs > 0)`
const isRepairable = 'missing_chunks > 0 and spare_chunks >= 0'
const isToMove = 'missing_chunks = 0'
const leavingChunks = /* sql */ `
  (select count(*) from unnest(p.servers) as c (server_number)
    where c.server_number = any (array(select server_number from storage_servers where status = 'draining')))`

export const readQueues = statement({
  name: 'read_queues_v2',
  text: /* sql */ `
    select q.*, (select count(*) from stray_chunks) as strays, (select count(*) from doomed_parts) as doomed,
           (select coalesce(json_agg(json_build_object('partId', f.part_id, 'error', f.error)), '[]') from (
              select part_id, error from repair_queue where error is not null
               order by spare_chunks, part_id limit ${FAILURES_SHOWN}) as f) as failures,
           ${bytesOf({ where: isRepairable, chunks: 'e.missing_chunks', parts: 'repairable' })} as bytes,
           ${bytesOf({ where: isToMove, chunks: leavingChunks, parts: 'to_move' })} as to_move_bytes
      from (select count(*) filter (where missing_chunks > 0) as parts,
                   count(*) filter (where ${isRepairable}) as repairable,
                   count(*) filter (where ${isToMove}) as to_move,
                   count(*) filter (where spare_chunks = 0 and missing_chunks > 0) as without_spare,
                   count(*) filter (where spare_chunks < 0) as unreadable, count(error) as failing
              from repair_queue) as q`,
  bind: (_: undefined) => [],
  row: (r): Queues => ({
    repair: {
      parts: Number(r.parts),
      bytes: Number(r.bytes),
      toMove: Number(r.to_move),
      toMoveBytes: Number(r.to_move_bytes),
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

export const countChunks = statement({
  name: 'count_chunks_v1',
  text: `select coalesce(sum(s.chunk_count), 0) as chunks from storage_servers s where s.status <> 'removed'`,
  bind: (_: undefined) => [],
  row: (r) => Number(r.chunks),
})

export const readServers = statement({
  name: 'read_servers_v1',
  text: /* sql */ `
    select s.server_number, s.status, s.capacity_bytes, s.available_bytes, s.chunk_count,
           extract(epoch from clock_timestamp() - s.last_heartbeat_at)::float8 as seconds_ago,
           s.last_heartbeat_at < clock_timestamp() - interval '${STALE_AFTER}' as is_stale
      from storage_servers s where s.status <> 'removed' order by s.server_number`,
  bind: (_: undefined) => [],
  row: (r): ServerStanding => ({
    server: r.server_number as ServerNumber,
    status: r.status as ServerStanding['status'],
    capacityBytes: Number(r.capacity_bytes),
    availableBytes: Number(r.available_bytes),
    chunks: Number(r.chunk_count),
    heartbeatSecondsAgo: Math.max(0, r.seconds_ago as number),
    isStale: r.is_stale as boolean,
  }),
})
