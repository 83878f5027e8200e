/**
 * Numbers that follow from a seed and the number of a case alone: any case can be made again by itself.
 * SplitMix32: https://doi.org/10.1145/2714064.2660195
 */
export class Chance {
  #state: number

  constructor(seed: number, serial: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(serial + 1, 0xc2b2ae35)
    this.#state ^= this.#next()
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    return this.#next() % n
  }

  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** By weight: `[[3, a], [1, b]]` gives `a` three times as often as `b`. */
  weighted<T>(rows: readonly (readonly [weight: number, value: T])[]): T {
    let left = this.below(rows.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, value] of rows) {
      left -= weight
      if (left < 0) return value
    }
    throw new Error('no rows')
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  /** `min` to `max` of what `make` makes. */
  some<T>(min: number, max: number, make: () => T): T[] {
    return Array.from({ length: this.between(min, max) }, make)
  }

  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let z = this.#state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
