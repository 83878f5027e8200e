import type { ServerNumber } from '../base/ids.ts'

/** The share of reads that take less than the running estimate. */
const QUANTILE = 0.95
/** How far one read moves the estimate: up by 10 % when it took longer, down by 0.5 % when not. */
const STEP = 0.1
/** Estimates cannot fall to nothing, or they would never rise again. */
const ESTIMATE_MS_MIN = 0.5
/** Reads between two looks at all servers' estimates. */
const READS_BETWEEN_LOOKS = 128
/** Reads of one chunk, by bytes: below 16 KiB, below 128 KiB, more. */
const CLASS_BYTES = [16 * 1024, 128 * 1024]
const CLASSES = CLASS_BYTES.length + 1

/**
 * How long storage servers take to answer reads: for each a running estimate of its 95th percentile, by the size of the
 * read. What is typical is the median of all servers, so that one that is slow does not make slowness typical. Nothing is
 * allocated for a read.
 */
export class ReadTimes {
  readonly #byServer = new Map<ServerNumber, Float64Array>()
  readonly #typical: (number | undefined)[] = Array.from({ length: CLASSES })
  #untilLook = 0

  note(server: ServerNumber, bytes: number, tookMs: number): void {
    let estimates = this.#byServer.get(server)
    if (!estimates) {
      estimates = new Float64Array(CLASSES)
      this.#byServer.set(server, estimates)
    }
    const size = classOf(bytes)
    const before = estimates[size]!
    if (before === 0) estimates[size] = Math.max(ESTIMATE_MS_MIN, tookMs)
    else if (tookMs > before) estimates[size] = before * (1 + STEP * QUANTILE)
    else estimates[size] = Math.max(ESTIMATE_MS_MIN, before * (1 - STEP * (1 - QUANTILE)))
    if (this.#untilLook-- <= 0) this.#look()
  }

  /** What 95 of 100 reads of this size stay below on a typical server, in ms; undefined: nobody knows yet. */
  typicalMs(bytes: number): number | undefined {
    return this.#typical[classOf(bytes)]
  }

  #look(): void {
    this.#untilLook = READS_BETWEEN_LOOKS
    for (let size = 0; size < CLASSES; size++) {
      const known = Array.from(this.#byServer.values(), (estimates) => estimates[size]!).filter((ms) => ms > 0)
      this.#typical[size] = known.sort((a, b) => a - b)[Math.floor(known.length / 2)]
    }
  }
}

function classOf(bytes: number): number {
  let size = 0
  while (size < CLASS_BYTES.length && bytes >= CLASS_BYTES[size]!) size += 1
  return size
}
