import { assert, ChunkError } from '../../base/faults.ts'
import { type BufferHolder, type BufferPool, WRITE_BUFFER_BYTES } from './buffer-pool.ts'
import { DIRECT_BYTES, type DiskFile, type DiskFs } from './disk-fs.ts'
import type { DiskHealth } from './disk-health.ts'

export interface ChunkFileDeps {
  fs: DiskFs
  pool: BufferPool
  health: DiskHealth
}

/**
 * A file written front to back by direct I/O. Bytes are gathered in a buffer of the pool; a full one is written while the
 * next is being filled. The file is made when the first buffer is full. Not for concurrent callers.
 */
export class DirectWriter implements BufferHolder {
  readonly path: string
  readonly #deps: ChunkFileDeps
  #file: DiskFile | undefined
  #buffer: Buffer | undefined
  #used = 0
  /** What was in a buffer that was given back, less than DIRECT_BYTES. */
  #rest: Buffer | undefined
  /** Bytes that were handed to the file system, a multiple of DIRECT_BYTES. */
  #written = 0
  #isOnDisk = false
  #isAbandoned = false
  /** The write under way; rejects with what went wrong in this or an earlier one. */
  #writing: Promise<void> = Promise.resolve()

  constructor(deps: ChunkFileDeps, path: string) {
    this.#deps = deps
    this.path = path
  }

  /** Bytes taken so far. */
  get length(): number {
    return this.#written + this.#used
  }

  /** Whether anything is, or will be, in a file. */
  get hasFile(): boolean {
    return this.#written > 0
  }

  /** What was taken, as long as all of it is in memory; valid until `abandon`. */
  gathered(): Buffer {
    assert(!this.hasFile, 'nothing was written yet')
    this.#deps.pool.busy(this)
    return this.#buffer?.subarray(0, this.#used) ?? this.#rest ?? Buffer.alloc(0)
  }

  /** Resolves when `bytes` were copied. Rejects with what went wrong in an earlier write. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#deps.pool.busy(this)
    let taken = 0
    while (taken < bytes.length) {
      const buffer = this.#buffer ?? (await this.#takeBuffer())
      const count = Math.min(bytes.length - taken, buffer.length - this.#used)
      buffer.set(taken === 0 && count === bytes.length ? bytes : bytes.subarray(taken, taken + count), this.#used)
      this.#used += count
      taken += count
      if (this.#used === buffer.length) {
        await this.#writing
        this.#startWrite()
      }
    }
  }

  /** Between two calls of `write`, while the sender is waited for: others may have the buffer. */
  pause(): void {
    if (this.#buffer) this.#deps.pool.idle(this)
  }

  giveBack(): void {
    this.#startWrite()
  }

  /** Fills up with zeros, so that `tail` ends where the file does, at a multiple of DIRECT_BYTES; all of it durable. */
  async finish(tail: Uint8Array): Promise<void> {
    const end = this.length + tail.length
    const padded = Math.ceil(end / DIRECT_BYTES) * DIRECT_BYTES
    await this.write(Buffer.alloc(padded - end))
    await this.write(tail)
    if (this.#used > 0) {
      await this.#writing
      this.#startWrite()
    }
    await this.#writing
    await this.#file!.dataSync().catch((error) => {
      this.#deps.health.markBroken(error)
      throw error
    })
    const file = this.#file!
    this.#file = undefined
    await file.close()
  }

  /** The file has another name now: `abandon` does not look for it. */
  keep(): void {
    this.#isOnDisk = false
  }

  /** Lets go of everything, and removes the file unless it was kept. Never throws; a second call does nothing. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true
    this.#deps.pool.busy(this)
    await this.#writing.catch(() => {})
    this.#releaseBuffer()
    await this.#file?.close().catch(() => {})
    this.#file = undefined
    // What cannot be unlinked is removed at the next start.
    if (this.#isOnDisk) await this.#deps.fs.unlink(this.path).catch(() => {})
    this.#isOnDisk = false
  }

  async #takeBuffer(): Promise<Buffer> {
    const buffer = await this.#deps.pool.acquire()
    if (this.#isAbandoned) {
      this.#deps.pool.release(buffer)
      throw new ChunkError('aborted', 'the chunk was given up')
    }
    if (this.#rest) buffer.set(this.#rest)
    this.#rest = undefined
    this.#buffer = buffer
    return buffer
  }

  /** Begins to write what can be written aligned, and lets go of the buffer. One write at a time, in order. */
  #startWrite(): void {
    const buffer = this.#buffer!
    const bytes = this.#used - (this.#used % DIRECT_BYTES)
    this.#rest = this.#used > bytes ? Buffer.from(buffer.subarray(bytes, this.#used)) : undefined
    this.#used -= bytes
    this.#buffer = undefined
    const position = this.#written
    this.#written += bytes
    this.#writing = this.#writing
      .then(() => (bytes > 0 ? this.#writeAt(buffer.subarray(0, bytes), position) : undefined))
      .finally(() => this.#deps.pool.release(buffer))
    // Whoever writes next, or finishes, is told; until then nobody listens.
    this.#writing.catch((error) => this.#deps.health.report(error))
  }

  async #writeAt(bytes: Buffer, position: number): Promise<void> {
    this.#file ??= await this.#deps.fs.open(this.path, 'create-direct')
    this.#isOnDisk = true
    await this.#deps.health.admit(bytes.length)
    await this.#file.write(bytes, position)
  }

  #releaseBuffer(): void {
    if (this.#buffer) this.#deps.pool.release(this.#buffer)
    this.#buffer = undefined
    this.#rest = undefined
    this.#used = 0
  }
}

/** So that a pool's buffers are never half used by what is not a multiple. */
assert(WRITE_BUFFER_BYTES % DIRECT_BYTES === 0, 'write buffers are a multiple of the alignment')
