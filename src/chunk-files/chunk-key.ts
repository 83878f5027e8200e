import { ChunkError } from '../base/faults.ts'
import { CHUNK_ID_BYTES } from '../base/ids.ts'

/** A part id as numbers: four unsigned 32-bit words, big endian. */
export interface PartWords {
  w0: number
  w1: number
  w2: number
  /** The session of the gateway that wrote it. */
  w3: number
}

/** A chunk id as numbers: its part's, and the chunk's index. */
export interface ChunkKey extends PartWords {
  index: number
}

/** Throws `invalid` for anything but 17 bytes. */
export function parseKey(id: Uint8Array): ChunkKey {
  if (id.length !== CHUNK_ID_BYTES) throw new ChunkError('invalid', `a chunk id has ${CHUNK_ID_BYTES} bytes`)
  return { ...parsePartWords(id), index: id[16]! }
}

/** Of the first 16 bytes. */
export function parsePartWords(id: Uint8Array): PartWords {
  return { w0: word(id, 0), w1: word(id, 4), w2: word(id, 8), w3: word(id, 12) }
}

/** In the order of ids: below 0, 0, above 0. */
export function comparePartWords(a: PartWords, b: PartWords): number {
  return a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** The 17 bytes. */
export function keyBytes(key: ChunkKey): Buffer {
  const id = Buffer.allocUnsafe(CHUNK_ID_BYTES)
  writeKey(id, 0, key)
  return id
}

/** Writes the 17 bytes at `at`. */
export function writeKey(target: Buffer, at: number, key: ChunkKey): void {
  target.writeUInt32BE(key.w0, at)
  target.writeUInt32BE(key.w1, at + 4)
  target.writeUInt32BE(key.w2, at + 8)
  target.writeUInt32BE(key.w3, at + 12)
  target[at + 16] = key.index
}

/** For Maps: 9 UTF-16 units, not for people. */
export function keyText({ w0, w1, w2, w3, index }: ChunkKey): string {
  return String.fromCharCode(
    w0 >>> 16,
    w0 & 0xffff,
    w1 >>> 16,
    w1 & 0xffff,
    w2 >>> 16,
    w2 & 0xffff,
    w3 >>> 16,
    w3 & 0xffff,
    index,
  )
}

/** For people and logs: 32 hex digits of part id, a dash, 2 of the index. */
export function keyName(key: ChunkKey): string {
  const hex = keyBytes(key).toString('hex')
  return `${hex.slice(0, 32)}-${hex.slice(32)}`
}

/** When the part id was made, ms since 1970, by its gateway's clock (UUIDv7: the first 48 bits). */
export function keyTimeMs(key: Pick<ChunkKey, 'w0' | 'w1'>): number {
  return key.w0 * 0x1_0000 + (key.w1 >>> 16)
}
