import type { Clock } from '../../base/clock.ts'

/** What a socket gives at once, at most: Node's buffer for a read. */
const READ_BYTES = 64 * 1024
const TICK_MS = 10

/**
 * How fast bytes that nobody wants are read, all connections together: their senders could keep the process from all
 * else. What is not read stays with the kernel, and then with its sender.
 */
export class DropPace {
  readonly #clock: Clock
  readonly #tickBytes: number
  #leftBytes: number
  readonly #waiting: (() => void)[] = []
  #isTicking = false

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#tickBytes = (bytesPerSecond * TICK_MS) / 1000
    this.#leftBytes = this.#tickBytes
  }

  /** Calls back, now or in its turn, when one piece may be read. */
  next(go: () => void): void {
    if (this.#leftBytes > 0 && this.#waiting.length === 0) this.#admit(go)
    else this.#waiting.push(go)
    this.#tick()
  }

  /** The piece that was waited for, in bytes. */
  came(bytes: number): void {
    this.#leftBytes += Math.max(0, READ_BYTES - bytes)
  }

  #admit(go: () => void): void {
    this.#leftBytes -= READ_BYTES
    go()
  }

  #tick(): void {
    if (this.#isTicking) return
    this.#isTicking = true
    this.#clock.after(TICK_MS, () => {
      this.#isTicking = false
      this.#leftBytes = Math.min(this.#tickBytes, this.#leftBytes + this.#tickBytes)
      while (this.#leftBytes > 0 && this.#waiting.length > 0) this.#admit(this.#waiting.shift()!)
      if (this.#waiting.length > 0 || this.#leftBytes < this.#tickBytes) this.#tick()
    })
  }
}
