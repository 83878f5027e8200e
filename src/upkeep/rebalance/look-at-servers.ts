import type { ServerNumber } from '../../base/ids.ts'
import type { ClusterView, StorageServer } from '../../engine/ports/cluster.ts'
import { buildRing } from '../../placement/ring.ts'
import type { RepairCatalogue, UnwantedServers } from '../ports/repair.ts'
import type { UpkeepReports } from '../ports/report.ts'
import type { Aim } from './plan-moves.ts'

export interface ServersToday extends UnwantedServers, Aim {
  /** The servers of the ring in one word: what was counted by another one is of no use. */
  word: string
  /** Servers of the ring that are away, and that repair still waits for. */
  down: ServerNumber[]
}

export interface LookDeps {
  cluster: Pick<ClusterView, 'servers'>
  catalogue: Pick<RepairCatalogue, 'findUnwantedServers'>
  reports: Pick<UpkeepReports, 'findGoneServers'>
  /** Whether a server takes new chunks now. */
  takes(server: StorageServer): boolean
}

/**
 * The ring as it is to be: of all servers that are not removed, lost, or to be emptied. One that is full or cordoned is
 * part of it, and takes nothing; a cordoned one gives nothing either.
 */
export async function lookAtServers(deps: LookDeps, signal: AbortSignal): Promise<ServersToday> {
  const { lost, leaving } = await deps.catalogue.findUnwantedServers(signal)
  const gone = await deps.reports.findGoneServers(signal)
  const servers = deps.cluster.servers()
  const members = [...servers.values()].filter(
    ({ number, status }) => status !== 'removed' && !lost.includes(number) && !leaving.includes(number),
  )
  return {
    lost,
    leaving,
    ring: buildRing(members),
    word: members.map(({ number, zone }) => `${number}${zone && `@${zone}`}`).join(' '),
    down: members.map(({ number }) => number).filter((number) => gone.includes(number)),
    gives: (number) => servers.get(number)?.status !== 'cordoned',
    takes: (number) => deps.takes(servers.get(number)!),
    zone: (number) => servers.get(number)?.zone ?? '',
  }
}
