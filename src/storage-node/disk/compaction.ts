import type { Clock } from '../../base/clock.ts'
import { hintsPath, segmentPath } from '../../chunk-files/paths.ts'
import { segmentFileName } from './chunk-reader.ts'
import { isMissing } from './disk-error.ts'
import type { DiskParts } from './disk-parts.ts'
import { moveOut } from './move-segment.ts'
import type { Segment } from './segment-table.ts'

/**
 * Rewrites segments of which little is needed any more, one at a time: what is needed is appended to the active segment
 * like any put or delete, then the old file is removed. A crash at any moment leaves, at worst, two copies.
 */
export class Compactor implements AsyncDisposable {
  readonly #parts: DiskParts & { clock: Clock }
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #retry: Disposable | undefined
  /** Segments that hold live chunks which their records do not name: not to be touched again by this process. */
  readonly #givenUp = new Set<number>()

  constructor(parts: DiskParts & { clock: Clock }) {
    this.#parts = parts
  }

  /** Starts if there may be something to do, unless it is running or waits for another try. Returns at once. */
  kick(): void {
    if (this.#running || this.#retry || this.#stop.signal.aborted || this.#parts.table.candidates.size === 0) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing is worth doing, or what is must wait. */
  async settled(): Promise<void> {
    this.kick()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let segment = this.#pick(); segment; segment = this.#pick()) {
      try {
        await this.#compact(segment)
      } catch (error) {
        this.#parts.table.candidates.add(segment.number)
        if (!this.#stop.signal.aborted) this.#retryLater(error, segment.number)
        return
      }
    }
  }

  #pick(): Segment | undefined {
    const { table } = this.#parts
    let segment = this.#stop.signal.aborted ? undefined : table.pick()
    while (segment && this.#givenUp.has(segment.number)) segment = table.pick()
    return segment
  }

  #retryLater(error: unknown, segment: number): void {
    const { log, clock, settings, health } = this.#parts
    health.report(error)
    log.warn({ error, segment }, 'a segment could not be compacted; it is tried again later')
    this.#retry = clock.after(settings.compaction.retryMs, () => {
      this.#retry = undefined
      this.kick()
    })
  }

  async #compact(segment: Segment): Promise<void> {
    const { log } = this.#parts
    if (!segment.isUnlinked) {
      // From the first copy on it is marked as shadowed (applyRecord), and so the first to be tried again.
      await moveOut({ parts: this.#parts, segment, signal: this.#stop.signal })
      if (segment.liveBytes !== 0) {
        log.error({ segment: segment.number, bytes: segment.liveBytes }, 'a segment has chunks that its records lack')
        this.#givenUp.add(segment.number)
        return
      }
    }
    await this.#remove(segment)
    log.debug({ segment: segment.number }, 'compacted a segment')
  }

  /**
   * Its hints last: they are harmless without it, and removed at start-up. But of a segment that a crash leaves without
   * hints all records are read anew, and damaged ones count again that did not, and were deleted without a tombstone.
   * A reader that still has the file open may go on.
   */
  async #remove(segment: Segment): Promise<void> {
    const { fs, paths, files, directories, table } = this.#parts
    await unlinkIfThere(fs, segmentPath(paths, segment.number))
    segment.isUnlinked = true
    files.drop(segmentFileName(segment.number))
    await directories.sync(paths.segments)
    await unlinkIfThere(fs, hintsPath(paths, segment.number))
    table.remove(segment.number)
  }

  /** Leaves off at the next record; what was copied so far is found at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#retry?.[Symbol.dispose]()
    await this.#running
  }
}

async function unlinkIfThere(fs: DiskParts['fs'], path: string): Promise<void> {
  await fs.unlink(path).catch((error) => {
    if (!isMissing(error)) throw error
  })
}
