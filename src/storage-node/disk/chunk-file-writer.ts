import { assert, ChunkError } from '../../base/faults.ts'
import { type BufferHolder, type BufferPool, WRITE_BUFFER_BYTES } from './buffer-pool.ts'
import { DIRECT_BYTES, type DiskFile, type DiskFs } from './disk-fs.ts'
import type { DiskHealth } from './disk-health.ts'
import type { TemporaryNames } from './durable-file.ts'

export interface ChunkFileDeps {
  fs: DiskFs
  pool: BufferPool
  health: DiskHealth
  names: TemporaryNames
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
  #writesUnderWay = 0
  #isOnDisk = false
  #isAbandoned = false
  #failure: { error: unknown } | undefined
  /** The write under way; rejects with what went wrong in this or an earlier one. */
  #writing: Promise<void> = Promise.resolve()

  constructor(deps: ChunkFileDeps) {
    this.#deps = deps
    this.path = deps.names.take()
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

  /**
   * Copies `bytes` before it returns. What it answers is to be waited for before the next call, if anything: the disk is
   * behind. Throws or rejects with what went wrong in an earlier write.
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#failure) throw this.#failure.error
    this.#deps.pool.busy(this)
    let taken = 0
    while (taken < bytes.length && !this.#isHeldUp) {
      const buffer = this.#buffer ?? this.#useBuffer(this.#deps.pool.tryAcquire())
      if (!buffer) break
      taken += this.#copy(buffer, bytes.subarray(taken))
      if (this.#isFull && this.#writesUnderWay === 0) this.#startWrite()
    }
    if (taken === bytes.length && !this.#isHeldUp) return undefined
    return this.#takeRest(Buffer.from(bytes.subarray(taken)))
  }

  get #isFull(): boolean {
    return this.#buffer !== undefined && this.#used === this.#buffer.length
  }

  /** Two buffers at most: one being written, one being filled. */
  get #isHeldUp(): boolean {
    return this.#isFull && this.#writesUnderWay > 0
  }

  async #takeRest(rest: Buffer): Promise<void> {
    for (let taken = 0; taken < rest.length || this.#isFull; ) {
      if (this.#isFull) {
        await this.#writing
        this.#startWrite()
      } else {
        const buffer = this.#buffer ?? (await this.#takeBuffer())
        taken += this.#copy(buffer, rest.subarray(taken))
      }
    }
  }

  #copy(buffer: Buffer, bytes: Uint8Array): number {
    const count = Math.min(bytes.length, buffer.length - this.#used)
    buffer.set(count === bytes.length ? bytes : bytes.subarray(0, count), this.#used)
    this.#used += count
    return count
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
    // What cannot be unlinked now is swept later.
    if (this.#isOnDisk) await this.#deps.fs.unlink(this.path).catch(() => {})
    this.#isOnDisk = false
    this.#deps.names.release(this.path)
  }

  async #takeBuffer(): Promise<Buffer> {
    const buffer = await this.#deps.pool.acquire()
    if (this.#isAbandoned) {
      this.#deps.pool.release(buffer)
      throw new ChunkError('aborted', 'the chunk was given up')
    }
    return this.#useBuffer(buffer)
  }

  #useBuffer<B extends Buffer | undefined>(buffer: B): B {
    if (!buffer) return buffer
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
    this.#writesUnderWay += 1
    this.#writing = this.#writing
      .then(() => (bytes > 0 ? this.#writeAt(buffer.subarray(0, bytes), position) : undefined))
      .finally(() => {
        this.#writesUnderWay -= 1
        this.#deps.pool.release(buffer)
      })
    // Whoever writes next, or finishes, is told; until then nobody listens.
    this.#writing.catch((error) => {
      this.#failure ??= { error }
      this.#deps.health.report(error)
    })
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
