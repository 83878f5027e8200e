import { StoreFault } from '../base/faults.ts'
import { NOWHERE } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { blockBytesOf, stripeBytes } from '../striping/layout.ts'
import { type BlockSource, fetchBlock, openBlockSource } from './block-source.ts'
import type { EngineDeps } from './deps.ts'
import type { ByteRange } from './engine.ts'

/** What a byte range touches: blocks `firstBlock` of `firstStripe` to `lastBlock` of `lastStripe`, in reading order. */
interface Touched {
  firstStripe: number
  lastStripe: number
  firstBlock: number
  lastBlock: number
}

/**
 * The bytes of a range of a part, in order, each block verified; what is lost, rotten or out of reach is rebuilt from
 * parity. Reads all data chunks at once, `stripesReadAhead` stripes ahead. Fault: DataUnavailable.
 */
export async function* readPart(
  deps: EngineDeps,
  layout: PartLayout,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController()
  const reading = AbortSignal.any([signal, stop.signal])
  const touched = touchedBy(layout, range)
  // Without a slot to stream ahead: stripe by stripe, by batched calls. Slow clients hold nobody else up.
  using slot = deps.streaming.tryTake()
  const sources = slot ? openSources(deps, layout, touched, reading) : singleBlocks(deps, layout, reading)
  const stripesAhead = slot ? deps.settings.stripesReadAhead : 1
  const ahead: Promise<Uint8Array[]>[] = []
  let next = touched.firstStripe
  try {
    for (let stripe = touched.firstStripe; stripe <= touched.lastStripe; stripe++) {
      for (; next <= touched.lastStripe && ahead.length < stripesAhead; next++) {
        const blocks = readStripe(deps, layout, sources, next, touched, reading)
        blocks.catch(() => {}) // seen when its turn comes
        ahead.push(blocks)
      }
      yield* cutToRange(layout, stripe, touched, range, await ahead.shift()!)
    }
  } finally {
    stop.abort()
  }
}

function touchedBy(layout: PartLayout, { first, last }: ByteRange): Touched {
  const fullStripe = DATA_CHUNKS * layout.blockBytes
  const firstStripe = Math.floor(first / fullStripe)
  const lastStripe = Math.floor(last / fullStripe)
  return {
    firstStripe,
    lastStripe,
    firstBlock: Math.floor((first - firstStripe * fullStripe) / blockBytesOf(layout, firstStripe)),
    lastBlock: Math.floor((last - lastStripe * fullStripe) / blockBytesOf(layout, lastStripe)),
  }
}

/** The blocks of a stripe that the range needs: [from, to]. */
function blocksOf(touched: Touched, stripe: number): { from: number; to: number } {
  return {
    from: stripe === touched.firstStripe ? touched.firstBlock : 0,
    to: stripe === touched.lastStripe ? touched.lastBlock : DATA_CHUNKS - 1,
  }
}

function openSources(
  deps: EngineDeps,
  layout: PartLayout,
  touched: Touched,
  signal: AbortSignal,
): (BlockSource | undefined)[] {
  return Array.from({ length: DATA_CHUNKS }, (_, index) => {
    if (!isWorthAsking(deps, layout, index)) return undefined
    const firstStripe = touched.firstStripe + (index < touched.firstBlock ? 1 : 0)
    const lastStripe = touched.lastStripe - (index > touched.lastBlock ? 1 : 0)
    if (firstStripe > lastStripe) return undefined
    return openBlockSource(deps, layout, index, { firstStripe, lastStripe }, signal)
  })
}

function singleBlocks(deps: EngineDeps, layout: PartLayout, signal: AbortSignal): (BlockSource | undefined)[] {
  return Array.from({ length: DATA_CHUNKS }, (_, index) =>
    isWorthAsking(deps, layout, index)
      ? { block: (stripe) => fetchBlock(deps, layout, index, stripe, signal) }
      : undefined,
  )
}

