import type { Allowance } from './rate-limiter.ts'

/** What one request is charged for: as soon as it is known, and in the end for what it was. */
export class Charges {
  readonly #allowances: Allowance[] = []
  #bytes = 0

  /** Whose allowance it takes from, too. */
  add(allowance: Allowance): void {
    this.#allowances.push(allowance)
    allowance.take({ requests: 0, bytes: this.#bytes })
  }

  charge(bytes: number): void {
    this.#bytes += bytes
    for (const allowance of this.#allowances) allowance.take({ requests: 0, bytes })
  }

  /** It has moved so much, all in all. */
  settle(bytes: number): void {
    if (bytes !== this.#bytes) this.charge(bytes - this.#bytes)
  }
}
