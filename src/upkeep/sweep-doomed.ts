import { ChunkError } from '../base/faults.ts'
import type { PartId, ServerNumber } from '../base/ids.ts'
import type { ChunkName } from '../engine/ports/chunk-store.ts'
import type { SweepDeps, UpkeepDeps } from './deps.ts'
import { namedChunks } from './named-chunks.ts'
import type { DoomedPart } from './ports/sweeps.ts'

/** Parts in one page: their chunks go to each node in one call. */
const PARTS_AT_ONCE = 500

/** Deletes the chunks of doomed parts; parts with a chunk on a node that does not answer wait for the next round. */
export async function sweepDoomedParts(deps: SweepDeps, graceMs: number, signal: AbortSignal): Promise<void> {
  let swept = 0
  for (let after = ''; ; ) {
    const parts = await deps.catalogue.findDoomedParts({ graceMs, after, rowsMax: PARTS_AT_ONCE }, signal)
    if (parts.length === 0) break
    const left = await deleteChunks(deps, chunksByServer(deps, parts), signal)
    const gone = parts.map((part) => part.partId).filter((id) => !left.has(id))
    if (gone.length > 0) await deps.catalogue.forgetDoomedParts(gone, signal)
    swept += gone.length
    after = parts.at(-1)!.partId
  }
  if (swept > 0) deps.log.info({ parts: swept }, 'doomed parts were deleted')
}

/** A server that was removed for good took its chunks along: nothing to delete there. */
function chunksByServer({ cluster }: UpkeepDeps, parts: readonly DoomedPart[]): Map<ServerNumber, ChunkName[]> {
  const byServer = namedChunks(parts)
  for (const server of byServer.keys()) {
    if (cluster.servers().get(server)?.status === 'removed') byServer.delete(server)
  }
  return byServer
}

/**
 * Deletes on all servers at once; answers the parts of which something may be left. Nobody ever writes a chunk of theirs
 * again, so this may come as late as it likes.
 */
export async function deleteChunks(
  { chunks, log, touchable }: SweepDeps,
  byServer: ReadonlyMap<ServerNumber, readonly ChunkName[]>,
  signal: AbortSignal,
): Promise<Set<PartId>> {
  const left = new Set<PartId>()
  await Promise.all(
    Array.from(byServer, async ([server, names]) => {
      try {
        if (!touchable.has(server)) throw new ChunkError('unreachable', 'this server is not to be touched now')
        await chunks.deleteChunks(server, names, signal)
      } catch (error) {
        signal.throwIfAborted()
        log.warn(
          { server, chunks: names.length, reason: String(error) },
          'chunks could not be deleted; the next sweep tries again',
        )
        for (const name of names) left.add(name.partId)
      }
    }),
  )
  return left
}
