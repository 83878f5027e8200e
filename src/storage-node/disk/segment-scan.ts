import { decodeHeader, decodeTrailer } from '../../chunk-files/chunk-frame.ts'
import { keyBytes } from '../../chunk-files/chunk-key.ts'
import { PayloadVerifier } from '../../striping/payload-verifier.ts'
import type { DiskFile } from './disk-fs.ts'
import { RecordList } from './hints.ts'
import {
  type FoundRecord,
  RECORD_BYTES_MAX,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC_BYTES,
  readRecordHeader,
  SEGMENT_HEADER_BYTES,
} from './record.ts'

export interface ScanOptions {
  /** Of the segment's salt. */
  saltState: number
  /** How much of the file counts. */
  segmentBytes: number
  /**
   * What to do with a put that is whole but for its payload: in a closed segment it was acknowledged, its other blocks
   * are of use, and a scrub will find it; in the last one it may be half of a write that never was.
   */
  keepRotten: boolean
}

export interface ScanResult {
  records: RecordList
  /** Where the last record that was kept ends. */
  endBytes: number
  /** Ranges that held no record that verifies, though records follow. */
  damage: { offset: number; bytes: number }[]
  /** Puts that were kept though a block of theirs is bad. */
  rotten: number
}

/** Reads a segment from end to end and checks every checksum in it. Behind a damaged place it finds the next record. */
export async function scanSegment(file: DiskFile, options: ScanOptions): Promise<ScanResult> {
  const window = new ReadWindow(file, options.segmentBytes)
  const result: ScanResult = { records: new RecordList(), endBytes: SEGMENT_HEADER_BYTES, damage: [], rotten: 0 }
  let offset = SEGMENT_HEADER_BYTES
  while (offset < options.segmentBytes) {
    const record = await readRecord(window, offset, options)
    if (!record) {
      const next = await findRecordHeader(window, offset + 1, options)
      if (next === undefined) break
      offset = next
      continue
    }
    if (record.offset > result.endBytes) {
      result.damage.push({ offset: result.endBytes, bytes: record.offset - result.endBytes })
    }
    result.records.add(record)
    if (record.isRotten) result.rotten += 1
    offset += record.recordBytes
    result.endBytes = offset
  }
  return result
}

async function readRecord(
  window: ReadWindow,
  offset: number,
  { saltState, keepRotten }: ScanOptions,
): Promise<(FoundRecord & { isRotten: boolean }) | undefined> {
  const found = readRecordHeader(await window.read(offset, RECORD_HEADER_BYTES), 0, { offset, saltState })
  if (!found) return undefined
  const bytes = await window.read(offset, found.recordBytes)
  if (bytes.length < found.recordBytes) return undefined
  const state = checkRecord(found, bytes)
  if (state === 'broken' || (state === 'rotten' && !keepRotten)) return undefined
  return { ...found, isRotten: state === 'rotten' }
}

/** `rotten`: header and trailer are whole, a block is not. */
export function checkRecord(record: FoundRecord, bytes: Buffer): 'whole' | 'rotten' | 'broken' {
  if (record.kind === 'tombstone') return record.recordBytes === RECORD_HEADER_BYTES ? 'whole' : 'broken'
  const payloadAt = RECORD_HEADER_BYTES + record.headerBytes
  const trailerAt = payloadAt + record.payloadBytes
  if (trailerAt > record.recordBytes) return 'broken'
  const chunkId = keyBytes(record.key)
  const header = decodeHeader(bytes.subarray(RECORD_HEADER_BYTES, payloadAt))
  const trailer = decodeTrailer(chunkId, bytes.subarray(trailerAt, record.recordBytes))
  if (!header || !trailer || !chunkId.equals(header.chunkId) || trailer.payloadBytes !== record.payloadBytes) {
    return 'broken'
  }
  const verifier = new PayloadVerifier(header)
  verifier.update(bytes.subarray(payloadAt, trailerAt))
  const { isIntact, chunkHash } = verifier.finish()
  return isIntact && chunkHash.equals(trailer.chunkHash) ? 'whole' : 'rotten'
}

/** The next offset, from `from` on, at which a record header of this segment lies. */
async function findRecordHeader(
  window: ReadWindow,
  from: number,
  { saltState, segmentBytes }: ScanOptions,
): Promise<number | undefined> {
  for (let offset = from; offset < segmentBytes; ) {
    const bytes = await window.read(offset, Math.min(WINDOW_BYTES, segmentBytes - offset))
    const at = bytes.indexOf(RECORD_MAGIC_BYTES)
    if (at < 0) {
      if (bytes.length < WINDOW_BYTES) return undefined
      offset += bytes.length - RECORD_MAGIC_BYTES.length + 1
      continue
    }
    offset += at
    const header = await window.read(offset, RECORD_HEADER_BYTES)
    if (readRecordHeader(header, 0, { offset, saltState })) return offset
    offset += 1
  }
  return undefined
}

const WINDOW_BYTES = RECORD_BYTES_MAX

/** Reads a file front to back in large pieces. */
class ReadWindow {
  readonly #file: DiskFile
  readonly #fileBytes: number
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  #offset = 0
  #length = 0

  constructor(file: DiskFile, fileBytes: number) {
    this.#file = file
    this.#fileBytes = fileBytes
  }

  /** Up to `length` bytes (at most WINDOW_BYTES): fewer only at the end. Valid until the next call. */
  async read(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, Math.max(0, this.#fileBytes - offset))
    if (offset < this.#offset || offset + wanted > this.#offset + this.#length) {
      const bytes = Math.min(WINDOW_BYTES, Math.max(0, this.#fileBytes - offset))
      this.#offset = offset
      this.#length = await this.#file.read(this.#buffer.subarray(0, bytes), offset)
    }
    const at = offset - this.#offset
    return this.#buffer.subarray(at, Math.min(at + wanted, this.#length))
  }
}
