import { ChunkError } from '../base/faults.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { BlockRun } from '../striping/layout.ts'
import type { PartReader } from './part-reader.ts'

/** As reads of that size are timed: what is asked for is a few bytes. */
const PLACE_BYTES = 64

/**
 * Asks nodes on this host where the small chunks lie that a run of blocks touches: reading them there costs less than
 * having them sent. A chunk whose node does not answer, or not in time, or does not have it, is not asked for again. Never
 * rejects.
 */
export async function findPlaces(reader: PartReader, { first, last }: BlockRun): Promise<void> {
  const wanted: number[] = []
  for (let block = first; block <= last && block < first + DATA_CHUNKS; block++) {
    if (reader.needsPlace(block % DATA_CHUNKS)) wanted.push(block % DATA_CHUNKS)
  }
  if (wanted.length === 0) return
  const { hedging } = reader.deps
  using patience = hedging.begin(PLACE_BYTES)
  const pending = new Set(wanted)
  const found = wanted.map(async (index) => {
    if (await isFound(reader, index)) hedging.noteInTime(reader.server(index), patience)
    pending.delete(index)
  })
  await Promise.race([Promise.all(found), patience.late()])
  for (const index of pending) {
    reader.suspect(index)
    reader.giveUp(index)
    hedging.noteLate(reader.server(index), patience)
  }
}

async function isFound(reader: PartReader, index: number): Promise<boolean> {
  const { deps, signal } = reader
  const server = reader.server(index)
  try {
    const place = await deps.chunks.locateChunk(server, reader.chunk(index), signal)
    reader.found(index, place)
    return true
  } catch (error) {
    const reason = String(error)
    deps.log.warn({ partId: reader.layout.partId, index, server, reason }, 'a chunk cannot be found')
    if (error instanceof ChunkError && (error.failure === 'unreachable' || error.failure === 'not-found')) {
      reader.giveUp(index)
    }
    return false
  }
}
