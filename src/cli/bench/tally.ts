import { S3Failure } from '../s3-client/s3-failure.ts'
import { Latencies } from './latencies.ts'

/** Codes are the endpoint's words: those beyond are counted as one. */
const CODES_MAX = 50
const OTHER_CODES = 'Other'

export interface FailureCount {
  /** S3's; `NoAnswer`, `WrongBytes` or `MissingKeys` where there is none. */
  code: string
  count: number
  /** What was said of the first one. */
  first: string
}

/** What came of the requests of a measurement. */
export class Tally {
  /** That did what they should. Only of these are bytes and latencies. */
  operations = 0
  /** Of bodies, either way. */
  bytes = 0
  failed = 0
  readonly latencies = new Latencies()
  readonly #failures = new Map<string, FailureCount>()

  succeed(ms: number, bytes: number): void {
    this.operations++
    this.bytes += bytes
    this.latencies.add(ms)
  }

  fail(error: unknown): void {
    const said = error instanceof S3Failure ? error.code : 'Error'
    const code = this.#failures.has(said) || this.#failures.size < CODES_MAX ? said : OTHER_CODES
    const first = error instanceof Error ? error.message : String(error)
    const row = this.#failures.get(code) ?? { code, count: 0, first }
    row.count++
    this.failed++
    this.#failures.set(code, row)
  }

  /** The most frequent first. */
  get failures(): FailureCount[] {
    return [...this.#failures.values()].sort((a, b) => b.count - a.count)
  }
}
