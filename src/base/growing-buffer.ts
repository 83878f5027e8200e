/** Room to begin with: thousands of clients may send a byte a second each. */
const FIRST_BYTES = 512

/**
 * Bytes that come in pieces, in one piece of memory: a list of pieces would cost a hundred bytes for each, and a client
 * may send them one by one.
 */
export class GrowingBuffer {
  readonly #bytesMax: number
  #memory: Buffer = Buffer.alloc(0)
  #length = 0

  /** Room is made as it is needed, twice as much each time, and never for more than `bytesMax`. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#length
  }

  /** What has come; valid until the next `append`. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length)
  }

  /** The memory that it takes when it is so long. */
  roomFor(length: number): number {
    if (length <= this.#memory.length) return this.#memory.length
    return Math.min(Math.max(length, 2 * this.#memory.length, FIRST_BYTES), this.#bytesMax)
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length
    if (length > this.#bytesMax) throw new RangeError('more bytes than there may be')
    if (length > this.#memory.length) this.#grow(length)
    this.#memory.set(piece, this.#length)
    this.#length = length
  }

  #grow(length: number): void {
    // Not out of Node's shared pool, which would be kept as long as this is.
    const memory = Buffer.allocUnsafeSlow(this.roomFor(length))
    memory.set(this.bytes)
    this.#memory = memory
  }
}
