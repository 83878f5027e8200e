import { StoreFault } from '../base/faults.ts'
import { NOWHERE } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { blockBytesOf } from '../striping/layout.ts'
import type { PartReader } from './part-reader.ts'
import { oneBlockHere } from './read-here.ts'
import type { ReadWindow } from './read-window.ts'

export interface LostBlocks {
  reader: PartReader
  /** What it has of the stripe beside the lost blocks is used. */
  window: ReadWindow
  stripe: number
  /** Indexes of data blocks. */
  lost: readonly number[]
  /** The stripe was completed otherwise: the window may be somebody else's by now. */
  isOver?: () => boolean
}

/**
 * Fetches what is needed of a stripe for any six blocks; answers the lost ones. Whoever is late is not waited for while
 * there is somebody else to ask. Fault: DataUnavailable.
 */
export async function rebuildStripe(order: LostBlocks): Promise<ReadonlyMap<number, Uint8Array>> {
  const { reader, window, stripe, lost, isOver = () => false } = order
  const { layout, deps, signal } = reader
  const { parityChunks } = layout
  const blockBytes = blockBytesOf(layout, stripe)
  const blocks: (Uint8Array | undefined)[] = Array.from({ length: DATA_CHUNKS + parityChunks })
  /** Takes what the window has by now as well; answers how many are missing still. */
  const stillMissing = () => {
    for (let index = 0; index < DATA_CHUNKS; index++) {
      const isThere = window.includes(stripe, index) && window.state(stripe, index) === 'good'
      if (isThere) blocks[index] ??= window.block(stripe, index)
    }
    return DATA_CHUNKS - blocks.filter((block) => block !== undefined).length
  }
  stillMissing()
  const queue = whomToAsk(reader, blocks, lost)
  const pending = new Map<number, Promise<void>>()
  /** Of those that are pending, how many are likely to come. */
  let hopeful = 0
  while (stillMissing() > 0) {
    using patience = deps.hedging.begin(blockBytes)
    while (hopeful < stillMissing() && queue.length > 0) {
      const index = queue.shift()!
      const fetched = oneBlock(reader, index, stripe).then((block) => {
        blocks[index] ??= block
        pending.delete(index)
        hopeful = Math.max(0, hopeful - 1)
      })
      pending.set(index, fetched)
      hopeful += 1
    }
    if (pending.size === 0) {
      throw new StoreFault('DataUnavailable', {
        partId: layout.partId,
        reason: `Stripe ${stripe} has ${DATA_CHUNKS - stillMissing()} readable blocks, ${DATA_CHUNKS} are needed.`,
      })
    }
    const fetches = [...pending.values()]
    if (queue.length === 0) await Promise.race(fetches)
    else if (await Promise.race([...fetches, patience.late().then(() => true)])) hopeful = 0
    signal.throwIfAborted()
    if (isOver()) return new Map()
  }
  const wanted = lost.filter((index) => blocks[index] === undefined)
  const rebuilt = deps.pool.rebuildBlocks({ blockBytes, parityChunks, present: blocks, wanted })
  for (const [i, index] of wanted.entries()) blocks[index] = rebuilt[i]!
  return new Map(lost.map((index) => [index, blocks[index]!]))
}

/** Who may have a block that is of use, the likeliest first. */
function whomToAsk(reader: PartReader, blocks: readonly (Uint8Array | undefined)[], lost: readonly number[]): number[] {
  const isSomewhere = (index: number) => reader.server(index) !== NOWHERE
  const isUnlikely = (index: number) => Number(!reader.isWorthAsking(index))
  const others = blocks.flatMap((block, index) => (block || lost.includes(index) || !isSomewhere(index) ? [] : [index]))
  // Servers that look unreachable come last: a wrong guess costs a time-out, none a block that was there.
  others.sort((a, b) => isUnlikely(a) - isUnlikely(b))
  // A block whose server looked unreachable was never asked for: it stands in line behind all others.
  return [...others, ...lost.filter((index) => isSomewhere(index) && isUnlikely(index))]
}

async function oneBlock(reader: PartReader, index: number, stripe: number): Promise<Uint8Array | undefined> {
  const here = reader.isHere(index) ? await oneBlockHere(reader, index, stripe) : 'elsewhere'
  return here === 'elsewhere' ? await reader.oneFromNode(index, stripe) : here
}
