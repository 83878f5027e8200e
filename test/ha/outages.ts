import type { Ledger } from '../chaos/workload/ledger.ts'

/** As finely as outages are told. */
const LOOK_EVERY_MS = 50

/** Watches for how long no write was acknowledged. */
export class Outages implements Disposable {
  readonly #ledger: Ledger
  readonly #timer: NodeJS.Timeout
  #acknowledged = 0
  #lastMs = performance.now()
  #longestMs = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  /** Counts from now on. */
  begin(): void {
    this.#look()
    this.#longestMs = 0
  }

  /** The longest time since `begin` in which no write was acknowledged, the one that still lasts included. */
  get longestMs(): number {
    this.#look()
    return Math.max(this.#longestMs, performance.now() - this.#lastMs)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const { acknowledged } = this.#ledger
    const nowMs = performance.now()
    if (acknowledged === this.#acknowledged) return
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs)
    this.#acknowledged = acknowledged
    this.#lastMs = nowMs
  }
}
