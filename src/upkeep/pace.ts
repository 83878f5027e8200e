import type { Clock } from '../base/clock.ts'

/** What was not used up may be caught up with later, up to so much. */
const BURST_MS = 1_000

/** Keeps work to so much a second (bytes, chunks), so that requests have the rest. First come, first served. */
export class Pace {
  readonly #clock: Clock
  readonly #perSecond: number
  /** When all that was granted so far is paid for. */
  #paidMs = 0

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#perSecond = perSecond
  }

  /** Resolves when so much may be done; more than a second's worth is granted in one go and paid for afterwards. */
  async take(amount: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const startMs = Math.max(this.#paidMs, nowMs - BURST_MS)
    this.#paidMs = startMs + (amount / this.#perSecond) * 1000
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs, signal)
  }
}
