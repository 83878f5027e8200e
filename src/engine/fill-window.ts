import { StoreFault } from '../base/faults.ts'
import { NOWHERE } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { type BlockRun, blockBytesOf } from '../striping/layout.ts'
import type { LentMemory } from '../striping/stripe-pool.ts'
import type { PartReader } from './part-reader.ts'
import { oneBlockHere, readHere } from './read-here.ts'
import { ReadWindow } from './read-window.ts'

/**
 * A run of blocks, each verified: what lies on this host is read there, the rest comes from the nodes, and what is lost,
 * rotten or out of reach is rebuilt. Fault: DataUnavailable.
 */
export async function readWindow(reader: PartReader, run: BlockRun, memory: () => LentMemory): Promise<ReadWindow> {
  for (;;) {
    reader.signal.throwIfAborted()
    const window = new ReadWindow(reader.layout, run, memory())
    try {
      if (!(await readHere(reader, window))) continue
      await fromNodes(reader, window)
      return window
    } catch (error) {
      window[Symbol.dispose]()
      throw error
    }
  }
}

/** Settles when nobody writes into the window any more. */
async function fromNodes(reader: PartReader, window: ReadWindow): Promise<void> {
  const stripes: Promise<void>[] = []
  for (let stripe = window.firstStripe; stripe <= window.lastStripe; stripe++) {
    const wanted = blocksIn(window, stripe).filter((index) => window.state(stripe, index) !== 'good')
    if (wanted.length > 0) stripes.push(completeStripe(reader, window, stripe, wanted))
  }
  if (stripes.length === 0) return
  const failed = (await Promise.allSettled(stripes)).find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}

function blocksIn(window: ReadWindow, stripe: number): number[] {
  return Array.from({ length: DATA_CHUNKS }, (_, index) => index).filter((index) => window.includes(stripe, index))
}

async function completeStripe(
  reader: PartReader,
  window: ReadWindow,
  stripe: number,
  wanted: readonly number[],
): Promise<void> {
  await Promise.all(
    wanted.map(async (index) => {
      // Its node reads the same disk.
      if (window.state(stripe, index) === 'bad') return
      const block = await reader.nextFromNode(index, stripe)
      if (block) window.put(stripe, index, block)
    }),
  )
  reader.signal.throwIfAborted()
  const lost = wanted.filter((index) => window.state(stripe, index) !== 'good')
  if (lost.length > 0) await rebuild(reader, window, stripe, lost)
}

/** Fetches what else is needed of the stripe for any six blocks, and puts the lost ones in place. */
async function rebuild(reader: PartReader, window: ReadWindow, stripe: number, lost: readonly number[]): Promise<void> {
  const { layout, signal, deps } = reader
  const blocks: (Uint8Array | undefined)[] = Array.from({ length: DATA_CHUNKS + layout.parityChunks }, (_, index) =>
    index < DATA_CHUNKS && window.includes(stripe, index) && !lost.includes(index)
      ? window.block(stripe, index)
      : undefined,
  )
  const queue = whomToAsk(reader, blocks, lost)
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
        blocks[index] = await oneBlock(reader, index, stripe)
      }),
    )
    signal.throwIfAborted()
  }
  const { parityChunks } = layout
  const wanted = lost.filter((index) => blocks[index] === undefined)
  const blockBytes = blockBytesOf(layout, stripe)
  const rebuilt = deps.pool.rebuildBlocks({ blockBytes, parityChunks, present: blocks, wanted })
  for (const [i, index] of wanted.entries()) blocks[index] = rebuilt[i]!
  for (const index of lost) window.put(stripe, index, blocks[index]!)
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
