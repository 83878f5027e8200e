import { SLOT_UNIT_BYTES, slotWithin } from '../striping/slots.ts'
import type { LentMemory, StripePool } from '../striping/stripe-pool.ts'

/**
 * What is read at once at most: 2 MiB, which holds any part that travels whole. Measured: half of it costs a fifth more,
 * because the threads that read files are woken more often.
 */
const WINDOW_BYTES_MAX = 512 * SLOT_UNIT_BYTES
/** With less than 0.5 MiB for each window, one of twice the size beats two. */
const WINDOW_BYTES_MIN_AHEAD = 128 * SLOT_UNIT_BYTES
/** Nobody takes more than this part of what is free. */
const PART_OF_FREE = 1 / 16

/** What a download may take now. */
export interface ReadShare {
  /** In one window. */
  bytes: number
  /** Whether the next window may be read while one is being sent. */
  isReadAheadAllowed: boolean
}

/**
 * Shares out the memory that downloads read into. A client that stops reading holds what it was given until it is let go,
 * and there may be many of those: so each takes but a part of what is free, and there is always something left; at the end
 * of it, a download reads block by block into memory of its own. Nobody waits.
 */
export class ReadMemory {
  readonly #pool: StripePool

  constructor(pool: StripePool) {
    this.#pool = pool
  }

  get share(): ReadShare {
    const bytes = Math.min(WINDOW_BYTES_MAX, slotWithin(this.#pool.lendableBytes * PART_OF_FREE))
    return { bytes, isReadAheadAllowed: bytes >= WINDOW_BYTES_MIN_AHEAD }
  }

  take(bytes: number): LentMemory {
    return this.#pool.tryLend(bytes) ?? ownMemory(bytes)
  }
}

/** Memory of one's own, which goes when nobody refers to it. */
export function ownMemory(bytes: number): LentMemory {
  return { bytes: Buffer.allocUnsafeSlow(bytes), [Symbol.dispose]() {} }
}
