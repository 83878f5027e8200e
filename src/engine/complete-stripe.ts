import type { Patience } from './hedging.ts'
import type { PartReader } from './part-reader.ts'
import type { ReadWindow } from './read-window.ts'
import { rebuildStripe } from './rebuild-stripe.ts'

export interface StripeOrder {
  reader: PartReader
  window: ReadWindow
  patience: Patience
  stripe: number
  /** Indexes of data blocks that the window still lacks. */
  wanted: readonly number[]
}

/**
 * Reads blocks of one stripe from their nodes into the window, and rebuilds those that are lost. Those that are late are
 * rebuilt too, if that is quicker than they are. Afterwards nobody writes into the window. Fault: DataUnavailable.
 */
export async function completeStripe(order: StripeOrder): Promise<void> {
  const { reader, window, patience, stripe, wanted } = order
  const { hedging } = reader.deps
  let isOver = false
  /** Bit by index: those whose nodes have not answered yet, well or not. */
  let pending = wanted.reduce((bits, index) => bits | (1 << index), 0)
  let asked = Promise.withResolvers<void>()

  async function ask(index: number): Promise<void> {
    // A block that is bad on this host's disk is so for its node, which reads the same disk.
    const block = window.state(stripe, index) === 'bad' ? undefined : await reader.nextFromNode(index, stripe)
    pending &= ~(1 << index)
    if (block && !isOver) {
      window.put(stripe, index, block)
      if (!window.includes(stripe + 1, index)) hedging.noteInTime(reader.server(index), patience)
    }
    if (pending === 0) asked.resolve()
  }

  const missing = () => wanted.filter((index) => window.state(stripe, index) !== 'good')
  hedging.noteStripe()
  for (const index of wanted) ask(index).catch(asked.reject)
  try {
    // One promise for both: nothing more is allocated when all come in time.
    patience.onLate(asked.resolve)
    await asked.promise
    if (pending !== 0 && (await hedge())) return
    reader.signal.throwIfAborted()
    const lost = missing()
    if (lost.length > 0) putAll(await rebuildStripe({ reader, window, stripe, lost }))
  } finally {
    isOver = true
  }

  /** Whether the stripe is complete: what was late was rebuilt before it came. Otherwise all have answered. */
  async function hedge(): Promise<boolean> {
    asked = Promise.withResolvers()
    if (!hedging.tryTake()) await Promise.race([asked.promise, patience.overdue()])
    if (pending === 0) return false
    hedging.counts.hedged += 1
    for (const index of late()) reader.suspect(index)
    const lost = missing()
    const rebuilt = rebuildStripe({ reader, window, stripe, lost, isOver: () => isOver }).catch(() => undefined)
    const blocks = await Promise.race([asked.promise, rebuilt])
    if (!blocks || pending === 0) {
      await asked.promise
      return false
    }
    hedging.counts.won += 1
    for (const index of late()) {
      reader.giveUp(index)
      hedging.noteLate(reader.server(index), patience)
    }
    putAll(blocks)
    return true
  }

  function late(): number[] {
    return wanted.filter((index) => (pending & (1 << index)) !== 0)
  }

  function putAll(blocks: ReadonlyMap<number, Uint8Array>): void {
    for (const index of missing()) window.put(stripe, index, blocks.get(index)!)
  }
}
