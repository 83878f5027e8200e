import { payloadBytes } from '../striping/layout.ts'
import { type ChunkSet, type ChunkSetOrder, chunkCount } from './chunk-set.ts'
import type { EngineDeps } from './deps.ts'
import { openMessageSet } from './message-set.ts'
import { openStreamSet } from './stream-set.ts'

/** Small chunks travel whole, batched with others; large ones each by a stream of their own. */
export function openChunkSet(deps: EngineDeps, order: ChunkSetOrder, signal: AbortSignal): ChunkSet {
  const servers = deps.placer.place(order.partId, chunkCount(order.geometry))
  const isSmall = payloadBytes(order.geometry) <= deps.settings.messageChunkBytesMax
  return isSmall ? openMessageSet(deps, order, servers, signal) : openStreamSet(deps, order, servers, signal)
}
