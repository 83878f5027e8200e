import { assert } from '../base/faults.ts'
import type { PartId } from '../base/ids.ts'
import { DATA_CHUNKS, PARITY_CHUNKS_MAX } from '../base/limits.ts'
import { blockChecksum, CHECKSUM_BYTES, chunkSeeds } from './checksum.ts'
import { type StripeKernel, toRuns } from './kernel.ts'

export interface StripeShape {
  /** Bytes of the part that lie in this stripe: 1 to 6 × blockBytes (layout.ts: stripeBytes). */
  stripeBytes: number
  /** Of the part's blocks. */
  blockBytes: number
  /** 0 to 6. */
  parityChunks: number
}

/** From one block of a stripe to the next: room for the checksum, and for the kernel to work in whole runs. */
function strideOf(blockBytes: number): number {
  return toRuns(blockBytes + CHECKSUM_BYTES)
}

/** Bytes of memory that a stripe's buffer takes. */
export function slotBytesOf({ stripeBytes, blockBytes, parityChunks }: StripeShape): number {
  assert(
    Number.isSafeInteger(stripeBytes) && stripeBytes > 0 && stripeBytes <= DATA_CHUNKS * blockBytes,
    'a stripe has 1 to 6 × blockBytes bytes',
  )
  assert(parityChunks >= 0 && parityChunks <= PARITY_CHUNKS_MAX, 'a stripe has 0 to 6 parity blocks')
  return (DATA_CHUNKS + parityChunks) * strideOf(Math.ceil(stripeBytes / DATA_CHUNKS))
}

/**
 * One stripe being made: `fill` until `isFull`, `seal`, take the `piece`s, dispose. Views into pooled memory: whoever
 * disposes it must know that nobody reads its pieces any more.
 */
export class StripeBuffer implements Disposable {
  /** Of each block of this stripe, checksum not counted. */
  readonly blockBytes: number
  readonly stripeBytes: number
  /** Data and parity. */
  readonly blockCount: number
  readonly #kernel: StripeKernel
  readonly #offset: number
  readonly #stride: number
  #filledBytes = 0
  #isSealed = false
  /** Gives the memory back; undefined once that is done. */
  #release: (() => void) | undefined

  /** By StripePool: `offset` is that of slotBytesOf(shape) bytes of the kernel's memory. */
  constructor(kernel: StripeKernel, offset: number, shape: StripeShape, release: () => void) {
    this.blockBytes = Math.ceil(shape.stripeBytes / DATA_CHUNKS)
    this.stripeBytes = shape.stripeBytes
    this.blockCount = DATA_CHUNKS + shape.parityChunks
    this.#kernel = kernel
    this.#offset = offset
    this.#stride = strideOf(this.blockBytes)
    this.#release = release
  }

  get isFull(): boolean {
    return this.#filledBytes === this.stripeBytes
  }

  /** Copies bytes in, as many as the stripe still takes; answers how many that were. */
  fill(bytes: Uint8Array): number {
    this.#assertHeld()
    const taken = Math.min(bytes.length, this.stripeBytes - this.#filledBytes)
    for (let from = 0; from < taken; ) {
      const { at, room } = this.#position()
      const to = Math.min(taken, from + room)
      this.#kernel.memory.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), at)
      this.#filledBytes += to - from
      from = to
    }
    return taken
  }

  /**
   * Pads the stripe with zeros, makes parity, and writes every block's checksum, for it is stripe `stripe` of that part.
   * Answers the checksums, by chunk index: unsigned 32 bits. When full, and once.
   */
  seal(partId: PartId, stripe: number): number[] {
    this.#assertHeld()
    assert(this.isFull && !this.#isSealed, 'a stripe is sealed when full, once')
    const { memory } = this.#kernel
    while (this.#filledBytes < DATA_CHUNKS * this.blockBytes) {
      const { at, room } = this.#position()
      memory.fill(0, at, at + room)
      this.#filledBytes += room
    }
    this.#filledBytes = this.stripeBytes
    this.#kernel.encode(this.#offset, this.#stride, this.blockBytes, this.blockCount - DATA_CHUNKS)
    this.#isSealed = true
    return chunkSeeds(partId, this.blockCount).map((seed, index) => {
      const at = this.#offset + index * this.#stride
      const checksum = blockChecksum(seed, stripe, memory.subarray(at, at + this.blockBytes))
      memory.writeUInt32LE(checksum, at + this.blockBytes)
      return checksum
    })
  }

  /** Block `index` with its checksum behind it; a view that is good until dispose. */
  piece(index: number): Uint8Array {
    this.#assertHeld()
    assert(this.#isSealed && index >= 0 && index < this.blockCount, 'a piece of a sealed stripe')
    const at = this.#offset + index * this.#stride
    return this.#kernel.memory.subarray(at, at + this.blockBytes + CHECKSUM_BYTES)
  }

  /** Gives the memory back; a second time does nothing. */
  [Symbol.dispose](): void {
    const release = this.#release
    this.#release = undefined
    release?.()
  }

  /** Where the next byte goes, and how many bytes its block still takes. */
  #position(): { at: number; room: number } {
    const block = Math.floor(this.#filledBytes / this.blockBytes)
    const within = this.#filledBytes - block * this.blockBytes
    return { at: this.#offset + block * this.#stride + within, room: this.blockBytes - within }
  }

  #assertHeld(): void {
    assert(this.#release, 'a stripe buffer is used until it is disposed, no longer')
  }
}
