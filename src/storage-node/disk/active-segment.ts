import type { DiskFile } from './disk-fs.ts'
import type { RecordList } from './hints.ts'
import { type FoundRecord, type NewRecord, RECORD_HEADER_BYTES, saltState, writeRecordHeader } from './record.ts'

/** A segment that records can be appended to. */
export interface SegmentStart {
  number: number
  /** Opened for synced writes. */
  file: DiskFile
  /** Durable so far; behind it the file ends. */
  bytes: number
  salt: Buffer
  records: RecordList
}

export interface SizedRecord {
  record: NewRecord
  /** Its header and all its parts. */
  recordBytes: number
}

/** Parts from this length on are written from where they lie: shorter ones cost less to copy than to name. */
const REFERENCE_BYTES_MIN = 16 * 1024
/** Up to here a batch is worth zeros ahead: beyond, they would cost as much as they save. */
const SMALL_BATCH_BYTES_MAX = 128 * 1024
const ZEROS_AHEAD_BYTES_MAX = 256 * 1024
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(ZEROS_AHEAD_BYTES_MAX + PAGE_BYTES)

/**
 * The segment that is appended to. A batch is one write, durable when it resolves.
 *
 * Ahead of small batches the file is filled with zeros: a write into them changes neither the length nor the extents of
 * the file, so that the file system's journal has nothing to commit. That halves what a small commit costs, and its
 * latency. Nothing ever depends on the zeros: they are no record, and start-up cuts them off. Why large batches, too, go
 * through the page cache, not past it: docs/adr/0006.
 */
export class ActiveSegment {
  readonly number: number
  readonly salt: Buffer
  readonly records: RecordList
  readonly #saltState: number
  readonly #file: DiskFile
  readonly #bytesMax: number
  #bytes: number
  /** From `#bytes` to here, if that is further, the file holds zeros. */
  #zerosEnd: number
  /** Where the small batches began that no large one came between. */
  #smallBegin: number

  /** `bytesMax`: nothing is appended to a segment that is so long. */
  constructor({ number, file, bytes, salt, records }: SegmentStart, bytesMax: number) {
    this.number = number
    this.salt = salt
    this.records = records
    this.#saltState = saltState(salt)
    this.#file = file
    this.#bytesMax = bytesMax
    this.#bytes = bytes
    this.#zerosEnd = bytes
    this.#smallBegin = bytes
  }

  /** How much of the file counts: all of it is durable. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Resolves when the records are durable, with where they lie. If it rejects, nothing is known of what lies behind
   * `bytes`. `scratch` is theirs until then, and as long as all of them.
   */
  async append(batch: readonly SizedRecord[], scratch: Buffer): Promise<FoundRecord[]> {
    const { placed, sources, bytes } = this.#gather(batch, scratch)
    const end = this.#bytes + bytes
    if (bytes > SMALL_BATCH_BYTES_MAX) this.#smallBegin = end
    const zeros = end > this.#zerosEnd ? this.#zerosAhead(end) : 0
    if (zeros > 0) sources.push(ZEROS.subarray(0, zeros))
    await this.#file.writeAll(sources, this.#bytes)
    this.#bytes = end
    this.#zerosEnd = Math.max(this.#zerosEnd, end + zeros)
    for (const record of placed) this.records.add(record)
    return placed
  }

  /** A batch as it is to be written at `#bytes`. */
  #gather(batch: readonly SizedRecord[], scratch: Buffer) {
    const placed: FoundRecord[] = []
    const sources: Uint8Array[] = []
    let offset = this.#bytes
    let used = 0
    let named = 0
    for (const { record, recordBytes } of batch) {
      const found = describe(record, { offset, recordBytes })
      placed.push(found)
      writeRecordHeader(scratch, used, found, this.#saltState)
      used += RECORD_HEADER_BYTES
      for (const part of record.parts) {
        if (part.length < REFERENCE_BYTES_MIN) {
          scratch.set(part, used)
          used += part.length
        } else {
          sources.push(scratch.subarray(named, used), part)
          named = used
        }
      }
      offset += recordBytes
    }
    if (used > named) sources.push(scratch.subarray(named, used))
    return { placed, sources, bytes: offset - this.#bytes }
  }

  /** As far ahead as small batches went since the last large one: a few of them are not worth many zeros. */
  #zerosAhead(end: number): number {
    const ahead = Math.min(end - this.#smallBegin, ZEROS_AHEAD_BYTES_MAX)
    const zerosEnd = ahead === 0 ? end : Math.ceil((end + ahead) / PAGE_BYTES) * PAGE_BYTES
    return Math.max(0, Math.min(zerosEnd, this.#bytesMax) - end)
  }

  /** Cuts off what an append that failed may have left; resolves when that is durable. */
  async cut(): Promise<void> {
    await this.#file.truncate(this.#bytes)
    await this.#file.dataSync()
  }

  /** Lets go of the file. Never throws: all that counts is durable, and zeros that stay are only a waste. */
  async close(): Promise<void> {
    if (this.#zerosEnd > this.#bytes) await this.#file.truncate(this.#bytes).catch(() => {})
    await this.#file.close().catch(() => {})
  }
}

function describe(record: NewRecord, { offset, recordBytes }: { offset: number; recordBytes: number }): FoundRecord {
  const { kind, key, killedSegment } = record
  const [header, payload] = record.parts
  const headerBytes = header?.length ?? 0
  const payloadBytes = payload?.length ?? 0
  return { kind, key, offset, recordBytes, headerBytes, payloadBytes, killedSegment }
}
