import { crc32 } from '@node-rs/crc32'
import { assert } from '../base/faults.ts'
import { blockSeed, CHECKSUM_BYTES, type ChunkHasher, CRC32_RESIDUE, chunkHasher, chunkSeed } from './checksum.ts'

/** What came of a whole payload. */
export interface PayloadVerdict {
  /** All blocks match their checksums, and the payload does not end inside of one. */
  isIntact: boolean
  /** The first block that does not match. */
  badBlock: number | undefined
  blocks: number
  payloadBytes: number
  /** SHA-256 over the block checksums as they were sent: 32 bytes. */
  chunkHash: Buffer
}

/**
 * Checks a chunk's payload while it streams by, in pieces of any size. Blocks are of `blockBytes`, the last one may be
 * shorter: its end is known only at the end, so a block is checked together with the checksum behind it, which leaves a
 * constant (CRC32_RESIDUE). Nothing is copied or kept but a few numbers.
 */
export class PayloadVerifier {
  readonly #storedBlockBytes: number
  readonly #seed: number
  readonly #hasher: ChunkHasher = chunkHasher()
  #blocks = 0
  #badBlock: number | undefined
  /** Bytes of the current block and checksum that were seen, and the CRC-32 so far. */
  #seenBytes = 0
  #state: number
  /** The last 4 bytes seen, as a little-endian number: at a block's end, its checksum. */
  #tail = 0

  /** `chunkId`: 17 bytes. `blockBytes`: of the chunk's header, 1 or more. */
  constructor(chunk: { chunkId: Uint8Array; blockBytes: number }) {
    assert(Number.isSafeInteger(chunk.blockBytes) && chunk.blockBytes > 0, 'blockBytes is positive')
    this.#storedBlockBytes = chunk.blockBytes + CHECKSUM_BYTES
    this.#seed = chunkSeed(chunk.chunkId)
    this.#state = blockSeed(this.#seed, 0)
  }

  /** The next piece; it is not kept. False as soon as a block was found bad, so that a sender can be stopped early. */
  update(piece: Uint8Array): boolean {
    for (let offset = 0; offset < piece.length; ) {
      const end = Math.min(piece.length, offset + this.#storedBlockBytes - this.#seenBytes)
      this.#take(offset === 0 && end === piece.length ? piece : piece.subarray(offset, end))
      if (this.#seenBytes === this.#storedBlockBytes) this.#endBlock()
      offset = end
    }
    return this.#badBlock === undefined
  }

  /** After the last piece; once only. */
  finish(): PayloadVerdict {
    const payloadBytes = this.#blocks * this.#storedBlockBytes + this.#seenBytes
    if (this.#seenBytes > 0) this.#endBlock()
    return {
      isIntact: this.#badBlock === undefined,
      badBlock: this.#badBlock,
      blocks: this.#blocks,
      payloadBytes,
      chunkHash: this.#hasher.digest(),
    }
  }

  #take(bytes: Uint8Array): void {
    this.#state = crc32(bytes, this.#state)
    this.#seenBytes += bytes.length
    for (let i = Math.max(0, bytes.length - CHECKSUM_BYTES); i < bytes.length; i++) {
      this.#tail = (this.#tail >>> 8) | (bytes[i]! << 24)
    }
  }

  #endBlock(): void {
    const isGood = this.#seenBytes > CHECKSUM_BYTES && this.#state === CRC32_RESIDUE
    if (!isGood) this.#badBlock ??= this.#blocks
    this.#hasher.update(this.#tail >>> 0)
    this.#blocks += 1
    this.#seenBytes = 0
    this.#state = blockSeed(this.#seed, this.#blocks)
  }
}
