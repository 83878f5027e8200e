import { setImmediate } from 'node:timers/promises'
import { keyBytes } from '../../chunk-files/chunk-key.ts'
import type { ListFilter, StoredChunk } from '../ports.ts'
import type { ChunkIndex } from './chunk-index.ts'

/** Shards of the index that are looked through before others have their turn. */
const SHARDS_AT_ONCE = 8

/**
 * Batches of at most `rowsMax`. Each shard of the index is copied in one go, so a chunk that is there all the time is
 * listed once; one that comes or goes meanwhile may be listed or not.
 */
export async function* listChunks(
  index: ChunkIndex,
  filter: ListFilter,
  rowsMax: number,
): AsyncGenerator<StoredChunk[], void, undefined> {
  let batch: StoredChunk[] = []
  for (let shard = 0; shard < index.shards; shard++) {
    if (shard % SHARDS_AT_ONCE === 0) await setImmediate()
    for (const { key, payloadBytes } of index.select(shard, filter)) {
      batch.push({ chunkId: keyBytes(key), payloadBytes })
      if (batch.length < rowsMax) continue
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
