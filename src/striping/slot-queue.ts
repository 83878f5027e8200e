import { StoreFault } from '../base/faults.ts'
import { SlotSpace, slotWithin } from './slots.ts'

/** Who waits for memory, at most, of each kind. */
const WAITERS_MAX = 10_000

/** A range of bytes cut into slots for users of several kinds; each kind has its own queue, and can never take all. */
export class SharedSlots {
  readonly #space: SlotSpace
  readonly #queues: SlotQueue[] = []

  constructor(bytes: number) {
    this.#space = new SlotSpace(bytes)
  }

  /** `bytesMax`: of all slots that users of this kind hold at once. */
  queue(bytesMax: number): SlotQueue {
    const queue = new SlotQueue(this.#space, bytesMax, () => {
      for (const each of this.#queues) each.serve()
    })
    this.#queues.push(queue)
    return queue
  }
}

interface Waiter {
  readonly bytes: number
  readonly grant: (offset: number) => void
}

/**
 * Slots for those who may have to wait: first come, first served, a large one in front of small ones too; so slots must
 * come back without their holder getting another one first.
 */
export class SlotQueue {
  readonly #space: SlotSpace
  readonly #bytesMax: number
  readonly #onFree: () => void
  /** In order of arrival. */
  readonly #waiters = new Set<Waiter>()
  #usedBytes = 0

  constructor(space: SlotSpace, bytesMax: number, onFree: () => void) {
    this.#space = space
    this.#bytesMax = bytesMax
    this.#onFree = onFree
  }

  /** No larger slot can ever be had. */
  get slotBytesMax(): number {
    return Math.min(this.#space.slotBytesMax, slotWithin(this.#bytesMax))
  }

  /** What could be taken if it were in one piece. */
  get freeBytes(): number {
    return Math.min(this.#space.freeBytes, this.#bytesMax - this.#usedBytes)
  }

  /** Bytes that are out, rounding to slot sizes included. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Where a slot of at least `bytes` begins; undefined: there is none now, or somebody waits already. */
  tryTake(bytes: number): number | undefined {
    return this.#waiters.size === 0 ? this.#take(bytes) : undefined
  }

  /** Rejects with the signal's reason. Fault: SlowDown when 10,000 wait. */
  wait(bytes: number, signal: AbortSignal): Promise<number> {
    if (this.#waiters.size >= WAITERS_MAX) {
      throw new StoreFault('SlowDown', { reason: 'Too many uploads or downloads wait for memory.' })
    }
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const waiter: Waiter = {
      bytes,
      grant: (offset) => {
        signal.removeEventListener('abort', onAbort)
        resolve(offset)
      },
    }
    const onAbort = () => {
      this.#waiters.delete(waiter)
      reject(signal.reason)
      this.serve() // it may have stood before smaller ones
    }
    this.#waiters.add(waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    return promise
  }

  giveBack(offset: number): void {
    this.#usedBytes -= this.#space.free(offset)
    this.#onFree()
  }

  /** There may be room. */
  serve(): void {
    for (const waiter of this.#waiters) {
      const offset = this.#take(waiter.bytes)
      if (offset === undefined) return
      this.#waiters.delete(waiter)
      waiter.grant(offset)
    }
  }

  #take(bytes: number): number | undefined {
    const slotBytes = this.#space.slotFor(bytes)
    if (this.#usedBytes + slotBytes > this.#bytesMax) return undefined
    const offset = this.#space.take(bytes)
    if (offset !== undefined) this.#usedBytes += slotBytes
    return offset
  }
}
