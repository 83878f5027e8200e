import { type RebuildOrder, StripeKernel } from './kernel.ts'
import { Md5Lanes, type Md5Stream } from './md5-lanes.ts'
import { SharedSlots, type SlotQueue } from './slot-queue.ts'
import { StripeBuffer, type StripeShape, slotBytesOf } from './stripe-buffer.ts'

export type { Md5Stream } from './md5-lanes.ts'
export type { StripeBuffer, StripeShape } from './stripe-buffer.ts'

export interface StripePoolOptions {
  /** For all stripes, and all that is lent, together: up to 4 GiB - 1 MiB. */
  bytesMax: number
  /** Of that, what stripes may take at once, and what may be lent at once; all, if not given. */
  sideBytesMax?: number
}

/** Disposed, it goes back: nobody reads or writes it any more. */
export interface LentMemory extends Disposable {
  readonly bytes: Buffer
}

/** However often it is disposed, it is given back once. */
export function lentMemory(bytes: Buffer, giveBack: () => void): LentMemory {
  let isHeld = true
  return {
    bytes,
    [Symbol.dispose]() {
      if (isHeld) giveBack()
      isHeld = false
    },
  }
}

/**
 * The memory that stripes are made in, and that downloads read into. Its size is fixed, so that no view of it is ever
 * detached; it is only touched, and so only resident, as far as it was ever needed at once. Small and large stripes share
 * it, and what was given back last is given out first: the first touch of fresh memory costs more than filling it.
 */
export class StripePool {
  readonly #kernel: StripeKernel
  readonly #slots: SlotQueue
  readonly #lent: SlotQueue
  readonly #md5: Md5Lanes

  constructor({ bytesMax, sideBytesMax = bytesMax }: StripePoolOptions) {
    const slots = new SharedSlots(bytesMax)
    this.#kernel = new StripeKernel(bytesMax)
    this.#slots = slots.queue(sideBytesMax)
    this.#lent = slots.queue(sideBytesMax)
    this.#md5 = new Md5Lanes(this.#kernel, () => this.#slots.waiting > 0)
  }

  /** Bytes of stripes that are out, rounding to slot sizes included. */
  get usedBytes(): number {
    return this.#slots.usedBytes
  }

  /** Bytes that are lent, rounding included. */
  get lentBytes(): number {
    return this.#lent.usedBytes
  }

  /** What could still be lent if it were in one piece. */
  get lendableBytes(): number {
    return this.#lent.freeBytes
  }

  /** How many wait for a buffer. */
  get waiting(): number {
    return this.#slots.waiting
  }

  /**
   * A buffer for one stripe. Waits in order of arrival while there is no room, a large one in front of small ones too; so
   * buffers must come back without their holder getting another one first. Rejects with the signal's reason. Fault:
   * SlowDown when 10,000 wait. RangeError for a shape that never fits.
   */
  async acquire(shape: StripeShape, signal: AbortSignal): Promise<StripeBuffer> {
    signal.throwIfAborted()
    const slotBytes = slotBytesOf(shape)
    if (slotBytes > this.#slots.slotBytesMax) {
      throw new RangeError(
        `a stripe of ${slotBytes} bytes does not fit a pool whose slots have at most ${this.#slots.slotBytesMax}`,
      )
    }
    const offset = this.#slots.tryTake(slotBytes) ?? (await this.#wait(slotBytes, signal))
    return new StripeBuffer(this.#kernel, offset, shape, () => this.#slots.giveBack(offset))
  }

  /** Memory for something to be read into, if there is any to spare now; what was in it is still there. */
  tryLend(bytes: number): LentMemory | undefined {
    const offset = this.#lent.tryTake(bytes)
    if (offset === undefined) return undefined
    return lentMemory(this.#kernel.memory.subarray(offset, offset + bytes), () => this.#lent.giveBack(offset))
  }

  /** Makes wanted blocks of a stripe of any six others; takes no room in the pool, and does not wait. */
  rebuildBlocks(order: RebuildOrder): Buffer[] {
    return this.#kernel.rebuild(order)
  }

  /** The MD5 of a body that is cut into this pool's stripes, hashed together with others where that costs less. */
  startMd5(): Md5Stream {
    return this.#md5.start()
  }

  async #wait(slotBytes: number, signal: AbortSignal): Promise<number> {
    const offset = this.#slots.wait(slotBytes, signal)
    // Bodies that wait to be hashed with others hold stripes.
    this.#md5.hurry()
    return await offset
  }
}
