import { ByteBudget } from '../base/byte-budget.ts'
import { GrowingBuffer } from '../base/growing-buffer.ts'
import { type PartGeometry, stripeBytes } from '../striping/layout.ts'
import type { StripeBuffer } from '../striping/stripe-pool.ts'
import type { EngineDeps } from './deps.ts'

/** Memory outside the pool for what slow clients have sent: so many bytes, for all of them together. */
export class SlowUploadBudget extends ByteBudget {
  constructor(bytesMax: number) {
    super(bytesMax, 'Too many slow uploads at once.')
  }
}

type FillerDeps = Pick<EngineDeps, 'pool' | 'clock' | 'slowUploads' | 'settings'>

/**
 * Fills the stripes of one upload, in order. A client that takes longer than `slowStripeMs` for a stripe loses its place
 * in the pool: what it sent waits in memory of its own, as much as it sent, until the stripe is whole. So those who dawdle
 * do not hold up those who do not.
 */
export class StripeFiller implements Disposable {
  readonly #deps: FillerDeps
  readonly #geometry: PartGeometry
  #index = 0
  #stripe: StripeBuffer | undefined
  /** Bytes of this stripe that wait outside the pool. */
  #staged: GrowingBuffer | undefined
  #isSlow = false
  #timer: Disposable | undefined
  #failure: unknown

  constructor(deps: FillerDeps, geometry: PartGeometry) {
    this.#deps = deps
    this.#geometry = geometry
  }

  /** The stripe that is being filled. */
  get index(): number {
    return this.#index
  }

  /** Copies bytes in, as many as this stripe still takes; answers how many. Faults: SlowDown. */
  async fill(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    if (this.#failure) throw this.#failure
    if (this.#isSlow) return this.#stage(bytes)
    this.#stripe ??= await this.#acquire(signal)
    return this.#stripe.fill(bytes)
  }

  /** The stripe, once it is full: the next one begins. Whoever takes it disposes it. */
  async takeFull(signal: AbortSignal): Promise<StripeBuffer | undefined> {
    if (this.#isSlow ? this.#stagedBytes < this.#bytes : !this.#stripe?.isFull) return undefined
    const stripe = this.#stripe ?? (await this.#unstage(signal))
    this.#stripe = undefined
    this.#isSlow = false
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#index += 1
    return stripe
  }

  /**
   * What is left of a body that ended before its bound; its true size stands in the geometry by now. It is cut anew, for
   * the blocks of the last stripe are as long as a sixth of it. Faults: SlowDown.
   */
  async takeRest(signal: AbortSignal): Promise<StripeBuffer | undefined> {
    this.#timer?.[Symbol.dispose]()
    this.#giveBack()
    if (this.#failure) throw this.#failure
    return this.#stagedBytes === 0 ? undefined : await this.#unstage(signal)
  }

  /** To be told before the client is waited for. */
  wait(): void {
    if (!this.#stripe || this.#timer) return
    this.#timer = this.#deps.clock.after(this.#deps.settings.slowStripeMs, () => this.#giveBack())
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#stripe?.[Symbol.dispose]()
    this.#stripe = undefined
    this.#dropStaged()
  }

  get #stagedBytes(): number {
    return this.#staged?.length ?? 0
  }

  get #bytes(): number {
    return stripeBytes(this.#geometry, this.#index)
  }

  #acquire(signal: AbortSignal): Promise<StripeBuffer> {
    const { blockBytes, parityChunks } = this.#geometry
    return this.#deps.pool.acquire({ stripeBytes: this.#bytes, blockBytes, parityChunks }, signal)
  }

  #stage(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.#bytes - this.#stagedBytes)
    const staged = this.#staged ?? new GrowingBuffer(this.#bytes)
    this.#deps.slowUploads.take(staged.roomFor(staged.length + taken) - roomOf(staged))
    staged.append(bytes.subarray(0, taken))
    this.#staged = staged
    return taken
  }

  #giveBack(): void {
    const stripe = this.#stripe
    if (!stripe) return
    this.#isSlow = true
    this.#stripe = undefined
    try {
      for (const bytes of stripe.data()) this.#stage(bytes)
    } catch (error) {
      this.#failure = error
    }
    stripe[Symbol.dispose]()
  }

  async #unstage(signal: AbortSignal): Promise<StripeBuffer> {
    const stripe = await this.#acquire(signal)
    if (this.#staged) stripe.fill(this.#staged.bytes)
    this.#dropStaged()
    return stripe
  }

  #dropStaged(): void {
    if (this.#staged) this.#deps.slowUploads.give(roomOf(this.#staged))
    this.#staged = undefined
  }
}

/** The memory that it takes now. */
function roomOf(buffer: GrowingBuffer): number {
  return buffer.roomFor(buffer.length)
}
