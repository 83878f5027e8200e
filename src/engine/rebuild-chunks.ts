import { assert, StoreFault } from '../base/faults.ts'
import { NOWHERE } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { blockBytesOf, stripeCount } from '../striping/layout.ts'
import type { RebuildOrder } from '../upkeep/ports/repair.ts'
import type { EngineDeps, EngineSettings } from './deps.ts'
import type { ChunkDescription } from './ports/chunk-store.ts'
import { openRebuiltChunk, type RebuiltChunk } from './rebuilt-chunk.ts'
import { StripeSources } from './stripe-sources.ts'

export type RebuildDeps = Pick<EngineDeps, 'chunks' | 'pool' | 'log' | 'damage'> & {
  settings: Pick<EngineSettings, 'messageChunkBytesMax'>
}

/**
 * Makes chunks of a part anew of any six others, and writes them where the order says. Answers the indexes that are
 * durable now, each with the very hash of the part's record; a target that fails does not hold the others up. Stripe by
 * stripe, every block verified: in memory is one stripe, beside what the nodes' streams have under way. Faults:
 * DataUnavailable, or what all of the targets failed of.
 */
export async function rebuildChunks(deps: RebuildDeps, order: RebuildOrder, signal: AbortSignal): Promise<number[]> {
  const { layout, targets } = order
  assert(targets.size > 0, 'a rebuild has a target')
  const stop = new AbortController()
  const working = AbortSignal.any([signal, stop.signal])
  const { header, trailer } = await describePart(deps, order, signal)
  const sources = new StripeSources(deps, layout, new Set(targets.keys()), working)
  const chunks = Array.from(targets, ([index, server]) =>
    openRebuiltChunk(deps, { layout, server, header: { ...header, index }, seal: trailer.seal }, working),
  )
  try {
    for (let stripe = 0; stripe < stripeCount(layout); stripe++) {
      await rebuildStripe(deps, { order, sources, chunks: goodOf(chunks), stripe }, signal)
    }
    await Promise.all(goodOf(chunks).map((chunk) => chunk.finish()))
    signal.throwIfAborted()
    return goodOf(chunks).map(({ index }) => index)
  } finally {
    stop.abort(new Error('the rebuild is over'))
    for (const chunk of chunks) chunk.abort()
  }
}

/** Those that have not failed. Throws what the first failed of when all have. */
function goodOf(chunks: readonly RebuiltChunk[]): RebuiltChunk[] {
  const good = chunks.filter(({ failure }) => failure === undefined)
  if (good.length === 0) throw chunks[0]!.failure
  return good
}

interface StripeWork {
  order: RebuildOrder
  sources: StripeSources
  chunks: readonly RebuiltChunk[]
  stripe: number
}

async function rebuildStripe(
  { pool }: RebuildDeps,
  { order, sources, chunks, stripe }: StripeWork,
  signal: AbortSignal,
): Promise<void> {
  const { layout, pace } = order
  const blockBytes = blockBytesOf(layout, stripe)
  await pace(blockBytes * (DATA_CHUNKS + chunks.length), signal)
  const present = await sources.blocks(stripe)
  signal.throwIfAborted()
  const wanted = chunks.map(({ index }) => index)
  const blocks = pool.rebuildBlocks({ blockBytes, parityChunks: layout.parityChunks, present, wanted })
  await Promise.all(chunks.map((chunk, i) => chunk.write(stripe, blocks[i]!)))
  signal.throwIfAborted()
}

/** What all chunks of the part say of it, by the first that can be asked. Fault: DataUnavailable. */
async function describePart(
  { chunks, log }: RebuildDeps,
  { layout, targets }: RebuildOrder,
  signal: AbortSignal,
): Promise<ChunkDescription> {
  const { partId } = layout
  for (const index of others(layout, targets)) {
    const server = layout.servers[index]!
    try {
      return await chunks.describeChunk(server, { partId, index }, signal)
    } catch (error) {
      signal.throwIfAborted()
      log.debug({ partId, index, server, reason: String(error) }, 'a chunk does not say what it belongs to')
    }
  }
  throw new StoreFault('DataUnavailable', { partId, reason: 'None of its chunks says what it belongs to.' })
}

function others({ servers }: PartLayout, targets: RebuildOrder['targets']): number[] {
  return [...servers.keys()].filter((index) => servers[index] !== NOWHERE && !targets.has(index))
}
