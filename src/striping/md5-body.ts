import { assert } from '../base/faults.ts'
import { MD5_BLOCK_BYTES, type Md5Kernel, type Md5Lane } from './md5-kernel.ts'
import type { StripeBuffer } from './stripe-buffer.ts'

/** Full stripes of a body that may wait for other bodies to be hashed with. */
const LAG_STRIPES = 1
/** RFC 1321, section 3.3. */
const INITIAL_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476] as const
/** RFC 1321, section 3.1 and 3.2: a one bit, zeros, and the length in bits. */
const LENGTH_BYTES = 8

/** What one upload sees of its MD5. */
export interface Md5Stream extends Disposable {
  /** Bytes were filled into this stripe; they are hashed now or later, and its memory is held until all of it is. */
  update(stripe: StripeBuffer): void
  /** Resolves when at most one full stripe waits to be hashed. Rejects when disposed. */
  caughtUp(): Promise<void>
  /** 16 bytes; once, when the last stripe is full. Rejects when disposed. */
  digest(): Promise<Buffer>
}

interface QueuedStripe {
  readonly stripe: StripeBuffer
  readonly hold: Disposable
  hashedBytes: number
}

/** A body on its way through MD5: the state, and the stripes that hold what is to be hashed. Used by Md5Lanes. */
export class Md5Body implements Md5Stream, Md5Lane {
  readonly state = Uint32Array.from(INITIAL_STATE)
  /** Set by `nextRun`. */
  at = 0
  readonly #kernel: Md5Kernel
  /** The stripe kernel's. */
  readonly #memory: Uint8Array
  readonly #onChange: (body: Md5Body) => void
  readonly #queue: QueuedStripe[] = []
  /** The last stripe that came, and how many of its bytes are known. */
  #newest: StripeBuffer | undefined
  #newestBytes = 0
  #totalBytes = 0
  #pendingBytes = 0
  /** The beginning of a block of MD5 whose rest lies in another row; then the end of the body. */
  readonly #carry = new Uint8Array(2 * MD5_BLOCK_BYTES)
  #carriedBytes = 0
  #digest: PromiseWithResolvers<Buffer> | undefined
  #caughtUp: PromiseWithResolvers<void> | undefined
  #isOver = false

  /** `onChange`: there may be something to do; or, when `isOver`, never again. */
  constructor(kernel: Md5Kernel, memory: Uint8Array, onChange: (body: Md5Body) => void) {
    this.#kernel = kernel
    this.#memory = memory
    this.#onChange = onChange
  }

  update(stripe: StripeBuffer): void {
    assert(!this.#isOver && !this.#digest, 'bytes come before the digest')
    if (stripe !== this.#newest) {
      assert(this.#newest?.isFull ?? true, 'a stripe is full before the next one comes')
      this.#queue.push({ stripe, hold: stripe.hold(), hashedBytes: 0 })
      this.#newest = stripe
      this.#newestBytes = 0
    }
    const added = stripe.filledBytes - this.#newestBytes
    this.#newestBytes += added
    this.#totalBytes += added
    this.#pendingBytes += added
    if (stripe.isFull) this.#onChange(this)
  }

  caughtUp(): Promise<void> {
    if (this.fullStripes <= LAG_STRIPES) return Promise.resolve()
    this.#caughtUp ??= Promise.withResolvers()
    return this.#caughtUp.promise
  }

  digest(): Promise<Buffer> {
    assert(!this.#isOver && !this.#digest && (this.#newest?.isFull ?? true), 'digested once, when all stripes are full')
    this.#digest = Promise.withResolvers()
    const { promise } = this.#digest
    if (this.#queue.length === 0) this.#finish()
    else this.#onChange(this)
    return promise
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const { hold } of this.#queue.splice(0)) hold[Symbol.dispose]()
    this.#pendingBytes = 0
    const gone = new Error('the body was given up')
    this.#caughtUp?.reject(gone)
    this.#digest?.reject(gone)
    this.#onChange(this)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Bytes that are there and not hashed. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Stripes that only wait to be hashed. */
  get fullStripes(): number {
    return this.#queue.length - (this.#queue.at(-1)?.stripe.isFull === false ? 1 : 0)
  }

  /** Whether it is to be hashed now, whoever else is there. */
  get isLate(): boolean {
    return this.#queue.length > 0 && (this.#digest !== undefined || this.fullStripes > LAG_STRIPES)
  }

  /**
   * How many whole blocks lie in a row at `at`. What lies across two rows is hashed on the way there. 0: more bytes must
   * come first, or none will.
   */
  nextRun(): number {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const { at, length, isWhole } = next.stripe.dataRun(next.hashedBytes)
      if (this.#carriedBytes === 0 && length >= MD5_BLOCK_BYTES) {
        this.at = at
        return Math.floor(length / MD5_BLOCK_BYTES)
      }
      if (length === 0 || (this.#carriedBytes === 0 && !isWhole)) return 0
      const taken = Math.min(length, MD5_BLOCK_BYTES - this.#carriedBytes)
      this.#carry.set(this.#memory.subarray(at, at + taken), this.#carriedBytes)
      this.#carriedBytes += taken
      if (this.#carriedBytes === MD5_BLOCK_BYTES) {
        this.#kernel.runLoose(this.state, this.#carry.subarray(0, MD5_BLOCK_BYTES))
        this.#carriedBytes = 0
      }
      this.#take(next, taken)
    }
    return 0
  }

  /** That many blocks at `at` are hashed. */
  advance(blocks: number): void {
    this.#take(this.#queue[0]!, blocks * MD5_BLOCK_BYTES)
  }

  #take(from: QueuedStripe, bytes: number): void {
    from.hashedBytes += bytes
    this.#pendingBytes -= bytes
    if (from.hashedBytes < from.stripe.stripeBytes) return
    this.#queue.shift()
    from.hold[Symbol.dispose]()
    if (this.fullStripes <= LAG_STRIPES) {
      this.#caughtUp?.resolve()
      this.#caughtUp = undefined
    }
    if (this.#digest && this.#queue.length === 0) this.#finish()
  }

  #finish(): void {
    const needed = this.#carriedBytes + 1 + LENGTH_BYTES
    const end = this.#carry.subarray(0, needed <= MD5_BLOCK_BYTES ? MD5_BLOCK_BYTES : 2 * MD5_BLOCK_BYTES)
    end.fill(0, this.#carriedBytes)
    end[this.#carriedBytes] = 0x80
    const view = new DataView(end.buffer, end.byteOffset, end.length)
    view.setBigUint64(end.length - LENGTH_BYTES, BigInt(this.#totalBytes) * 8n, true)
    this.#kernel.runLoose(this.state, end)
    const digest = Buffer.allocUnsafe(16)
    for (const [i, word] of this.state.entries()) digest.writeUInt32LE(word, 4 * i)
    this.#isOver = true
    this.#digest!.resolve(digest)
    this.#onChange(this)
  }
}
