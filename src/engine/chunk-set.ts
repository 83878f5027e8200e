import { ChunkError, StoreFault } from '../base/faults.ts'
import type { PartId, ServerNumber } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartGeometry } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import type { StrayChunk } from './ports/catalogue.ts'
import type { ChunkHeader, PartLabel, PartSeal } from './ports/chunk-store.ts'

/** All chunks of one part on their way to the nodes. Disposed without `finish`, it stops sending. */
export interface ChunkSet extends AsyncDisposable {
  /** Takes over the stripe, and disposes it when its bytes are sent. Resolves when more may come. */
  write(stripe: StripeBuffer): Promise<void>
  /** Resolves when all chunks that count are durable. */
  finish(chunkHashes: readonly Buffer[], seal: PartSeal): Promise<WrittenChunks>
}

export interface WrittenChunks {
  /** The server of each chunk, 0 for one that is missing. */
  servers: ServerNumber[]
  /** Chunks that may have come to lie elsewhere too: writes that were given up without an answer. */
  strays: StrayChunk[]
}

export interface ChunkSetOrder {
  partId: PartId
  geometry: PartGeometry
  label: PartLabel
  /** Grows by every server that may come to hold a chunk, before it does. */
  attempts: Map<ServerNumber, number[]>
}

export function chunkCount({ parityChunks }: PartGeometry): number {
  return DATA_CHUNKS + parityChunks
}

export function headerOf({ partId, geometry, label }: ChunkSetOrder, index: number): ChunkHeader {
  const { blockBytes, parityChunks } = geometry
  return { partId, index, dataChunks: DATA_CHUNKS, parityChunks, blockBytes, label }
}

export function noteAttempt({ attempts }: ChunkSetOrder, server: ServerNumber, index: number): void {
  attempts.set(server, [...(attempts.get(server) ?? []), index])
}

/**
 * With parity, one chunk fewer than written is enough to acknowledge, as long as k + 1 are durable: what is missing is
 * queued for repair by the commit. Without parity to spare, all must be.
 */
export function missingAllowed({ parityChunks }: PartGeometry): number {
  return Math.max(0, parityChunks - 1)
}

/** Faults: InsufficientStorage, if a full disk is among the reasons; ServiceUnavailable. */
export function tooFewWritten({ geometry }: ChunkSetOrder, failures: readonly unknown[]): StoreFault {
  const [cause] = failures
  if (failures.some((failure) => failure instanceof ChunkError && failure.failure === 'no-space')) {
    return new StoreFault('InsufficientStorage', { reason: 'The storage nodes are full.' }, { cause })
  }
  const reason = `${failures.length} of ${chunkCount(geometry)} chunks could not be written.`
  return new StoreFault('ServiceUnavailable', { reason }, { cause })
}

/** A write that was never answered may be carried out all the same, and later. */
export function mayLandYet(error: unknown): boolean {
  return !(error instanceof ChunkError) || error.failure === 'unreachable' || error.failure === 'aborted'
}

export const LATE = 'much later than the other chunks of its part'
