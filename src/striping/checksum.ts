import { createHash, type Hash, hash } from 'node:crypto'
import { crc32 } from '@node-rs/crc32'
import { assert } from '../base/faults.ts'
import { CHUNK_ID_BYTES, type PartId, partIdBytes } from '../base/ids.ts'

/** Of a block's checksum: CRC-32 (IEEE), little endian, right behind the block. */
export const CHECKSUM_BYTES = 4
/** The CRC-32 of any message that is followed by its own CRC-32, little endian: one pass checks a block. */
export const CRC32_RESIDUE = 0x2144df1c

/** One step of CRC-32 for each byte value (reflected polynomial 0xedb88320): seeds cost no call into native code. */
const BYTE_STEP = Uint32Array.from({ length: 256 }, (_, byte) => {
  let state = byte
  for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ 0xedb88320 : state >>> 1
  return state >>> 0
})

/**
 * The checksum of a block: CRC-32 over chunk id, block index (4 bytes, little endian) and the block; unsigned 32 bits.
 * `seed` is chunkSeed's. A block that is whole but of another chunk, or of another index, does not match.
 */
export function blockChecksum(seed: number, blockIndex: number, block: Uint8Array): number {
  return crc32(block, blockSeed(seed, blockIndex))
}

/** The CRC-32 of a 17-byte chunk id, from which all its blocks' checksums go on. */
export function chunkSeed(chunkId: Uint8Array): number {
  assert(chunkId.length === CHUNK_ID_BYTES, 'a chunk id has 17 bytes')
  return crc32(chunkId)
}

/** The seeds of chunks 0 to `count` - 1 of a part. */
export function chunkSeeds(partId: PartId, count: number): number[] {
  const part = ~crc32(partIdBytes(partId))
  return Array.from({ length: count }, (_, index) => ~step(part, index) >>> 0)
}

/** The CRC-32 of chunk id and block index: what the block's own bytes go on from. */
export function blockSeed(seed: number, blockIndex: number): number {
  let state = ~seed
  for (let shift = 0; shift < 32; shift += 8) state = step(state, blockIndex >>> shift)
  return ~state >>> 0
}

function step(state: number, byte: number): number {
  return (state >>> 8) ^ BYTE_STEP[(state ^ byte) & 0xff]!
}

/** Whether `stored`, a block with its checksum behind it, is what was written as that block of that chunk. */
export function verifyBlock(seed: number, blockIndex: number, stored: Uint8Array): boolean {
  return stored.length > CHECKSUM_BYTES && crc32(stored, blockSeed(seed, blockIndex)) === CRC32_RESIDUE
}

/** Takes a chunk's block checksums in order, answers the chunk's hash. */
export interface ChunkHasher {
  /** Unsigned 32 bits. */
  update(checksum: number): void
  /** SHA-256 over the checksums so far (4 bytes each, little endian): 32 bytes. Once only. */
  digest(): Buffer
}

/** Checksums that are gathered before they are hashed: a call costs more than hashing one. */
const GATHERED_MAX = 512

export function chunkHasher(): ChunkHasher {
  return new GatheringHasher()
}

/** A class, and without memory until it is needed: eight of them wait with every upload that sends nothing. */
class GatheringHasher implements ChunkHasher {
  #gathered: Buffer | undefined
  #length = 0
  #sha256: Hash | undefined

  update(checksum: number): void {
    this.#length = this.#room().writeUInt32LE(checksum, this.#length)
  }

  digest(): Buffer {
    const rest = this.#gathered?.subarray(0, this.#length) ?? NOTHING
    return this.#sha256 ? this.#sha256.update(rest).digest() : hash('sha256', rest, 'buffer')
  }

  #room(): Buffer {
    const gathered = this.#gathered
    if (gathered && this.#length < gathered.length) return gathered
    if (gathered && this.#length >= GATHERED_MAX * CHECKSUM_BYTES) {
      this.#sha256 ??= createHash('sha256')
      this.#sha256.update(gathered)
      this.#length = 0
      return gathered
    }
    const larger = Buffer.allocUnsafe(gathered ? 2 * gathered.length : FIRST_GATHERED * CHECKSUM_BYTES)
    if (gathered) larger.set(gathered)
    this.#gathered = larger
    return larger
  }
}

const FIRST_GATHERED = 4
const NOTHING = Buffer.alloc(0)

/** Of a chunk's hash: SHA-256. */
const HASH_BYTES = 32

/** The hash of chunk `index`, of all of a part's in a row. */
export function recordedHash({ chunkHashes }: { chunkHashes: Buffer }, index: number): Buffer {
  return chunkHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
}
