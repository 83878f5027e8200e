import { ChunkError } from '../base/faults.ts'
import { CHUNK_ID_BYTES } from '../base/ids.ts'

/** A chunk id as numbers: four unsigned 32-bit words of the part id, big endian, and the chunk's index. */
export interface ChunkKey {
  w0: number
  w1: number
  w2: number
  /** The session of the gateway that wrote it. */
  w3: number
  index: number
}

/** Throws `invalid` for anything but 17 bytes. */
export function parseKey(id: Uint8Array): ChunkKey {
  if (id.length !== CHUNK_ID_BYTES) throw new ChunkError('invalid', `a chunk id has ${CHUNK_ID_BYTES} bytes`)
  return { w0: word(id, 0), w1: word(id, 4), w2: word(id, 8), w3: word(id, 12), index: id[16]! }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** The 17 bytes. */
export function keyBytes(key: ChunkKey): Buffer {
  const id = Buffer.allocUnsafe(CHUNK_ID_BYTES)
  id.writeUInt32BE(key.w0, 0)
  id.writeUInt32BE(key.w1, 4)
  id.writeUInt32BE(key.w2, 8)
  id.writeUInt32BE(key.w3, 12)
  id[16] = key.index
  return id
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
