import { ChunkError, StoreFault } from '../base/faults.ts'
import { NOWHERE, type PartId, type ServerNumber } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { type PartGeometry, payloadBytes } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import type { EngineDeps } from './deps.ts'
import type { ChunkHeader, ChunkWriter, PartLabel, PartSeal } from './ports/chunk-store.ts'

/** All chunks of one part on their way to the nodes. Disposed without `finish`, it stops sending. */
export interface ChunkSet extends AsyncDisposable {
  /** Takes over the stripe, and disposes it when its bytes are sent. Resolves when more may come. */
  write(stripe: StripeBuffer): Promise<void>
  /** Resolves when all chunks that count are durable: the server of each, 0 for one that is missing. */
  finish(chunkHashes: readonly Buffer[], seal: PartSeal): Promise<ServerNumber[]>
}

export interface ChunkSetOrder {
  partId: PartId
  geometry: PartGeometry
  label: PartLabel
  /** Grows by every server that may come to hold a chunk, before it does. */
  attempts: Map<ServerNumber, number[]>
}

/** Small chunks travel whole, batched with others; large ones each by a stream of their own. */
export function openChunkSet(deps: EngineDeps, order: ChunkSetOrder, signal: AbortSignal): ChunkSet {
  const chunkCount = DATA_CHUNKS + order.geometry.parityChunks
  const servers = deps.placer.place(order.partId, chunkCount)
  const small = payloadBytes(order.geometry) <= deps.settings.messageChunkBytesMax
  return small ? messageSet(deps, order, servers, signal) : streamSet(deps, order, servers, signal)
}

function headerOf({ partId, geometry, label }: ChunkSetOrder, index: number): ChunkHeader {
  const { blockBytes, parityChunks } = geometry
  return { partId, index, dataChunks: DATA_CHUNKS, parityChunks, blockBytes, label }
}

function noteAttempt({ attempts }: ChunkSetOrder, server: ServerNumber, index: number): void {
  attempts.set(server, [...(attempts.get(server) ?? []), index])
}

/**
 * With parity, one chunk fewer than written is enough to acknowledge, as long as k + 1 are durable: what is missing is
 * queued for repair by the commit. Without parity to spare, all must be.
 */
function failuresAllowed({ parityChunks }: PartGeometry): number {
  return Math.max(0, parityChunks - 1)
}

function assertEnough(order: ChunkSetOrder, failures: readonly unknown[]): void {
  if (failures.length <= failuresAllowed(order.geometry)) return
  const first = failures[0]
  if (failures.some((f) => f instanceof ChunkError && f.failure === 'no-space')) {
    throw new StoreFault('InsufficientStorage', { reason: 'The storage nodes are full.' }, { cause: first })
  }
  throw new StoreFault(
    'ServiceUnavailable',
    { reason: `${failures.length} of ${DATA_CHUNKS + order.geometry.parityChunks} chunks could not be written.` },
    { cause: first },
  )
}

/** A part that travels whole is one stripe: the same bytes are there to be sent again. */
function messageSet(deps: EngineDeps, order: ChunkSetOrder, servers: ServerNumber[], signal: AbortSignal): ChunkSet {
  const stripes: StripeBuffer[] = []
  const failed = new Set<ServerNumber>()

  /** Sends chunk `index`, to the next servers clockwise when its own fails. */
  async function send(index: number, chunkHash: Buffer, seal: PartSeal): Promise<void> {
    const pieces = stripes.map((stripe) => stripe.piece(index))
    const trailer = { partBytes: order.geometry.sizeBytes, chunkHash, seal }
    for (;;) {
      const server = servers[index]!
      noteAttempt(order, server, index)
      try {
        return await deps.chunks.putChunk(server, { header: headerOf(order, index), pieces, trailer }, signal)
      } catch (error) {
        signal.throwIfAborted()
        failed.add(server)
        const next = deps.placer.replace(order.partId, index, servers, failed)
        servers[index] = next ?? NOWHERE
        if (next === undefined) throw error
        deps.log.warn(
          { partId: order.partId, index, server, next, reason: String(error) },
          'a chunk goes to another server',
        )
      }
    }
  }

  return {
    async write(stripe) {
      stripes.push(stripe)
    },
    async finish(chunkHashes, seal) {
      const outcomes = await Promise.allSettled(chunkHashes.map((hash, index) => send(index, hash, seal)))
      signal.throwIfAborted()
      assertEnough(order, rejections(outcomes))
      return servers
    },
    async [Symbol.asyncDispose]() {
      for (const stripe of stripes) stripe[Symbol.dispose]()
    },
  }
}

function rejections(outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
}

function streamSet(deps: EngineDeps, order: ChunkSetOrder, servers: ServerNumber[], signal: AbortSignal): ChunkSet {
  const failures: unknown[] = []
  const inFlight = new Set<Promise<void>>()
  const writers: (ChunkWriter | undefined)[] = servers.map((server, index) => {
    noteAttempt(order, server, index)
    return deps.chunks.openChunk(server, headerOf(order, index), signal)
  })

  /** What a stream carried cannot be sent again: the chunk is given up, and repaired later. */
  function giveUp(index: number, error: unknown): void {
    if (!writers[index]) return
    deps.log.warn({ partId: order.partId, index, server: servers[index], reason: String(error) }, 'a chunk is given up')
    writers[index].abort()
    writers[index] = undefined
    servers[index] = NOWHERE
    failures.push(error)
  }

  async function send(stripe: StripeBuffer, slot: Disposable): Promise<void> {
    using _slot = slot
    using _stripe = stripe
    await Promise.all(
      writers.map((writer, index) =>
        writer?.write([stripe.piece(index)]).catch((error: unknown) => giveUp(index, error)),
      ),
    )
  }

  async function takeSlot(stripe: StripeBuffer): Promise<Disposable> {
    try {
      return await deps.sending.take(signal)
    } catch (error) {
      stripe[Symbol.dispose]()
      throw error
    }
  }

  return {
    async write(stripe) {
      const slot = await takeSlot(stripe)
      const sent = send(stripe, slot).finally(() => inFlight.delete(sent))
      inFlight.add(sent)
      while (inFlight.size >= deps.settings.stripesInFlightMax) await Promise.race(inFlight)
      signal.throwIfAborted()
      assertEnough(order, failures)
    },
    async finish(chunkHashes, seal) {
      await Promise.all(inFlight)
      assertEnough(order, failures)
      await Promise.all(
        writers.map((writer, index) =>
          writer
            ?.finish({ partBytes: order.geometry.sizeBytes, chunkHash: chunkHashes[index]!, seal })
            .catch((error: unknown) => giveUp(index, error)),
        ),
      )
      signal.throwIfAborted()
      assertEnough(order, failures)
      return servers
    },
    async [Symbol.asyncDispose]() {
      for (const writer of writers) writer?.abort()
      await Promise.all(inFlight)
    },
  }
}
