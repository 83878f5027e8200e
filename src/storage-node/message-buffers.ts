/** Smaller messages are not worth keeping memory for. */
const BYTES_MIN = 4096
/** What is kept for the next message, altogether. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024

/**
 * Memory for messages, used again and again: by sizes of powers of two, what was given back last first, because fresh
 * memory costs more than anything done in it.
 */
export class MessageBuffers {
  readonly #free = new Map<number, Buffer[]>()
  #keptBytes = 0

  /** At least `bytes` long. */
  take(bytes: number): Buffer {
    if (bytes < BYTES_MIN) return Buffer.allocUnsafe(bytes)
    const size = 2 ** Math.ceil(Math.log2(bytes))
    const kept = this.#free.get(size)?.pop()
    if (!kept) return Buffer.allocUnsafeSlow(size)
    this.#keptBytes -= size
    return kept
  }

  /** A buffer of `take`, or the beginning of one: nobody may look at it any more. */
  give(buffer: Buffer): void {
    const { buffer: memory } = buffer
    const size = memory.byteLength
    const isOurs = size >= BYTES_MIN && buffer.byteOffset === 0 && Number.isInteger(Math.log2(size))
    if (!isOurs || buffer.length < BYTES_MIN || this.#keptBytes + size > KEPT_BYTES_MAX) return
    this.#keptBytes += size
    const kept = this.#free.get(size) ?? []
    kept.push(Buffer.from(memory, 0, size))
    this.#free.set(size, kept)
  }
}
