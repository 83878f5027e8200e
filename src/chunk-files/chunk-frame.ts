import { crc32 } from '@node-rs/crc32'
import { ChunkError } from '../base/faults.ts'
import { CHUNK_ID_BYTES } from '../base/ids.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { StoredHeader, StoredTrailer } from '../storage-node/ports.ts'
import { chunkSeed } from '../striping/checksum.ts'

/*
 * What stands before and behind a chunk's payload, in files and in segments alike; little endian, each with a version
 * and a CRC-32 of its own, so that a chunk explains itself with everything else lost.
 *
 * header   0 magic  4 version  5 k  6 m  8 block bytes  12 label bytes  16 chunk id  36 label  then CRC
 * trailer  0 magic  4 version  8 payload bytes  16 part bytes  24 chunk hash  56 seal bytes  60 seal
 *          then the trailer's length (it can be found from the end of a file), then CRC, which goes on from the chunk
 *          id's: a trailer of another chunk does not match.
 */
const HEADER_MAGIC = 0x6863_7873 // «sxch»
const TRAILER_MAGIC = 0x7463_7873 // «sxct»
const VERSION = 1
const HEADER_FIXED = 36
/** What headerLength needs to see. */
export const HEADER_START_BYTES = HEADER_FIXED
const TRAILER_FIXED = 60
const CRC_BYTES = 4
const LENGTH_BYTES = 4
export const CHUNK_HASH_BYTES = 32

/** A chunk's length in memory, in names and in segments is kept in 32 bits: parts of up to 24 GiB. */
export const PAYLOAD_BYTES_MAX = 0xffff_ffff
/** Blocks are read whole, and a read is of 1 MiB at most. */
const BLOCK_BYTES_MAX = 1024 * 1024 - 4

export const HEADER_BYTES_MAX = HEADER_FIXED + wireBounds.labelBytesMax + CRC_BYTES
export const TRAILER_BYTES_MAX = TRAILER_FIXED + wireBounds.sealBytesMax + LENGTH_BYTES + CRC_BYTES

export interface KeptTrailer extends StoredTrailer {
  payloadBytes: number
}

/** Throws `invalid` for what this format, or common sense, has no room for. */
export function checkHeader(header: StoredHeader): void {
  const { chunkId, dataChunks, parityChunks, blockBytes, label } = header
  refuseUnless(chunkId.length === CHUNK_ID_BYTES, `a chunk id has ${CHUNK_ID_BYTES} bytes`)
  refuseUnless(isWithin(dataChunks, 1, 255), 'data chunks: 1 to 255')
  refuseUnless(isWithin(parityChunks, 0, 255), 'parity chunks: 0 to 255')
  refuseUnless(isWithin(blockBytes, 1, BLOCK_BYTES_MAX), `block bytes: 1 to ${BLOCK_BYTES_MAX}`)
  refuseUnless(label.length <= wireBounds.labelBytesMax, `a label has at most ${wireBounds.labelBytesMax} bytes`)
}

export function checkTrailer({ partBytes, chunkHash, seal }: StoredTrailer): void {
  refuseUnless(isWithin(partBytes, 0, 2 ** 48 - 1), 'part bytes: below 2^48')
  refuseUnless(chunkHash.length === CHUNK_HASH_BYTES, `a chunk hash has ${CHUNK_HASH_BYTES} bytes`)
  refuseUnless(seal.length <= wireBounds.sealBytesMax, `a seal has at most ${wireBounds.sealBytesMax} bytes`)
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}

function refuseUnless(condition: boolean, why: string): void {
  if (!condition) throw new ChunkError('invalid', why)
}

export function encodeHeader({ chunkId, dataChunks, parityChunks, blockBytes, label }: StoredHeader): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_FIXED + label.length + CRC_BYTES)
  bytes.writeUInt32LE(HEADER_MAGIC, 0)
  bytes[4] = VERSION
  bytes[5] = dataChunks
  bytes[6] = parityChunks
  bytes[7] = 0
  bytes.writeUInt32LE(blockBytes, 8)
  bytes.writeUInt32LE(label.length, 12)
  bytes.set(chunkId, 16)
  bytes.fill(0, 16 + CHUNK_ID_BYTES, HEADER_FIXED)
  bytes.set(label, HEADER_FIXED)
  const end = HEADER_FIXED + label.length
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end)
  return bytes
}

