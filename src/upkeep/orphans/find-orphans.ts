import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkStore, ListedChunk } from '../../engine/ports/chunk-store.ts'
import type { ChunkStanding, FsckCatalogue } from '../ports/fsck.ts'

/** Some chunks of a server, and what was found among them. */
export interface OrphanPage {
  /** All that were looked at. */
  chunks: number
  /** Of parts that nobody knows, or will come to know. */
  unknown: ListedChunk[]
  /** Of parts that have these chunks elsewhere. */
  misplaced: ListedChunk[]
  /** As these, but a restored database may have forgotten them. */
  kept: ListedChunk[]
}

/** What lies on a server, as it stands now: chunks of parts whose ids were made before `createdBeforeMs`. */
export async function* findOrphans(
  { catalogue, chunks }: { catalogue: Pick<FsckCatalogue, 'judgeChunks'>; chunks: Pick<ChunkStore, 'listChunks'> },
  { server, createdBeforeMs }: { server: ServerNumber; createdBeforeMs: number },
  signal: AbortSignal,
): AsyncGenerator<OrphanPage, void> {
  for await (const found of chunks.listChunks(server, { createdBeforeMs }, signal)) {
    const standings = await catalogue.judgeChunks({ server, chunks: found }, signal)
    const those = (standing: ChunkStanding) => found.filter((_, n) => standings[n] === standing)
    const [unknown, misplaced, kept] = [those('unknown'), those('misplaced'), those('kept')]
    yield { chunks: found.length, unknown, misplaced, kept }
  }
}

export interface ChunkSum {
  chunks: number
  bytes: number
}

export function addUp(sum: ChunkSum, found: readonly ListedChunk[]): ChunkSum {
  return {
    chunks: sum.chunks + found.length,
    bytes: found.reduce((bytes, { payloadBytes }) => bytes + payloadBytes, sum.bytes),
  }
}
