import type { Random } from '../../base/clock.ts'
import { assert } from '../../base/faults.ts'
import { segmentPath } from '../../chunk-files/paths.ts'
import { ActiveSegment, type SegmentStart } from './active-segment.ts'
import { applyRecord } from './apply-record.ts'
import type { ChunkIndex } from './chunk-index.ts'
import { toChunkError } from './disk-error.ts'
import type { DiskHealth } from './disk-health.ts'
import { RecordList } from './hints.ts'
import { type HintsDeps, writeHints } from './hints-file.ts'
import {
  encodeSegmentHeader,
  type NewRecord,
  RECORD_BYTES_MAX,
  RECORD_HEADER_BYTES,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
} from './record.ts'
import type { SegmentTable } from './segment-table.ts'
import type { ChunkDiskSettings } from './settings.ts'

export interface SegmentLogDeps extends HintsDeps {
  health: DiskHealth
  index: ChunkIndex
  table: SegmentTable
  random: Random
  settings: ChunkDiskSettings
}

/** Where appending goes on after a restart. */
export interface LogStart {
  /** The highest number that was ever seen. */
  lastSegment: number
  /** The segment before the one to be made next, and how much of it counts. */
  previous: { segment: number; bytes: number }
  active: SegmentStart | undefined
}

export interface LogPosition {
  segment: number
  offset: number
}

interface Waiting {
  record: NewRecord
  recordBytes: number
  resolve(): void
  reject(error: unknown): void
}

/** What one write makes durable, at most. The buffer is of that length too, of which short records touch little. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024

/**
 * Appends records, with group commit: all that wait are written and made durable together; whatever comes meanwhile is
 * the next batch. Nothing ever waits for a batch to fill. The queue is as long as callers let it grow.
 */
export class SegmentLog implements AsyncDisposable {
  readonly #deps: SegmentLogDeps
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #active: ActiveSegment | undefined
  #lastSegment: number
  /** The one that is being made, or will be. */
  #nextSegment: number
  #previous: { segment: number; bytes: number }
  readonly #scratch = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX)
  #isTailInDoubt = false
  readonly #behind = new Set<Promise<void>>()

  constructor(deps: SegmentLogDeps, start: LogStart) {
    this.#deps = deps
    this.#active = start.active && new ActiveSegment(start.active, deps.settings.segmentBytesMax)
    this.#lastSegment = start.lastSegment
    this.#nextSegment = start.lastSegment + 1
    this.#previous = start.previous
  }

  /**
   * Resolves when the record is durable and the index knows it; until it settles, its parts are read. Rejects with
   * `no-space` or `failed`: then it will not come back after a restart.
   */
  append(record: NewRecord): Promise<void> {
    const recordBytes = record.parts.reduce((sum, part) => sum + part.length, RECORD_HEADER_BYTES)
    assert(recordBytes <= RECORD_BYTES_MAX, 'a record is not too long to be read')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, recordBytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /**
   * What an append that failed has left could not be cut off, and no later segment says yet that it does not count: a
   * crash now would bring it back. Until an append succeeds, nothing may be acknowledged on the strength of the index.
   */
  get isTailInDoubt(): boolean {
    return this.#isTailInDoubt
  }

  /** Whatever is appended from now on, and what is under way, lies here or behind. */
  get position(): LogPosition {
    const active = this.#active
    return active ? { segment: active.number, offset: active.bytes } : { segment: this.#nextSegment, offset: 0 }
  }

  async #run(): Promise<void> {
    await undefined // what the same message brought is one batch
    while (this.#waiting.length > 0) await this.#commit(this.#nextBatch())
    this.#running = undefined
  }

  #nextBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { recordBytes } of this.#waiting) {
      if (count > 0 && bytes + recordBytes > BATCH_BYTES_MAX) break
      bytes += recordBytes
      count += 1
    }
    const batch = this.#waiting
    this.#waiting = batch.splice(count)
    return batch
  }

  async #commit(batch: Waiting[]): Promise<void> {
    try {
      const active = await this.#openActive()
      const placed = await active.append(batch, this.#scratch).catch(async (error) => {
        await this.#abandon(active)
        throw error
      })
      this.#deps.table.get(active.number)!.bytes = active.bytes
      for (const record of placed) applyRecord(this.#deps, active.number, record)
      for (const { resolve } of batch) resolve()
      if (active.bytes >= this.#deps.settings.segmentBytesMax) this.#seal(active)
    } catch (error) {
      this.#deps.health.report(error)
      for (const { reject } of batch) reject(toChunkError(error, 'an append'))
    }
  }

  async #openActive(): Promise<ActiveSegment> {
    if (this.#active) return this.#active
    const { fs, paths, directories, random, table, settings } = this.#deps
    this.#lastSegment += 1
    const number = this.#lastSegment
    const salt = random.bytes(SALT_BYTES)
    const file = await fs.open(segmentPath(paths, number), 'create-synced')
    try {
      await file.write(encodeSegmentHeader({ segment: number, salt, previous: this.#previous }), 0)
      await directories.sync(paths.segments)
    } catch (error) {
      await file.close().catch(() => {})
      await fs.unlink(segmentPath(paths, number)).catch(() => {})
      throw error
    }
    this.#isTailInDoubt = false
    table.add({ number, bytes: SEGMENT_HEADER_BYTES, salt })
    const start = { number, file, bytes: SEGMENT_HEADER_BYTES, salt, records: new RecordList() }
    this.#active = new ActiveSegment(start, settings.segmentBytesMax)
    return this.#active
  }

  /**
   * A write failed: of what lies behind the durable length nothing can be known, not even after a sync that
   * succeeds. The segment ends there; the next one's header says so, should cutting fail as well.
   */
  async #abandon(active: ActiveSegment): Promise<void> {
    this.#deps.log.warn({ segment: active.number, bytes: active.bytes }, 'a write failed: the segment ends before it')
    try {
      await active.cut()
    } catch {
      this.#isTailInDoubt = true
    }
    this.#seal(active)
  }

  #seal(active: ActiveSegment): void {
    this.#active = undefined
    this.#nextSegment = this.#lastSegment + 1
    this.#previous = { segment: active.number, bytes: active.bytes }
    this.#deps.table.seal(active.number)
    const { number: segment, salt, bytes: segmentBytes, records } = active
    this.#doBehind(async () => {
      await active.close()
      await writeHints(this.#deps, { segment, salt, segmentBytes, records })
    })
  }

  #doBehind(work: () => Promise<void>): void {
    const running = work()
    this.#behind.add(running)
    void running.finally(() => this.#behind.delete(running))
  }

  /** Resolves when no hints are being written: compaction reads and removes them. */
  async settled(): Promise<void> {
    await Promise.all(this.#behind)
  }

  /** Finishes what was asked for. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running
    await this.settled()
    const active = this.#active
    this.#active = undefined
    await active?.close()
    assert(this.#waiting.length === 0, 'nothing is appended to a closed log')
  }
}
