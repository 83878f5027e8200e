import { crc32 } from '@node-rs/crc32'
import { type FoundRecord, SALT_BYTES } from './record.ts'

/*
 * The hints of a closed segment: which records lie where, so that start-up need not read the records. Little endian:
 * 0 magic  4 version  8 segment  12 salt (8 bytes)  20 segment bytes  24 rows  32 rows of 36 bytes  then CRC.
 */
const MAGIC = 0x6973_7873 // «sxsi»
const VERSION = 1
const FIXED = 32
const ROW_WORDS = 9
const ROW_BYTES = ROW_WORDS * 4
const CRC_BYTES = 4

export interface Hints {
  segment: number
  salt: Buffer
  /** How much of the segment counts. */
  segmentBytes: number
  records: RecordList
}

/** The records of one segment in order: 36 bytes each, kept as they go to disk. */
export class RecordList implements Iterable<FoundRecord> {
  #rows: Uint32Array
  #length: number

  constructor(rows = new Uint32Array(0)) {
    this.#rows = rows
    this.#length = rows.length / ROW_WORDS
  }

  get length(): number {
    return this.#length
  }

  add(record: FoundRecord): void {
    const at = this.#length * ROW_WORDS
    if (at === this.#rows.length) {
      const grown = new Uint32Array(Math.max(64, this.#length * 2) * ROW_WORDS)
      grown.set(this.#rows)
      this.#rows = grown
    }
    const { key, kind } = record
    const rows = this.#rows
    rows[at] = key.w0
    rows[at + 1] = key.w1
    rows[at + 2] = key.w2
    rows[at + 3] = key.w3
    rows[at + 4] = key.index | (kind === 'tombstone' ? 0x100 : 0)
    rows[at + 5] = record.offset
    rows[at + 6] = record.recordBytes
    rows[at + 7] = kind === 'tombstone' ? record.killedSegment : record.headerBytes
    rows[at + 8] = record.payloadBytes
    this.#length += 1
  }

  *[Symbol.iterator](): Generator<FoundRecord> {
    const rows = this.#rows
    const end = this.#length * ROW_WORDS
    for (let at = 0; at < end; at += ROW_WORDS) {
      const isTombstone = (rows[at + 4]! & 0x100) !== 0
      yield {
        kind: isTombstone ? 'tombstone' : 'put',
        key: { w0: rows[at]!, w1: rows[at + 1]!, w2: rows[at + 2]!, w3: rows[at + 3]!, index: rows[at + 4]! & 0xff },
        offset: rows[at + 5]!,
        recordBytes: rows[at + 6]!,
        headerBytes: isTombstone ? 0 : rows[at + 7]!,
        killedSegment: isTombstone ? rows[at + 7]! : 0,
        payloadBytes: rows[at + 8]!,
      }
    }
  }

  /** As bytes: a view, valid until the next `add`. */
  bytes(): Buffer {
    return Buffer.from(this.#rows.buffer, this.#rows.byteOffset, this.#length * ROW_BYTES)
  }
}

export function encodeHints({ segment, salt, segmentBytes, records }: Hints): Buffer {
  const rows = records.bytes()
  const bytes = Buffer.allocUnsafe(FIXED + rows.length + CRC_BYTES)
  bytes.fill(0, 0, FIXED)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(VERSION, 4)
  bytes.writeUInt32LE(segment, 8)
  bytes.set(salt, 12)
  bytes.writeUInt32LE(segmentBytes, 20)
  bytes.writeUInt32LE(records.length, 24)
  bytes.set(rows, FIXED)
  const end = FIXED + rows.length
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end)
  return bytes
}

/** Undefined: damaged, or not of this segment. */
export function decodeHints(segment: number, bytes: Buffer): Hints | undefined {
  const end = bytes.length - CRC_BYTES
  if (end < FIXED || bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt32LE(4) !== VERSION) return undefined
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined
  if (bytes.readUInt32LE(8) !== segment || bytes.readUInt32LE(24) * ROW_BYTES !== end - FIXED) return undefined
  const rows = new Uint32Array((end - FIXED) / 4)
  Buffer.from(rows.buffer).set(bytes.subarray(FIXED, end))
  return {
    segment,
    salt: Buffer.from(bytes.subarray(12, 12 + SALT_BYTES)),
    segmentBytes: bytes.readUInt32LE(20),
    records: new RecordList(rows),
  }
}
