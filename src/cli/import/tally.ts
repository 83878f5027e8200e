/** Beyond that they are only counted. */
const FAILURES_TOLD_MAX = 10_000

export interface ImportFailure {
  key: string
  versionId?: string | undefined
  reason: string
}

/** What an import has done so far. */
export class Tally {
  /** Keys that were gone through. */
  keys = 0
  /** Versions and objects copied in this run. */
  copied = 0
  markers = 0
  bytes = 0
  /** Versions and markers that the destination had already. */
  present = 0
  presentBytes = 0
  /** Copied, but the source gives nothing that their bytes could be held against. */
  unverified = 0
  /** Copied without the retention or hold that they have at the source. */
  locksLeftOut = 0
  /** Gone from the source since they were listed. */
  gone = 0
  failed = 0
  retries = 0
  readonly failures: ImportFailure[] = []
  /** What the source holds, counted ahead; undefined until all of it is. */
  total: { versions: number; bytes: number } | undefined

  /** `versions`: how many of the key are not copied for that. */
  fail(failure: ImportFailure, versions: number): void {
    this.failed += versions
    if (this.failures.length < FAILURES_TOLD_MAX) this.failures.push(failure)
  }
}
