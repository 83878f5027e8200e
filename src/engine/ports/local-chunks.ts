import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkName, ChunkPlace } from './chunk-store.ts'

/**
 * Chunks that lie on this host, read past their node (as HDFS's short-circuit reads are). What comes is not verified:
 * the reader verifies, as it does with what comes from a node.
 */
export interface LocalChunks {
  /** Whether this chunk can be read here, as far as is known. Never blocks. */
  has(server: ServerNumber, chunk: StoredChunk): boolean
  /** Whether it could be, and should, were it known where it lies. Never blocks. */
  needsPlace(server: ServerNumber, chunk: StoredChunk): boolean
  /** It lies there, as its node says. */
  learn(server: ServerNumber, chunk: StoredChunk, place: ChunkPlace): void
  /** What was read does not verify. True: it may lie elsewhere by now, and is to be had of its node. */
  distrust(server: ServerNumber, chunk: StoredChunk): boolean
  /**
   * Fills `targets`, one behind the other, with payload bytes from `offset` on. They may be written to until it settles,
   * which takes as long as the disk does. Rejects with a ChunkError, whatever the reason; the node may know better.
   */
  read(server: ServerNumber, chunk: StoredChunk, piece: { offset: number; targets: readonly Buffer[] }): Promise<void>
}

export interface StoredChunk extends ChunkName {
  payloadBytes: number
}

/** Where a gateway reads nothing past the nodes. */
export const noLocalChunks: LocalChunks = {
  has: () => false,
  needsPlace: () => false,
  learn() {},
  distrust: () => false,
  read: () => Promise.reject(new Error('nothing is read here')),
}
