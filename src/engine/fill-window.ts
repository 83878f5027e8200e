import { DATA_CHUNKS } from '../base/limits.ts'
import { type BlockRun, blockBytesOf } from '../striping/layout.ts'
import type { LentMemory } from '../striping/stripe-pool.ts'
import { completeStripe } from './complete-stripe.ts'
import { findPlaces } from './find-places.ts'
import type { PartReader } from './part-reader.ts'
import { readHere } from './read-here.ts'
import { ownMemory } from './read-memory.ts'
import { ReadWindow } from './read-window.ts'

/**
 * A run of blocks, each verified: what lies on this host is read there, the rest comes from the nodes, and what is lost,
 * rotten, late or out of reach is rebuilt. `memory`: of windowBytes; it goes with the window. Fault: DataUnavailable.
 */
export async function readWindow(reader: PartReader, run: BlockRun, memory: LentMemory): Promise<ReadWindow> {
  // After a disk that is late, and may write into the first memory yet, it is one's own: hardly ever.
  for (let taken = memory; ; taken = ownMemory(memory.bytes.length)) {
    const window = new ReadWindow(reader.layout, run, taken)
    try {
      reader.signal.throwIfAborted()
      await findPlaces(reader, run)
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
  const { firstStripe, lastStripe } = window
  const bytes = (lastStripe - firstStripe + 1) * blockBytesOf(reader.layout, firstStripe)
  using patience = reader.deps.hedging.begin(bytes)
  const stripes: Promise<void>[] = []
  for (let stripe = firstStripe; stripe <= lastStripe; stripe++) {
    const wanted = blocksIn(window, stripe).filter((index) => window.state(stripe, index) !== 'good')
    if (wanted.length > 0) stripes.push(completeStripe({ reader, window, patience, stripe, wanted }))
  }
  if (stripes.length === 0) return
  const failed = (await Promise.allSettled(stripes)).find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
}

function blocksIn(window: ReadWindow, stripe: number): number[] {
  return Array.from({ length: DATA_CHUNKS }, (_, index) => index).filter((index) => window.includes(stripe, index))
}
