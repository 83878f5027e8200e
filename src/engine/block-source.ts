import { ChunkError, type ChunkFailure } from '../base/faults.ts'
import type { PartLayout } from '../base/model.ts'
import { CHECKSUM_BYTES, verifyBlock } from '../striping/checksum.ts'
import { blockBytesOf, payloadBytes, payloadOffset, stripeCount } from '../striping/layout.ts'
import type { EngineDeps, EngineSettings } from './deps.ts'
import type { PayloadRange } from './ports/chunk-store.ts'

/** Blocks of one chunk, in stripe order. */
export interface BlockSource {
  /** The verified block without its checksum; undefined when it is lost, rotten or out of reach. Ask in stripe order. */
  block(stripe: number): Promise<Uint8Array | undefined>
}

/** Which blocks: of one chunk, whose checksums go on from `seed`. */
export interface BlockSpan {
  index: number
  seed: number
  firstStripe: number
  lastStripe: number
}

type ReadDeps = Pick<EngineDeps, 'chunks' | 'damage' | 'log'> & {
  settings: Pick<EngineSettings, 'messageChunkBytesMax'>
}

/** Failures of a read after which the chunk itself is to be looked at. */
const DAMAGES: ReadonlySet<ChunkFailure> = new Set(['not-found', 'corrupt', 'failed', 'invalid'])

/** Asks a chunk's node for a span: by one batched message if it is short, by a stream if it is long. */
export function openBlockSource(deps: ReadDeps, layout: PartLayout, span: BlockSpan, signal: AbortSignal): BlockSource {
  const range = payloadRange(layout, span)
  const read = range.length <= deps.settings.messageChunkBytesMax ? readWhole : readStream
  const next = read(deps, layout, range, signal)
  return { block: (stripe) => verifiedBlock(deps, layout, { ...span, stripe }, next) }
}

function payloadRange(layout: PartLayout, { index, firstStripe, lastStripe }: BlockSpan): PayloadRange {
  const offset = payloadOffset(layout, firstStripe)
  const end = lastStripe + 1 === stripeCount(layout) ? payloadBytes(layout) : payloadOffset(layout, lastStripe + 1)
  return { partId: layout.partId, index, offset, length: end - offset }
}

/** Gives the next `bytes` bytes of the payload. */
type NextBytes = (bytes: number) => Promise<Uint8Array>

async function verifiedBlock(
  { log, damage }: ReadDeps,
  layout: PartLayout,
  { index, stripe, seed }: { index: number; stripe: number; seed: number },
  next: NextBytes,
): Promise<Uint8Array | undefined> {
  const blockBytes = blockBytesOf(layout, stripe)
  const where = { partId: layout.partId, index, stripe, server: layout.servers[index]! }
  try {
    const stored = await next(blockBytes + CHECKSUM_BYTES)
    if (verifyBlock(seed, stripe, stored)) return stored.subarray(0, blockBytes)
    log.error(where, 'a block is rotten')
    damage.reportDamage({ ...where, why: 'rotten' })
  } catch (error) {
    if (error instanceof ChunkError && DAMAGES.has(error.failure)) damage.reportDamage({ ...where, why: error.message })
    log.warn({ ...where, reason: String(error) }, 'a block cannot be read')
  }
  return undefined
}

function readWhole({ chunks }: ReadDeps, layout: PartLayout, range: PayloadRange, signal: AbortSignal): NextBytes {
  const payload = chunks.getPayload(layout.servers[range.index]!, range, signal)
  payload.catch(() => {}) // whoever asks for a block sees the failure; nobody may ask
  let offset = 0
  return async (bytes) => {
    const start = offset
    offset += bytes
    return (await payload).subarray(start, start + bytes)
  }
}

function readStream({ chunks }: ReadDeps, layout: PartLayout, range: PayloadRange, signal: AbortSignal): NextBytes {
  const pieces = chunks.streamPayload(layout.servers[range.index]!, range, signal)[Symbol.asyncIterator]()
  let piece: Uint8Array = Buffer.alloc(0)
  let last: Promise<unknown> = Promise.resolve()
  let leftBytes = range.length

  async function take(bytes: number): Promise<Uint8Array> {
    const taken: Uint8Array[] = []
    for (let missing = bytes; missing > 0; ) {
      if (piece.length === 0) {
        const step = await pieces.next()
        if (step.done) throw new Error('the stream ended early')
        piece = step.value
      }
      const head = piece.subarray(0, missing)
      piece = piece.subarray(head.length)
      missing -= head.length
      taken.push(head)
    }
    leftBytes -= bytes
    // To its end, where it lets go of what it holds.
    if (leftBytes === 0) pieces.next().catch(() => {})
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken)
  }

  return (bytes) => {
    const taken = last.then(() => take(bytes))
    last = taken.catch(() => {}) // the next one fails by itself
    return taken
  }
}
