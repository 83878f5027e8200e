import { ChunkError } from '../base/faults.ts'
import { NOWHERE, type ServerNumber } from '../base/ids.ts'
import { payloadBytes } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import {
  type ChunkSet,
  type ChunkSetOrder,
  chunkCount,
  headerOf,
  LATE,
  mayLandYet,
  missingAllowed,
  noteAttempt,
  tooFewWritten,
} from './chunk-set.ts'
import type { EngineDeps } from './deps.ts'
import type { StrayChunk } from './ports/catalogue.ts'
import type { PartSeal } from './ports/chunk-store.ts'
import { settleTogether } from './settle-together.ts'

/**
 * Chunks that travel whole. Such a part is one stripe: the same bytes are there to be sent again, so a chunk whose server
 * fails, or is much later than the others', goes to the next servers clockwise.
 */
export function openMessageSet(
  deps: EngineDeps,
  order: ChunkSetOrder,
  servers: ServerNumber[],
  signal: AbortSignal,
): ChunkSet {
  const stripes: StripeBuffer[] = []
  const failed = new Set<ServerNumber>()
  const failures: unknown[] = []
  const strays: StrayChunk[] = []
  /** Ends the tries that are under way. */
  let tries = new AbortController()
  const onAbort = () => tries.abort(signal.reason)

  async function send(index: number, chunkHash: Buffer, seal: PartSeal): Promise<void> {
    const pieces = stripes.map((stripe) => stripe.piece(index))
    const trailer = { partBytes: order.geometry.sizeBytes, chunkHash, seal }
    const chunkBytes = payloadBytes(order.geometry)
    for (;;) {
      const server = servers[index]!
      noteAttempt(order, server, index)
      try {
        const header = headerOf(order, index)
        const place = await deps.chunks.putChunk(server, { header, pieces, trailer }, tries.signal)
        deps.late.writes.remove(server)
        if (place) deps.localChunks.learn(server, { partId: order.partId, index, payloadBytes: chunkBytes }, place)
        return
      } catch (error) {
        signal.throwIfAborted()
        if (!moveOn(index, error)) return
      }
    }
  }

  /** Whether there is another server for this chunk. */
  function moveOn(index: number, error: unknown): boolean {
    const server = servers[index]!
    failed.add(server)
    deps.late.writes.add(server)
    if (mayLandYet(error)) strays.push({ index, server })
    const next = deps.placer.replace(order.partId, index, servers, failed)
    const where = { partId: order.partId, index, server, next, reason: String(error) }
    deps.log.warn(where, next === undefined ? 'a chunk is given up' : 'a chunk goes to another server')
    servers[index] = next ?? NOWHERE
    if (next === undefined) failures.push(error)
    return next !== undefined
  }

  return {
    async write(stripe) {
      stripes.push(stripe)
    },
    async finish(chunkHashes, seal) {
      signal.throwIfAborted()
      signal.addEventListener('abort', onAbort, { once: true })
      const sends = chunkHashes.map((hash, index) => send(index, hash, seal))
      await settleTogether(sends, {
        clock: deps.clock,
        graceMs: deps.settings.lateChunkMs,
        countMax: () => chunkCount(order.geometry) / 2,
        giveUp() {
          tries.abort(new ChunkError('unreachable', LATE))
          tries = new AbortController()
        },
      })
      signal.throwIfAborted()
      if (failures.length > missingAllowed(order.geometry)) throw tooFewWritten(order, failures)
      return { servers, strays }
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', onAbort)
      for (const stripe of stripes) stripe[Symbol.dispose]()
    },
  }
}
