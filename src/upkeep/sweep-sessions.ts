import type { PartId, ServerNumber } from '../base/ids.ts'
import type { ChunkName } from '../engine/ports/chunk-store.ts'
import type { SweepDeps } from './deps.ts'
import { deleteChunks } from './sweep-doomed.ts'

/**
 * What a gateway that is gone left behind: every node is asked for chunks of its session, and those whose part the
 * catalogue does not know, nor may have forgotten, are deleted. The session is forgotten once every server was asked and
 * everything is gone.
 */
export async function sweepSessions(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  for (const session of await deps.catalogue.findExpiredSessions(signal)) {
    const outcomes: boolean[] = []
    for (const server of deps.cluster.servers().values()) {
      if (server.status === 'removed') continue
      outcomes.push(await sweepServer(deps, server.number, session, signal))
    }
    if (outcomes.every(Boolean)) await deps.catalogue.forgetSession(session, signal)
  }
}

/** Answers whether nothing of the session that no part refers to is left on the server. */
async function sweepServer(
  deps: SweepDeps,
  server: ServerNumber,
  session: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (!deps.touchable.has(server)) return false
  let isClean = true
  try {
    for await (const names of deps.chunks.listChunks(server, { session }, signal)) {
      const orphans = await orphansOf(deps, names, signal)
      if (orphans.length === 0) continue
      deps.log.info({ server, session, chunks: orphans.length }, 'deleting chunks of unfinished uploads')
      const left = await deleteChunks(deps, new Map([[server, orphans]]), signal)
      isClean &&= left.size === 0
    }
    return isClean
  } catch (error) {
    signal.throwIfAborted()
    deps.log.warn({ server, session, reason: String(error) }, 'a server could not be swept; the next sweep tries again')
    return false
  }
}

async function orphansOf(
  { catalogue }: Pick<SweepDeps, 'catalogue'>,
  names: readonly ChunkName[],
  signal: AbortSignal,
): Promise<ChunkName[]> {
  const partIds: PartId[] = [...new Set(names.map((name) => name.partId))]
  const unknown = new Set(await catalogue.findUnknownParts(partIds, signal))
  return names.filter((name) => unknown.has(name.partId))
}
