import type { ServerNumber } from '../base/ids.ts'
import { chunkSeeds } from '../striping/checksum.ts'
import { blockBytesOf, stripeCount } from '../striping/layout.ts'
import type { RebuildOrder } from '../upkeep/ports/repair.ts'
import { openBlockSource } from './block-source.ts'
import type { RebuildDeps } from './rebuild-chunks.ts'
import { openRebuiltChunk } from './rebuilt-chunk.ts'

/**
 * Copies chunks of a part from where its row has them to where the order says: a sixth of what a rebuild reads. Answers
 * the indexes that are durable now; a chunk that cannot be read to its last block, or written, is left out.
 */
export async function copyChunks(deps: RebuildDeps, order: RebuildOrder, signal: AbortSignal): Promise<number[]> {
  const copied = await Promise.all(
    Array.from(order.targets, async ([index, server]) => {
      const isCopied = await copyChunk(deps, order, { index, server }, signal)
      return isCopied ? [index] : []
    }),
  )
  signal.throwIfAborted()
  return copied.flat()
}

async function copyChunk(
  deps: RebuildDeps,
  { layout, pace }: RebuildOrder,
  { index, server }: { index: number; server: ServerNumber },
  signal: AbortSignal,
): Promise<boolean> {
  const { partId } = layout
  const from = layout.servers[index]!
  const stop = new AbortController()
  const working = AbortSignal.any([signal, stop.signal])
  try {
    const { header, trailer } = await deps.chunks.describeChunk(from, { partId, index }, working)
    const seed = chunkSeeds(partId, index + 1)[index]!
    const span = { index, seed, firstStripe: 0, lastStripe: stripeCount(layout) - 1 }
    const source = openBlockSource(deps, layout, span, working)
    const chunk = openRebuiltChunk(deps, { layout, server, header, seal: trailer.seal }, working)
    for (let stripe = 0; stripe < stripeCount(layout) && chunk.failure === undefined; stripe++) {
      await pace(2 * blockBytesOf(layout, stripe), working)
      const block = await source.block(stripe)
      if (block === undefined) return false
      await chunk.write(stripe, block)
    }
    if (chunk.failure === undefined) await chunk.finish()
    return chunk.failure === undefined
  } catch (error) {
    deps.log.debug({ partId, index, from, server, reason: String(error) }, 'a chunk is not copied')
    return false
  } finally {
    stop.abort(new Error('the copy is over'))
  }
}
