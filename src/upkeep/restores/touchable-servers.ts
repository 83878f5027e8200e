import { ChunkError } from '../../base/faults.ts'
import type { ServerNumber } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import type { RestoreWatch } from '../ports/restores.ts'

export interface TouchDeps {
  catalogue: RestoreWatch
  chunks: Pick<ChunkStore, 'statServer'>
  log: Log
}

/**
 * Servers on which chunks may be deleted now: they answer, and none of them has spoken to a later state of the database
 * than this one. Whatever is to be deleted must be found after this look: then a restored database was marked before it.
 */
export async function touchableServers(
  deps: TouchDeps & { cluster: Pick<ClusterView, 'servers'> },
  signal: AbortSignal,
): Promise<ReadonlySet<ServerNumber>> {
  const members = [...deps.cluster.servers().values()].filter(({ status }) => status !== 'removed')
  const answers = await Promise.all(
    members.map(async ({ number }) => ({ number, isTouchable: await isTouchable(deps, number, signal) })),
  )
  return new Set(answers.filter((answer) => answer.isTouchable).map(({ number }) => number))
}

export async function isTouchable(
  { catalogue, chunks, log }: TouchDeps,
  server: ServerNumber,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { beats } = await chunks.statServer(server, signal)
    const isOfToday = await catalogue.compareBeats({ server, beats }, signal)
    if (!isOfToday)
      log.warn({ server }, 'this database is older than what the server has seen: nothing is deleted there')
    return isOfToday
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ChunkError)) throw error
    log.debug({ server, reason: String(error) }, 'a server does not answer: nothing is deleted there now')
    return false
  }
}