/** The length of the header that `start` begins with; undefined: no header. */
export function headerLength(start: Buffer): number | undefined {
  if (start.length < HEADER_FIXED || start.readUInt32LE(0) !== HEADER_MAGIC || start[4] !== VERSION) return undefined
  const labelBytes = start.readUInt32LE(12)
  return labelBytes <= wireBounds.labelBytesMax ? HEADER_FIXED + labelBytes + CRC_BYTES : undefined
}

/** The header of exactly these bytes, its label a view of them; undefined: damaged. */
export function decodeHeader(bytes: Buffer): StoredHeader | undefined {
  if (headerLength(bytes) !== bytes.length) return undefined
  const end = bytes.length - CRC_BYTES
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) return undefined
  return {
    chunkId: bytes.subarray(16, 16 + CHUNK_ID_BYTES),
    dataChunks: bytes[5]!,
    parityChunks: bytes[6]!,
    blockBytes: bytes.readUInt32LE(8),
    label: bytes.subarray(HEADER_FIXED, end),
  }
}

export function encodeTrailer(chunkId: Uint8Array, trailer: KeptTrailer): Buffer {
  const { payloadBytes, partBytes, chunkHash, seal } = trailer
  const bytes = Buffer.allocUnsafe(TRAILER_FIXED + seal.length + LENGTH_BYTES + CRC_BYTES)
  bytes.writeUInt32LE(TRAILER_MAGIC, 0)
  bytes.writeUInt32LE(VERSION, 4)
  bytes.writeUIntLE(payloadBytes, 8, 6)
  bytes.writeUInt16LE(0, 14)
  bytes.writeUIntLE(partBytes, 16, 6)
  bytes.writeUInt16LE(0, 22)
  bytes.set(chunkHash, 24)
  bytes.writeUInt32LE(seal.length, 56)
  bytes.set(seal, TRAILER_FIXED)
  const end = bytes.length - CRC_BYTES
  bytes.writeUInt32LE(bytes.length, end - LENGTH_BYTES)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end), chunkSeed(chunkId)), end)
  return bytes
}

/** The length of the trailer that `end` ends with; undefined: no trailer. */
export function trailerLength(end: Buffer): number | undefined {
  if (end.length < LENGTH_BYTES + CRC_BYTES) return undefined
  const length = end.readUInt32LE(end.length - LENGTH_BYTES - CRC_BYTES)
  const isPossible = length >= TRAILER_FIXED + LENGTH_BYTES + CRC_BYTES && length <= TRAILER_BYTES_MAX
  return isPossible ? length : undefined
}

/** The length of the trailer that `start` begins with; undefined: no trailer. */
export function leadingTrailerLength(start: Buffer): number | undefined {
  if (start.length < TRAILER_FIXED || start.readUInt32LE(0) !== TRAILER_MAGIC) return undefined
  const length = TRAILER_FIXED + start.readUInt32LE(56) + LENGTH_BYTES + CRC_BYTES
  return length <= TRAILER_BYTES_MAX ? length : undefined
}

/** The trailer of exactly these bytes, hash and seal views of them; undefined: damaged, or another chunk's. */
export function decodeTrailer(chunkId: Uint8Array, bytes: Buffer): KeptTrailer | undefined {
  if (trailerLength(bytes) !== bytes.length) return undefined
  const end = bytes.length - CRC_BYTES
  if (crc32(bytes.subarray(0, end), chunkSeed(chunkId)) !== bytes.readUInt32LE(end)) return undefined
  if (bytes.readUInt32LE(0) !== TRAILER_MAGIC || bytes[4] !== VERSION) return undefined
  return {
    payloadBytes: bytes.readUIntLE(8, 6),
    partBytes: bytes.readUIntLE(16, 6),
    chunkHash: bytes.subarray(24, 24 + CHUNK_HASH_BYTES),
    seal: bytes.subarray(TRAILER_FIXED, end - LENGTH_BYTES),
  }
}
