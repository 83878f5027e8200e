import { StoreFault } from '../base/faults.ts'
import { NOWHERE } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { chunkSeeds } from '../striping/checksum.ts'
import { stripeCount } from '../striping/layout.ts'
import { type BlockSource, openBlockSource } from './block-source.ts'
import type { RebuildDeps } from './rebuild-chunks.ts'

/**
 * Any six good blocks of each stripe of a part, for a rebuild. Six chunks are read by streams from beginning to end; one
 * that gives a bad block is replaced by another from there on. What is left then, the chunks that are to be replaced among
 * it, is asked block by block: of two rotten chunks, hardly ever the same stripe is rotten.
 */
export class StripeSources {
  readonly #deps: RebuildDeps
  readonly #layout: PartLayout
  readonly #signal: AbortSignal
  readonly #seeds: number[]
  readonly #open = new Map<number, BlockSource>()
  /** Not tried yet, best first. */
  readonly #candidates: number[]
  readonly #lastResort: number[]

  /** `replaced`: the chunks that are to be made anew. Streams end with the signal. */
  constructor(deps: RebuildDeps, layout: PartLayout, replaced: ReadonlySet<number>, signal: AbortSignal) {
    this.#deps = deps
    this.#layout = layout
    this.#signal = signal
    this.#seeds = chunkSeeds(layout.partId, layout.servers.length)
    const placed = [...layout.servers.keys()].filter((index) => layout.servers[index] !== NOWHERE)
    // A server that looks unreachable comes last: a wrong guess costs a time-out, none a chunk that was there.
    this.#candidates = placed
      .filter((index) => !replaced.has(index))
      .sort((a, b) => Number(this.#isReachable(b)) - Number(this.#isReachable(a)))
    this.#lastResort = placed.filter((index) => replaced.has(index))
  }

  /** The blocks of a stripe by chunk index, six of them at least. Ask in order of stripes. Fault: DataUnavailable. */
  async blocks(stripe: number): Promise<(Uint8Array | undefined)[]> {
    const blocks: (Uint8Array | undefined)[] = Array.from({ length: this.#layout.servers.length })
    const missing = () => DATA_CHUNKS - blocks.filter((block) => block !== undefined).length
    do {
      this.#openMore(stripe)
      const asked = [...this.#open].filter(([index]) => blocks[index] === undefined)
      await Promise.all(asked.map(async ([index, source]) => this.#take(blocks, index, await source.block(stripe))))
    } while (missing() > 0 && this.#candidates.length > 0)
    for (const index of this.#lastResort) {
      if (missing() <= 0) break
      if (this.#isReachable(index))
        blocks[index] = await this.#source(index, { firstStripe: stripe, lastStripe: stripe }).block(stripe)
    }
    this.#signal.throwIfAborted()
    if (missing() <= 0) return blocks
    throw new StoreFault('DataUnavailable', {
      partId: this.#layout.partId,
      reason: `Stripe ${stripe} has ${DATA_CHUNKS - missing()} readable blocks, ${DATA_CHUNKS} are needed.`,
    })
  }

  #openMore(firstStripe: number): void {
    const span = { firstStripe, lastStripe: stripeCount(this.#layout) - 1 }
    while (this.#open.size < DATA_CHUNKS && this.#candidates.length > 0) {
      const index = this.#candidates.shift()!
      this.#open.set(index, this.#source(index, span))
    }
  }

  #source(index: number, stripes: { firstStripe: number; lastStripe: number }): BlockSource {
    const span = { index, seed: this.#seeds[index]!, ...stripes }
    return openBlockSource(this.#deps, this.#layout, span, this.#signal)
  }

  #isReachable(index: number): boolean {
    return this.#deps.chunks.isReachable(this.#layout.servers[index]!)
  }

  #take(blocks: (Uint8Array | undefined)[], index: number, block: Uint8Array | undefined): void {
    blocks[index] = block
    if (block !== undefined) return
    this.#open.delete(index)
    this.#lastResort.push(index)
  }
}
