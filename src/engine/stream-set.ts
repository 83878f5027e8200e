import { ChunkError } from '../base/faults.ts'
import { NOWHERE, type ServerNumber } from '../base/ids.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import {
  type ChunkSet,
  type ChunkSetOrder,
  headerOf,
  LATE,
  mayLandYet,
  missingAllowed,
  noteAttempt,
  tooFewWritten,
} from './chunk-set.ts'
import type { EngineDeps } from './deps.ts'
import type { StrayChunk } from './ports/catalogue.ts'
import type { ChunkTrailer, ChunkWriter } from './ports/chunk-store.ts'
import { rebuildChunks } from './rebuild-chunks.ts'
import { settleTogether } from './settle-together.ts'

/**
 * Chunks that travel by streams. What a stream carried cannot be sent again: a chunk whose server fails, or is much later
 * than the others', is given up. With fewer than k + 1 left at the end, what is missing is made anew of the others.
 */
export function openStreamSet(
  deps: EngineDeps,
  order: ChunkSetOrder,
  servers: ServerNumber[],
  signal: AbortSignal,
): ChunkSet {
  const { partId, geometry } = order
  const failed = new Set<ServerNumber>()
  const failures: unknown[] = []
  const strays: StrayChunk[] = []
  const inFlight = new Set<Promise<void>>()
  const writers: (ChunkWriter | undefined)[] = servers.map((server, index) => {
    noteAttempt(order, server, index)
    return deps.chunks.openChunk(server, headerOf(order, index), signal)
  })

  function giveUp(index: number, error: unknown): void {
    const server = servers[index]!
    if (!writers[index]) return
    writers[index].abort()
    writers[index] = undefined
    servers[index] = NOWHERE
    failures.push(error)
    if (signal.aborted) return
    deps.log.warn({ partId, index, server, reason: String(error) }, 'a chunk is given up')
    failed.add(server)
    deps.late.writes.add(server)
  }

  /** While any six chunks are left. */
  function assertEnough(): void {
    if (failures.length > geometry.parityChunks) throw tooFewWritten(order, failures)
  }

  const stragglers = {
    clock: deps.clock,
    graceMs: deps.settings.lateChunkMs,
    countMax: () => geometry.parityChunks - failures.length,
    giveUp(indexes: readonly number[]) {
      for (const index of indexes) giveUp(index, new ChunkError('unreachable', LATE))
    },
  }

  async function send(stripe: StripeBuffer, slot: Disposable): Promise<void> {
    using _slot = slot
    using _stripe = stripe
    const writes = writers.map((writer, index) =>
      writer?.write([stripe.piece(index)]).catch((error: unknown) => giveUp(index, error)),
    )
    await settleTogether(writes, stragglers)
  }

  async function takeSlot(stripe: StripeBuffer): Promise<Disposable> {
    try {
      return await deps.sending.take(signal)
    } catch (error) {
      stripe[Symbol.dispose]()
      throw error
    }
  }

  async function finishWriter(writer: ChunkWriter, index: number, trailer: ChunkTrailer): Promise<void> {
    const server = servers[index]!
    try {
      await writer.finish(trailer)
      deps.late.writes.remove(server)
    } catch (error) {
      if (mayLandYet(error)) strays.push({ index, server })
      giveUp(index, error)
    }
  }

  /** Makes the missing chunks anew of those that are durable. */
  async function restore(chunkHashes: readonly Buffer[]): Promise<void> {
    const layout = { partId, ...geometry, servers: [...servers], chunkHashes: Buffer.concat(chunkHashes) }
    const placed = [...servers]
    const targets = new Map<number, ServerNumber>()
    for (const [index, server] of servers.entries()) {
      const target = server === NOWHERE ? deps.placer.replace(partId, index, placed, failed) : undefined
      if (target === undefined) continue
      targets.set(index, target)
      placed[index] = target
      noteAttempt(order, target, index)
    }
    if (targets.size === 0) return
    const durable = await rebuildChunks(deps, { layout, targets, pace: async () => {} }, signal).catch(
      (error): number[] => {
        signal.throwIfAborted()
        deps.log.warn({ partId, reason: String(error) }, 'the missing chunks of an upload cannot be made anew')
        return []
      },
    )
    for (const [index, target] of targets) {
      if (durable.includes(index)) servers[index] = target
      else strays.push({ index, server: target })
    }
  }

  return {
    async write(stripe) {
      const slot = await takeSlot(stripe)
      const sent = send(stripe, slot).finally(() => inFlight.delete(sent))
      inFlight.add(sent)
      while (inFlight.size >= deps.settings.stripesInFlightMax) await Promise.race(inFlight)
      signal.throwIfAborted()
      assertEnough()
    },
    async finish(chunkHashes, seal) {
      await Promise.all(inFlight)
      signal.throwIfAborted()
      assertEnough()
      const partBytes = geometry.sizeBytes
      const ends = writers.map(
        (writer, index) => writer && finishWriter(writer, index, { partBytes, chunkHash: chunkHashes[index]!, seal }),
      )
      await settleTogether(ends, stragglers)
      signal.throwIfAborted()
      assertEnough()
      if (failures.length > missingAllowed(geometry)) await restore(chunkHashes)
      const missing = servers.filter((server) => server === NOWHERE).length
      if (missing > missingAllowed(geometry)) throw tooFewWritten(order, failures)
      return { servers, strays }
    },
    async [Symbol.asyncDispose]() {
      for (const writer of writers) writer?.abort()
      await Promise.all(inFlight)
    },
  }
}