function isWorthAsking({ chunks }: EngineDeps, layout: PartLayout, index: number): boolean {
  const server = layout.servers[index] ?? NOWHERE
  return server !== NOWHERE && chunks.isReachable(server)
}

/** The needed data blocks of a stripe, in order. */
async function readStripe(
  deps: EngineDeps,
  layout: PartLayout,
  sources: readonly (BlockSource | undefined)[],
  stripe: number,
  touched: Touched,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const { from, to } = blocksOf(touched, stripe)
  const needed = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const blocks: (Uint8Array | undefined)[] = Array.from({ length: DATA_CHUNKS + layout.parityChunks })
  await Promise.all(
    needed.map(async (index) => {
      blocks[index] = await sources[index]?.block(stripe)
    }),
  )
  signal.throwIfAborted()
  const wanted = needed.filter((index) => blocks[index] === undefined)
  if (wanted.length > 0) await rebuild(deps, layout, stripe, blocks, wanted, signal)
  return needed.map((index) => blocks[index]!)
}

/** Fetches what else is needed of the stripe for any six blocks, and puts the wanted ones in place. */
async function rebuild(
  deps: EngineDeps,
  layout: PartLayout,
  stripe: number,
  blocks: (Uint8Array | undefined)[],
  wanted: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const others = blocks.flatMap((block, index) => (block === undefined && !wanted.includes(index) ? [index] : []))
  // Servers that look unreachable come last: a wrong guess costs a time-out, none a block that was there.
  const queue = others.filter((index) => (layout.servers[index] ?? NOWHERE) !== NOWHERE)
  queue.sort((a, b) => Number(isWorthAsking(deps, layout, b)) - Number(isWorthAsking(deps, layout, a)))
  // A block whose server looked unreachable was never asked for: it stands in line behind all others.
  queue.push(...wanted.filter((i) => (layout.servers[i] ?? NOWHERE) !== NOWHERE && !isWorthAsking(deps, layout, i)))
  for (;;) {
    const missing = DATA_CHUNKS - blocks.filter((block) => block !== undefined).length
    if (missing <= 0) break
    const batch = queue.splice(0, missing)
    if (batch.length === 0) {
      throw new StoreFault('DataUnavailable', {
        partId: layout.partId,
        reason: `Stripe ${stripe} has ${DATA_CHUNKS - missing} readable blocks, ${DATA_CHUNKS} are needed.`,
      })
    }
    await Promise.all(
      batch.map(async (index) => {
        blocks[index] = await fetchBlock(deps, layout, index, stripe, signal)
      }),
    )
    signal.throwIfAborted()
  }
  const stillWanted = wanted.filter((index) => blocks[index] === undefined)
  const { parityChunks } = layout
  const blockBytes = blockBytesOf(layout, stripe)
  const rebuilt = deps.pool.rebuildBlocks({ blockBytes, parityChunks, present: blocks, wanted: stillWanted })
  for (const [i, index] of stillWanted.entries()) blocks[index] = rebuilt[i]!
}

/** Cuts the blocks of a stripe to the bytes that the range asks for, padding left out. */
function* cutToRange(
  layout: PartLayout,
  stripe: number,
  touched: Touched,
  { first, last }: ByteRange,
  blocks: readonly Uint8Array[],
): Generator<Uint8Array> {
  const blockBytes = blockBytesOf(layout, stripe)
  const stripeStart = stripe * DATA_CHUNKS * layout.blockBytes
  const stripeEnd = Math.min(last + 1, stripeStart + stripeBytes(layout, stripe))
  let blockStart = stripeStart + blocksOf(touched, stripe).from * blockBytes
  for (const block of blocks) {
    const from = Math.max(0, first - blockStart)
    const to = Math.min(blockBytes, stripeEnd - blockStart)
    if (to > from) yield block.subarray(from, to)
    blockStart += blockBytes
  }
}
