import type { Random } from '../../base/clock.ts'
import { assert } from '../../base/faults.ts'
import { type ChunkKey, keyBytes } from '../../chunk-files/chunk-key.ts'
import { segmentPath } from '../../chunk-files/paths.ts'
import { toChunkError } from './disk-error.ts'
import type { DiskFile } from './disk-fs.ts'
import type { DiskHealth } from './disk-health.ts'
import { RecordList } from './hints.ts'
import { type HintsDeps, writeHints } from './hints-file.ts'
import {
  encodeSegmentHeader,
  type FoundRecord,
  RECORD_BYTES_MAX,
  RECORD_HEADER_BYTES,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
  saltState,
  writeRecordHeader,
} from './record.ts'
import type { SegmentTable } from './segment-table.ts'
import type { ChunkDiskSettings } from './settings.ts'

/** Something to append. Its parts are read until `append` settles. */
export interface NewRecord {
  kind: 'put' | 'tombstone'
  key: ChunkKey
  /** Chunk header, payload, chunk trailer; none for a tombstone. */
  parts: readonly Uint8Array[]
  killedSegment: number
  /** Called when the record is durable, in the order of the records, before anything else can look at the segment. */
  landed(segment: number, record: FoundRecord): void
}

export interface SegmentLogDeps extends HintsDeps {
  health: DiskHealth
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
  active: ActiveSegment | undefined
}

export interface ActiveSegment {
  number: number
  file: DiskFile
  /** Durable so far. */
  bytes: number
  salt: Buffer
  records: RecordList
}

interface Waiting {
  record: NewRecord
  recordBytes: number
  resolve(): void
  reject(error: unknown): void
}

/** What one fdatasync makes durable, at most. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024
const SCRATCH_BYTES = RECORD_BYTES_MAX

/**
 * Appends records, with group commit: all that wait are written together and made durable by one fdatasync; whatever
 * comes meanwhile is the next batch. Nothing ever waits for a batch to fill. The queue is as long as callers let it grow.
 */
export class SegmentLog implements AsyncDisposable {
  readonly #deps: SegmentLogDeps
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #active: ActiveSegment | undefined
  #lastSegment: number
  #previous: { segment: number; bytes: number }
  #scratch: Buffer | undefined
  #isTailInDoubt = false
  readonly #behind = new Set<Promise<void>>()

  constructor(deps: SegmentLogDeps, start: LogStart) {
    this.#deps = deps
    this.#active = start.active
    this.#lastSegment = start.lastSegment
    this.#previous = start.previous
  }

  /** Resolves when the record is durable. Rejects with `no-space` or `failed`: then it will not come back after a restart. */
  append(record: NewRecord): Promise<void> {
    const recordBytes = record.parts.reduce((sum, part) => sum + part.length, RECORD_HEADER_BYTES)
    assert(recordBytes <= RECORD_BYTES_MAX, 'a record fits the scratch buffer')
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
      const placed = await this.#write(active, batch).catch(async (error) => {
        await this.#abandon(active)
        throw error
      })
      for (const record of placed) active.records.add(record)
      const last = placed.at(-1)!
      active.bytes = last.offset + last.recordBytes
      this.#deps.table.get(active.number)!.bytes = active.bytes
      for (const [i, { record }] of batch.entries()) record.landed(active.number, placed[i]!)
      for (const { resolve } of batch) resolve()
      if (active.bytes >= this.#deps.settings.segmentBytesMax) this.#seal(active)
    } catch (error) {
      this.#deps.health.report(error)
      for (const { reject } of batch) reject(toChunkError(error, 'an append'))
    }
  }

  /** Writes a batch behind what is durable, and makes it so. */
  async #write(active: ActiveSegment, batch: Waiting[]): Promise<FoundRecord[]> {
    this.#scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    const scratch = this.#scratch
    const state = saltState(active.salt)
    const placed: FoundRecord[] = []
    let base = active.bytes
    let used = 0
    for (const { record, recordBytes } of batch) {
      if (used + recordBytes > scratch.length) {
        await active.file.write(scratch.subarray(0, used), base)
        base += used
        used = 0
      }
      const found = describe(record, { offset: base + used, recordBytes })
      placed.push(found)
      writeRecordHeader(scratch, used, { ...found, chunkId: keyBytes(record.key), saltState: state })
      used += RECORD_HEADER_BYTES
      for (const part of record.parts) {
        scratch.set(part, used)
        used += part.length
      }
    }
    await active.file.write(scratch.subarray(0, used), base)
    await active.file.dataSync().catch((error) => {
      this.#deps.health.markBroken(error)
      throw error
    })
    return placed
  }

  async #openActive(): Promise<ActiveSegment> {
    if (this.#active) return this.#active
    const { fs, paths, directories, random, table } = this.#deps
    this.#lastSegment += 1
    const number = this.#lastSegment
    const salt = random.bytes(SALT_BYTES)
    const file = await fs.open(segmentPath(paths, number), 'create')
    try {
      await file.write(encodeSegmentHeader({ segment: number, salt, previous: this.#previous }), 0)
      await file.dataSync()
      await directories.sync(paths.segments)
    } catch (error) {
      await file.close().catch(() => {})
      await fs.unlink(segmentPath(paths, number)).catch(() => {})
      throw error
    }
    this.#isTailInDoubt = false
    table.add({ number, bytes: SEGMENT_HEADER_BYTES, salt })
    this.#active = { number, file, bytes: SEGMENT_HEADER_BYTES, salt, records: new RecordList() }
    return this.#active
  }

  /**
   * A write or sync failed: of what lies behind the durable length nothing can be known, not even after a sync that
   * succeeds. The segment ends there; the next one's header says so, should cutting fail as well.
   */
  async #abandon(active: ActiveSegment): Promise<void> {
    this.#deps.log.warn({ segment: active.number, bytes: active.bytes }, 'a write failed: the segment ends before it')
    try {
      await active.file.truncate(active.bytes)
      await active.file.dataSync()
    } catch {
      this.#isTailInDoubt = true
    }
    this.#seal(active)
  }

  #seal(active: ActiveSegment): void {
    this.#active = undefined
    this.#previous = { segment: active.number, bytes: active.bytes }
    this.#deps.table.seal(active.number)
    const { number: segment, salt, bytes: segmentBytes, records } = active
    this.#doBehind(async () => {
      await active.file.close().catch(() => {}) // all that counts is synced
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
    await active?.file.close()
    assert(this.#waiting.length === 0, 'nothing is appended to a closed log')
  }
}

function describe(record: NewRecord, { offset, recordBytes }: { offset: number; recordBytes: number }): FoundRecord {
  const [header, payload] = record.parts
  return {
    kind: record.kind,
    key: record.key,
    offset,
    recordBytes,
    headerBytes: header?.length ?? 0,
    payloadBytes: payload?.length ?? 0,
    killedSegment: record.killedSegment,
  }
}
