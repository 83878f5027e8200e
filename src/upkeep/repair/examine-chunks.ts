import { ChunkError, type ChunkFailure } from '../../base/faults.ts'
import { NOWHERE } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import { recordedHash } from '../../striping/checksum.ts'

/**
 * How a chunk is, by its server's word now. missing: not there. rotten: its blocks do not match their checksums, or the
 * disk does not give them back. strange: whole, but not what its part's row says. unknown: its server cannot be asked.
 */
export type ChunkCondition = 'sound' | 'missing' | 'rotten' | 'strange' | 'unknown'

/** Has chunks of a part verified where its row has them; each by itself, so that one server's silence is its own. */
export async function examineChunks(
  { chunks }: { chunks: Pick<ChunkStore, 'verifyChunks'> },
  layout: PartLayout,
  indexes: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, ChunkCondition>> {
  const found = await Promise.all(
    indexes.map(async (index) => [index, await examine(chunks, layout, index, signal)] as const),
  )
  return new Map(found)
}

async function examine(
  chunks: Pick<ChunkStore, 'verifyChunks'>,
  layout: PartLayout,
  index: number,
  signal: AbortSignal,
): Promise<ChunkCondition> {
  const { partId } = layout
  const server = layout.servers[index] ?? NOWHERE
  if (server === NOWHERE) return 'missing'
  try {
    for await (const { chunkHash, failure } of chunks.verifyChunks(server, [{ partId, index }], signal)) {
      if (failure) return conditionOf(failure.failure)
      return chunkHash.equals(recordedHash(layout, index)) ? 'sound' : 'strange'
    }
    return 'unknown'
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ChunkError) return 'unknown'
    throw error
  }
}

/** Of a verdict, not of a call: the server has answered. */
export function conditionOf(failure: ChunkFailure): ChunkCondition {
  return failure === 'not-found' ? 'missing' : 'rotten'
}
