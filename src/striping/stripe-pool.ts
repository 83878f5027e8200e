import { StoreFault } from '../base/faults.ts'
import { type RebuildOrder, StripeKernel } from './kernel.ts'
import { Md5Lanes, type Md5Stream } from './md5-lanes.ts'
import { SlotSpace } from './slots.ts'
import { StripeBuffer, type StripeShape, slotBytesOf } from './stripe-buffer.ts'

export type { Md5Stream } from './md5-lanes.ts'
export type { StripeBuffer, StripeShape } from './stripe-buffer.ts'

/** Who waits for memory, at most. */
const WAITERS_MAX = 10_000

interface Waiter {
  readonly slotBytes: number
  readonly grant: (offset: number) => void
}

/**
 * The memory that stripes are made in. Its size is fixed, so that no view of it is ever detached; it is only touched, and
 * so only resident, as far as it was ever needed at once. Small and large stripes share it.
 */
export class StripePool {
  readonly #kernel: StripeKernel
  readonly #slots: SlotSpace
  readonly #md5: Md5Lanes
  /** In order of arrival. */
  readonly #waiters = new Set<Waiter>()

  /** `bytesMax`: for all stripes together, up to 4 GiB - 1 MiB. */
  constructor(options: { bytesMax: number }) {
    this.#kernel = new StripeKernel(options.bytesMax)
    this.#slots = new SlotSpace(options.bytesMax)
    this.#md5 = new Md5Lanes(this.#kernel, () => this.#waiters.size > 0)
  }

  /** Bytes that are out, rounding to slot sizes included. */
  get usedBytes(): number {
    return this.#slots.usedBytes
  }

  /** How many wait for a buffer. */
  get waiting(): number {
    return this.#waiters.size
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
    const offset =
      (this.#waiters.size === 0 ? this.#slots.take(slotBytes) : undefined) ?? (await this.#wait(slotBytes, signal))
    return new StripeBuffer(this.#kernel, offset, shape, () => this.#giveBack(offset))
  }

  /** Makes wanted blocks of a stripe of any six others; takes no room in the pool, and does not wait. */
  rebuildBlocks(order: RebuildOrder): Buffer[] {
    return this.#kernel.rebuild(order)
  }

  /** The MD5 of a body that is cut into this pool's stripes, hashed together with others where that costs less. */
  startMd5(): Md5Stream {
    return this.#md5.start()
  }

  #wait(slotBytes: number, signal: AbortSignal): Promise<number> {
    if (this.#waiters.size >= WAITERS_MAX)
      throw new StoreFault('SlowDown', { reason: 'Too many uploads wait for memory.' })
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const waiter: Waiter = {
      slotBytes,
      grant: (offset) => {
        signal.removeEventListener('abort', onAbort)
        resolve(offset)
      },
    }
    const onAbort = () => {
      this.#waiters.delete(waiter)
      reject(signal.reason)
      this.#serve() // it may have stood before smaller ones
    }
    this.#waiters.add(waiter)
    this.#md5.hurry()
    signal.addEventListener('abort', onAbort, { once: true })
    return promise
  }

  #giveBack(offset: number): void {
    this.#slots.free(offset)
    this.#serve()
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const offset = this.#slots.take(waiter.slotBytes)
      if (offset === undefined) return
      this.#waiters.delete(waiter)
      waiter.grant(offset)
    }
  }
}
