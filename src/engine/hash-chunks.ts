import { NOWHERE } from '../base/ids.ts'
import type { PartLayout } from '../base/model.ts'
import { blockChecksum, chunkHasher, chunkSeeds, recordedHash } from '../striping/checksum.ts'
import { blockBytesOf, stripeCount } from '../striping/layout.ts'
import type { RebuildDeps } from './rebuild-chunks.ts'
import { StripeSources } from './stripe-sources.ts'

/**
 * The hashes of all chunks of a part whose record lacks those of the chunks that are nowhere: these are computed from any
 * six others, stripe by stripe, and not kept. Fault: DataUnavailable.
 */
export async function hashChunks(deps: RebuildDeps, layout: PartLayout, signal: AbortSignal): Promise<Buffer> {
  const wanted = [...layout.servers.keys()].filter((index) => layout.servers[index] === NOWHERE)
  const stop = new AbortController()
  const sources = new StripeSources(deps, layout, new Set(wanted), AbortSignal.any([signal, stop.signal]))
  const seeds = chunkSeeds(layout.partId, layout.servers.length)
  const hashers = new Map(wanted.map((index) => [index, chunkHasher()]))
  try {
    for (let stripe = 0; stripe < stripeCount(layout); stripe++) {
      const blockBytes = blockBytesOf(layout, stripe)
      const present = await sources.blocks(stripe)
      signal.throwIfAborted()
      const blocks = deps.pool.rebuildBlocks({ blockBytes, parityChunks: layout.parityChunks, present, wanted })
      for (const [i, index] of wanted.entries()) {
        hashers.get(index)!.update(blockChecksum(seeds[index]!, stripe, blocks[i]!))
      }
    }
  } finally {
    stop.abort(new Error('the hashes are known'))
  }
  const all = layout.servers.map((_, index) => hashers.get(index)?.digest() ?? recordedHash(layout, index))
  return Buffer.concat(all)
}
