/** What is stored of a part, taken in other pieces than those in which it is read. */
export class StoredBytes implements AsyncDisposable {
  readonly #pieces: AsyncGenerator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()

  constructor(pieces: AsyncGenerator<Uint8Array>) {
    this.#pieces = pieces
  }

  /** The next `bytes`; good until more is asked for. What lies across two pieces is copied. */
  async take(bytes: number): Promise<Buffer> {
    if (this.#rest.length >= bytes) return this.#cut(bytes)
    const memory = Buffer.allocUnsafeSlow(bytes)
    for (let filled = 0; ; ) {
      const taken = this.#cut(Math.min(bytes - filled, this.#rest.length))
      memory.set(taken, filled)
      filled += taken.length
      if (filled === bytes) return memory
      await this.#next()
    }
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; ; ) {
      left -= this.#cut(Math.min(left, this.#rest.length)).length
      if (left === 0) return
      await this.#next()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return(undefined)
  }

  #cut(bytes: number): Buffer {
    const { buffer, byteOffset } = this.#rest
    this.#rest = this.#rest.subarray(bytes)
    return Buffer.from(buffer, byteOffset, bytes)
  }

  async #next(): Promise<void> {
    const { value, done } = await this.#pieces.next()
    if (done) throw new Error('what is stored ends before its last frame does')
    this.#rest = value
  }
}
