import { StoreFault } from './faults.ts'

/** Memory that clients can fill, in bytes: so much for all of them together. */
export class ByteBudget {
  readonly #bytesMax: number
  readonly #reason: string
  #usedBytes = 0

  /** `reason`: what is told when there is no more. */
  constructor(bytesMax: number, reason: string) {
    this.#bytesMax = bytesMax
    this.#reason = reason
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Fault: SlowDown. */
  take(bytes: number): void {
    if (!this.tryTake(bytes)) throw new StoreFault('SlowDown', { reason: this.#reason })
  }

  /** False: there is not so much. */
  tryTake(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#bytesMax) return false
    this.#usedBytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
