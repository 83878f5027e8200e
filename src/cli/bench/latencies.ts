/** A bucket ends so much higher than it begins. */
const STEP = 1.01
/** Of the first bucket. */
const LOWEST_MS = 0.001
/** Of the last but one: idle connections are given up long before. */
const HIGHEST_MS = 24 * 3_600_000

const BUCKETS = Math.ceil(Math.log(HIGHEST_MS / LOWEST_MS) / Math.log(STEP)) + 2

/** How long things took, in 20 KiB however many: a quantile is at most 1 % too high, never too low. */
export class Latencies {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #maxMs = 0

  add(ms: number): void {
    this.#counts[bucketOf(ms)]! += 1
    this.#count += 1
    this.#maxMs = Math.max(this.#maxMs, ms)
  }

  /** Milliseconds that no more than 1 - `share` of all are above; null: there was none. */
  quantileMs(share: number): number | null {
    if (this.#count === 0) return null
    const wanted = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    const bucket = this.#counts.findIndex((count) => {
      seen += count
      return seen >= wanted
    })
    return Math.min(this.#maxMs, LOWEST_MS * STEP ** bucket)
  }

  get maxMs(): number | null {
    return this.#count === 0 ? null : this.#maxMs
  }
}

/** Bucket 0 ends at LOWEST_MS, bucket n at LOWEST_MS * STEP ** n. */
function bucketOf(ms: number): number {
  if (ms <= LOWEST_MS) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / LOWEST_MS) / Math.log(STEP)))
}
