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

/** Bytes that lie in a row. */
export interface DataRun {
  /** In the kernel's memory. */
  at: number
  length: number
  /** Whether no byte will ever follow in this row: it ends where its block ends, or the stripe's bytes. */
  isWhole: boolean
}

/**
 * One stripe being made: `fill` until `isFull`, `seal`, take the `piece`s, dispose. Views into pooled memory: whoever
 * disposes it must know that nobody reads its pieces any more. Its memory goes back when every `hold` is gone too.
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
  #isDisposed = false
  #holds = 1
  /** Gives the memory back. */
  readonly #release: () => void

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

  get filledBytes(): number {
    return this.#filledBytes
  }

  get isFull(): boolean {
    return this.#filledBytes === this.stripeBytes
  }

  /** Copies bytes in, as many as the stripe still takes; answers how many that were. */
  fill(bytes: Uint8Array): number {
    this.#assertHeld()
    const taken = Math.min(bytes.length, this.stripeBytes - this.#filledBytes)
    for (let from = 0; from < taken; ) {
      const { at, room } = this.#position(this.#filledBytes)
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
      const { at, room } = this.#position(this.#filledBytes)
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

  /** Filled bytes from byte `position` of the stripe on, as many as lie in a row; good until dispose, or of a hold. */
  dataRun(position: number): DataRun {
    assert(this.#holds > 0 && position >= 0 && position < this.stripeBytes, 'a byte of a stripe that is held')
    const { at, room } = this.#position(position)
    const row = Math.min(room, this.stripeBytes - position)
    const length = Math.min(row, Math.max(0, this.#filledBytes - position))
    return { at, length, isWhole: length === row }
  }

  /** The bytes filled in, in order: views that are good until dispose. */
  *data(): Generator<Uint8Array> {
    this.#assertHeld()
    for (let position = 0; position < this.#filledBytes; ) {
      const { at, length } = this.dataRun(position)
      yield this.#kernel.memory.subarray(at, at + length)
      position += length
    }
  }

  /** Keeps the bytes readable by `dataRun` beyond dispose, until what it answers is disposed. */
  hold(): Disposable {
    this.#assertHeld()
    this.#holds += 1
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#letGo()
        isHeld = false
      },
    }
  }

  /** Gives the memory back, unless somebody holds it; a second time does nothing. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#letGo()
  }

  #letGo(): void {
    this.#holds -= 1
    if (this.#holds === 0) this.#release()
  }

  /** Where byte `position` goes, and how many bytes its block takes from there. */
  #position(position: number): { at: number; room: number } {
    const block = Math.floor(position / this.blockBytes)
    const within = position - block * this.blockBytes
    return { at: this.#offset + block * this.#stride + within, room: this.blockBytes - within }
  }

  #assertHeld(): void {
    assert(!this.#isDisposed, 'a stripe buffer is used until it is disposed, no longer')
  }
}
