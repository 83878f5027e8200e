import { crc32 } from '@node-rs/crc32'
import { CHUNK_ID_BYTES } from '../../base/ids.ts'
import { HEADER_BYTES_MAX, TRAILER_BYTES_MAX } from '../../chunk-files/chunk-frame.ts'
import { type ChunkKey, parseKey, writeKey } from '../../chunk-files/chunk-key.ts'

/*
 * A segment: a header, then records, nothing between them; little endian.
 *
 * segment header  0 magic  4 version  8 its number  12 salt (8 bytes)  20 number and 24 length of the segment before
 *                 60 CRC
 * record header   0 magic  4 version  5 kind  8 record bytes  12 chunk-header bytes  16 payload bytes  20 killed segment
 *                 24 its offset in the segment  28 chunk id  48 CRC, which goes on from the salt's
 * a put goes on with chunk header, payload and chunk trailer (chunk-frame.ts); a tombstone is its record header.
 *
 * The salt is there because a payload is a stranger's choice: what looks for records behind a damaged place must not
 * find one that somebody has put into an object.
 */
const SEGMENT_MAGIC = 0x6773_7873 // «sxsg»
const RECORD_MAGIC = 0x7263_7873 // «sxcr»
const VERSION = 1
export const SEGMENT_HEADER_BYTES = 64
export const RECORD_HEADER_BYTES = 52
export const SALT_BYTES = 8
/** Of a payload in a segment, whatever the setting was when it was written. */
const SMALL_PAYLOAD_BYTES_MAX = 1024 * 1024
/** The longest record: what a buffer must hold to check one. */
export const RECORD_BYTES_MAX = RECORD_HEADER_BYTES + HEADER_BYTES_MAX + SMALL_PAYLOAD_BYTES_MAX + TRAILER_BYTES_MAX
/** What every record header begins with, for searching. */
export const RECORD_MAGIC_BYTES = Buffer.alloc(4)
RECORD_MAGIC_BYTES.writeUInt32LE(RECORD_MAGIC)

export interface SegmentHeader {
  segment: number
  salt: Buffer
  /**
   * The segment that was written before this one (0: none), and how much of it counts. Behind that may lie the remains
   * of a write that failed and was reported so: they must not come back.
   */
  previous: { segment: number; bytes: number }
}

export function encodeSegmentHeader({ segment, salt, previous }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  bytes.writeUInt32LE(SEGMENT_MAGIC, 0)
  bytes.writeUInt32LE(VERSION, 4)
  bytes.writeUInt32LE(segment, 8)
  bytes.set(salt, 12)
  bytes.writeUInt32LE(previous.segment, 20)
  bytes.writeUInt32LE(previous.bytes, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** Undefined: damaged; `newer`: whole, and of a version that this one does not know. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | 'newer' | undefined {
  if (bytes.length !== SEGMENT_HEADER_BYTES || bytes.readUInt32LE(0) !== SEGMENT_MAGIC) return undefined
  if (crc32(bytes.subarray(0, 60)) !== bytes.readUInt32LE(60)) return undefined
  if (bytes.readUInt32LE(4) !== VERSION) return 'newer'
  return {
    segment: bytes.readUInt32LE(8),
    salt: Buffer.from(bytes.subarray(12, 12 + SALT_BYTES)),
    previous: { segment: bytes.readUInt32LE(20), bytes: bytes.readUInt32LE(24) },
  }
}

export type RecordKind = 'put' | 'tombstone'
const PUT = 1
const TOMBSTONE = 2

export interface RecordHeader {
  kind: RecordKind
  /** Where in the segment the record begins. */
  offset: number
  recordBytes: number
  /** Of the chunk header; 0 for a tombstone. */
  headerBytes: number
  payloadBytes: number
  /** Of a tombstone: the segment of the put that it undoes; 0 for a put. */
  killedSegment: number
}

/** Something to append. */
export interface NewRecord {
  kind: RecordKind
  key: ChunkKey
  /** Chunk header, payload, chunk trailer; none for a tombstone. */
  parts: readonly Uint8Array[]
  killedSegment: number
}

/** Writes the header of a record at `at`. */
export function writeRecordHeader(target: Buffer, at: number, record: FoundRecord, saltState: number): void {
  target.writeUInt32LE(RECORD_MAGIC, at)
  target.writeUInt32LE(VERSION | ((record.kind === 'put' ? PUT : TOMBSTONE) << 8), at + 4)
  target.writeUInt32LE(record.recordBytes, at + 8)
  target.writeUInt32LE(record.headerBytes, at + 12)
  target.writeUInt32LE(record.payloadBytes, at + 16)
  target.writeUInt32LE(record.killedSegment, at + 20)
  target.writeUInt32LE(record.offset, at + 24)
  writeKey(target, at + 28, record.key)
  target.writeUIntLE(0, at + 28 + CHUNK_ID_BYTES, 3)
  target.writeUInt32LE(crc32(target.subarray(at, at + 48), saltState), at + 48)
}

/** What a segment's record headers' checksums go on from. */
export function saltState(salt: Uint8Array): number {
  return crc32(salt)
}

export interface FoundRecord extends RecordHeader {
  key: ChunkKey
}

/** The record header at `at` of `bytes`, if one that belongs at `offset` of this segment is there and whole. */
export function readRecordHeader(
  bytes: Buffer,
  at: number,
  expected: { offset: number; saltState: number },
): FoundRecord | undefined {
  if (bytes.length - at < RECORD_HEADER_BYTES || bytes.readUInt32LE(at) !== RECORD_MAGIC) return undefined
  if (crc32(bytes.subarray(at, at + 48), expected.saltState) !== bytes.readUInt32LE(at + 48)) return undefined
  const kind = bytes[at + 5]
  const found: FoundRecord = {
    kind: kind === PUT ? 'put' : 'tombstone',
    key: parseKey(bytes.subarray(at + 28, at + 28 + CHUNK_ID_BYTES)),
    offset: bytes.readUInt32LE(at + 24),
    recordBytes: bytes.readUInt32LE(at + 8),
    headerBytes: bytes.readUInt32LE(at + 12),
    payloadBytes: bytes.readUInt32LE(at + 16),
    killedSegment: bytes.readUInt32LE(at + 20),
  }
  const isKnown = bytes[at + 4] === VERSION && (kind === PUT || kind === TOMBSTONE)
  return isKnown && found.offset === expected.offset && found.recordBytes <= RECORD_BYTES_MAX ? found : undefined
}
