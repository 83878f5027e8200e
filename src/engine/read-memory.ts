import type { Clock } from '../base/clock.ts'
import { SharedSlots } from '../striping/slot-queue.ts'
import { SLOT_UNIT_BYTES, slotWithin } from '../striping/slots.ts'
import { type LentMemory, lentMemory, type StripePool } from '../striping/stripe-pool.ts'

/**
 * What is read at once at most: 2 MiB, which holds any part that travels whole. Measured: half of it costs a fifth more,
 * because the threads that read files are woken more often.
 */
const WINDOW_BYTES_MAX = 512 * SLOT_UNIT_BYTES
/** With less than 0.5 MiB for each window, one of twice the size beats two. */
const WINDOW_BYTES_MIN_AHEAD = 128 * SLOT_UNIT_BYTES
/** Nobody takes more than this part of what is free. */
const PART_OF_FREE = 1 / 16
/**
 * A client has taken so much, in bytes, only if it reads: Linux holds up to 4 MiB (net.ipv4.tcp_wmem) for one that does not.
 * Until then it is new.
 */
const PROOF_BYTES = 4 * 1024 * 1024
/** What new ones hold together, of all that may be lent; a single one is to have the largest window nevertheless. */
const PART_OF_NEW = 1 / 4
const PART_OF_FREE_NEW = 1 / 5
/**
 * For blocks that are read to be sent by pieces, 16 of 32 KiB: each for as long as a disk takes, so more would only keep
 * the process from those who do nothing wrong.
 */
const SCRATCH_BYTES = 128 * SLOT_UNIT_BYTES
/** Longer than a disk takes unless it hangs; who waits for it is not to hang as well. */
const SCRATCH_WAIT_MS = 1_000

/** What a download may take now. */
export interface ReadShare {
  /** In one window. */
  bytes: number
  /** Whether the next window may be read while one is being sent. */
  isReadAheadAllowed: boolean
}

/**
 * Shares out the memory that downloads read into. A client that stops reading holds what it was given until it is let go,
 * and there may be thousands of those: so each takes but a part of what is free, and those of which nobody knows yet
 * whether they read, of less. At the end of it, a download reads block by block, and holds a small copy of a piece while
 * its client takes that. No client is waited for.
 */
export class ReadMemory {
  readonly #pool: StripePool
  readonly #clock: Clock
  readonly #newBytesMax: number
  #newBytes = 0
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #scratchSlots = new SharedSlots(SCRATCH_BYTES).queue(SCRATCH_BYTES)

  constructor(pool: StripePool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
    this.#newBytesMax = pool.lendableBytes * PART_OF_NEW
  }

  /** `sentBytes`: what the client has taken of this part. */
  share(sentBytes: number): ReadShare {
    const { lendableBytes } = this.#pool
    const ofAll = lendableBytes * PART_OF_FREE
    const ofNew = Math.min(lendableBytes, this.#newBytesMax - this.#newBytes) * PART_OF_FREE_NEW
    const bytes = Math.min(WINDOW_BYTES_MAX, slotWithin(sentBytes < PROOF_BYTES ? Math.min(ofAll, ofNew) : ofAll))
    return { bytes, isReadAheadAllowed: bytes >= WINDOW_BYTES_MIN_AHEAD }
  }

  /** For a window; undefined: there is none, or not in one piece. */
  tryTake(bytes: number, sentBytes: number): LentMemory | undefined {
    const pool = this.#pool
    const before = pool.lentBytes
    const lent = pool.tryLend(bytes)
    if (!lent || sentBytes >= PROOF_BYTES) return lent
    // Slots are larger than what they are taken for.
    const slotBytes = pool.lentBytes - before
    if (this.#newBytes + slotBytes > this.#newBytesMax) return void lent[Symbol.dispose]()
    this.#newBytes += slotBytes
    return lentMemory(lent.bytes, () => {
      this.#newBytes -= slotBytes
      lent[Symbol.dispose]()
    })
  }

  /** Of the pool, or of one's own. */
  take(bytes: number): LentMemory {
    return this.#pool.tryLend(bytes) ?? ownMemory(bytes)
  }

  /** For a block, and never while a client is waited for. Rejects with the signal's reason. Fault: SlowDown. */
  async takeScratch(bytes: number, signal: AbortSignal): Promise<LentMemory> {
    const offset = this.#scratchSlots.tryTake(bytes) ?? (await this.#waitForScratch(bytes, signal))
    if (offset === undefined) return ownMemory(bytes)
    return lentMemory(this.#scratch.subarray(offset, offset + bytes), () => this.#scratchSlots.giveBack(offset))
  }

  /** undefined: not in time. */
  async #waitForScratch(bytes: number, signal: AbortSignal): Promise<number | undefined> {
    const late = new AbortController()
    using _timer = this.#clock.after(SCRATCH_WAIT_MS, () => late.abort())
    try {
      return await this.#scratchSlots.wait(bytes, AbortSignal.any([signal, late.signal]))
    } catch (error) {
      signal.throwIfAborted()
      if (late.signal.aborted) return undefined
      throw error
    }
  }
}

/** Memory of one's own, which goes when nobody refers to it. */
export function ownMemory(bytes: number): LentMemory {
  return { bytes: Buffer.allocUnsafeSlow(bytes), [Symbol.dispose]() {} }
}
