import type { ServerStanding } from '../upkeep/ports/report.ts'
import { type Family, family, inGroup } from './metric.ts'

const { gauge } = inGroup('Storage servers, as the database knows them')
const labels = ['server']

/** The same from every gateway that is asked, so without the label `process`. Read at each scrape. */
export const serverMetrics = {
  status: gauge({
    name: 'sextant_server_status',
    labels: ['server', 'status'],
    about: '1 for the status that a storage server has: up, draining, cordoned, failed (its disk refuses writes).',
  }),
  heartbeat: gauge({
    name: 'sextant_server_heartbeat_age_seconds',
    labels,
    about: 'Since its last heartbeat, by the clock of the database.',
  }),
  capacity: gauge({ name: 'sextant_server_capacity_bytes', labels, about: 'Of its disk, as it said last.' }),
  available: gauge({
    name: 'sextant_server_available_bytes',
    labels,
    about: 'What new chunks may take there; 0: it is full, and gets none.',
  }),
  chunks: gauge({ name: 'sextant_server_chunks', labels, about: 'Chunks that it has.' }),
} as const

export function collectServers(servers: readonly ServerStanding[]): Family[] {
  const each = (pick: (server: ServerStanding) => number) =>
    servers.map((server) => [[String(server.server)], pick(server)] as const)
  return [
    family(
      serverMetrics.status,
      servers.map(({ server, status }) => [[String(server), status], 1]),
    ),
    family(
      serverMetrics.heartbeat,
      each(({ heartbeatSecondsAgo }) => heartbeatSecondsAgo),
    ),
    family(
      serverMetrics.capacity,
      each(({ capacityBytes }) => capacityBytes),
    ),
    family(
      serverMetrics.available,
      each(({ availableBytes }) => availableBytes),
    ),
    family(
      serverMetrics.chunks,
      each(({ chunks }) => chunks),
    ),
  ]
}
