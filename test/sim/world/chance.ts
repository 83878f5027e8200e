import type { Random } from '../../../src/base/clock.ts'
import { type Dice, makeDice } from '../../storage-node/disk/crash-fs.ts'

/** All chance of one run, from its seed. */
export class Chance implements Random {
  readonly dice: Dice

  constructor(seed: number) {
    this.dice = makeDice(seed)
  }

  integer(bound: number): number {
    return this.dice(bound)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.dice(256)
    return bytes
  }

  /** A source of its own, so that what is drawn from one does not change what comes of another. */
  fork(): Chance {
    return new Chance(this.dice(2 ** 32))
  }

  /** True that often: 0 to 1. */
  happens(probability: number): boolean {
    return this.dice(1_000_000) < probability * 1_000_000
  }

  between(low: number, high: number): number {
    return low + (this.dice(1_000_000) / 1_000_000) * (high - low)
  }

  one<T>(of: readonly T[]): T {
    return of[this.dice(of.length)]!
  }

  /** In some order. */
  shuffled<T>(of: readonly T[]): T[] {
    return of
      .map((value) => ({ value, order: this.dice(2 ** 32) }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value)
  }
}
