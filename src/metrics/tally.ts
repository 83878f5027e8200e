/** Counters by one label, or histograms, or whatever is kept for each value of it: made when it is first met. */
export class Tally<T> {
  readonly #make: () => T
  readonly #entries = new Map<string, T>()

  constructor(make: () => T) {
    this.#make = make
  }

  of(label: string): T {
    const known = this.#entries.get(label)
    if (known !== undefined) return known
    const made = this.#make()
    this.#entries.set(label, made)
    return made
  }

  entries(): Iterable<[string, T]> {
    return this.#entries
  }
}

/** Counters by one label. */
export class Counts {
  readonly #entries: Map<string, number>

  /** `known`: what is counted from the start, be it 0. */
  constructor(known: readonly string[] = []) {
    this.#entries = new Map(known.map((label) => [label, 0]))
  }

  add(label: string, by = 1): void {
    this.#entries.set(label, (this.#entries.get(label) ?? 0) + by)
  }

  entries(): Iterable<[string, number]> {
    return this.#entries
  }
}
