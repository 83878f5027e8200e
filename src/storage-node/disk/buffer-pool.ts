/** What a large chunk is written in: direct I/O costs the same from 512 KiB on (bench/micro/chunk-disk.ts). */
export const WRITE_BUFFER_BYTES = 1024 * 1024
const WASM_PAGE_BYTES = 64 * 1024

/** What is used of WebAssembly: Node's types do not declare it. */
interface WebAssemblyApi {
  Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer }
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }

/** Somebody who holds a buffer that is not full yet. */
export interface BufferHolder {
  /** Others wait: write out what is there and release the buffer. Called only while idle. */
  giveBack(): void
}

/**
 * A bounded number of write buffers, aligned to pages as direct I/O needs it: a WebAssembly.Memory's memory is.
 * Last in, first out, because first touch of fresh memory costs more than anything done in it.
 *
 * Who waits for more bytes from the network while holding a buffer must say so (`idle`): if others wait, it is asked to
 * give its buffer back. So a chunk never waits for another chunk's sender, which may itself be waiting, on another node,
 * for this one.
 */
export class BufferPool {
  readonly #free: Buffer[] = []
  readonly #waiting: ((buffer: Buffer) => void)[] = []
  /** In the order in which they became idle. */
  readonly #idle = new Set<BufferHolder>()

  constructor(buffersMax: number) {
    const pages = (buffersMax * WRITE_BUFFER_BYTES) / WASM_PAGE_BYTES
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    for (let i = buffersMax - 1; i >= 0; i--) {
      this.#free.push(Buffer.from(memory.buffer, i * WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES))
    }
  }

  /** A buffer, if one is free. */
  tryAcquire(): Buffer | undefined {
    return this.#free.pop()
  }

  /** Resolves when a buffer is free. */
  acquire(): Promise<Buffer> {
    const buffer = this.tryAcquire()
    if (buffer) return Promise.resolve(buffer)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      for (const holder of this.#idle) {
        this.busy(holder)
        holder.giveBack()
        break
      }
    })
  }

  release(buffer: Buffer): void {
    const next = this.#waiting.shift()
    if (next) next(buffer)
    else this.#free.push(buffer)
  }

  /** The holder of a buffer now waits for its sender. */
  idle(holder: BufferHolder): void {
    if (this.#waiting.length > 0) holder.giveBack()
    else this.#idle.add(holder)
  }

  busy(holder: BufferHolder): void {
    this.#idle.delete(holder)
  }
}
