import { deadline } from '../base/deadline.ts'
import { NOWHERE, type PartId, type ServerNumber } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartGeometry } from '../striping/layout.ts'
import type { EngineDeps } from './deps.ts'
import type { StrayChunk } from './ports/catalogue.ts'

/** How long a failed upload may wait for its chunks to be deleted before that is left to the sweep, in ms. */
const DELETE_MS_MAX = 2_000
/** For handing them over. */
const DOOM_MS_MAX = 5_000

/** Which chunks of a part may be where: an index stands at two servers when its chunk moved on. */
export interface Attempts {
  partId: PartId
  geometry: PartGeometry
  servers: Map<ServerNumber, number[]>
}

/**
 * Deletes chunks that nothing refers to. Never throws: chunks on a node that cannot be reached are handed to the sweep
 * by a doomed part; with the database away too, they are found later by the part id's session.
 */
export async function discardChunks(deps: EngineDeps, { partId, geometry, servers }: Attempts): Promise<void> {
  using deletion = deadline(deps.clock, DELETE_MS_MAX)
  const left = Array.from({ length: DATA_CHUNKS + geometry.parityChunks }, () => NOWHERE)
  const elsewhere: StrayChunk[] = []
  await Promise.all(
    Array.from(servers, async ([server, indexes]) => {
      try {
        await deps.chunks.deleteChunks(
          server,
          indexes.map((index) => ({ partId, index })),
          deletion.signal,
        )
      } catch (error) {
        deps.log.warn({ server, partId, reason: String(error) }, 'chunks of a failed upload are left to the sweep')
        for (const index of indexes) {
          if (left[index] === NOWHERE) left[index] = server
          else elsewhere.push({ index, server })
        }
      }
    }),
  )
  if (left.every((server) => server === NOWHERE)) return
  try {
    const layout = { partId, ...geometry, servers: left, chunkHashes: Buffer.alloc(0) }
    using handover = deadline(deps.clock, DOOM_MS_MAX)
    await deps.catalogue.doomUncommitted([layout], handover.signal)
    // A part's row has room for one place of a chunk.
    if (elsewhere.length > 0) await deps.catalogue.noteStrays(partId, elsewhere, handover.signal)
  } catch (error) {
    deps.log.warn({ partId, reason: String(error) }, 'a failed upload could not be handed to the sweep')
  }
}
