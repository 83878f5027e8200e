import type { Clock } from '../base/clock.ts'

/** What was not used up may be caught up with later, up to so much. */
const BURST_MS = 1_000

/** Keeps work to so many bytes a second, so that requests have the rest. First come, first served. */
export class Pace {
  readonly #clock: Clock
  readonly #bytesPerSecond: number
  /** When all that was granted so far is paid for. */
  #paidMs = 0

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when `bytes` may be moved; more than a second's worth is granted in one go and paid for afterwards. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const startMs = Math.max(this.#paidMs, nowMs - BURST_MS)
    this.#paidMs = startMs + (bytes / this.#bytesPerSecond) * 1000
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal)
  }
}
