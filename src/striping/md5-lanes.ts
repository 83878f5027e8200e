import type { StripeKernel } from './kernel.ts'
import { Md5Body, type Md5Stream } from './md5-body.ts'
import { MD5_LANES, Md5Kernel } from './md5-kernel.ts'

export type { Md5Stream } from './md5-body.ts'

/** Blocks of one call of the kernel, at most: 64 KiB of each lane, 0.15 ms of eight lanes. */
const CALL_BLOCKS_MAX = 1024
/** Blocks of each lane in one turn of the event loop, at most: 1.5 MiB; about 3 ms of eight lanes, 2 ms of one. */
const TURN_BLOCKS_MAX = 24_576
/** A body that need not be hashed yet comes along with this many; fewer would only cut the others' calls short. */
const COMPANY_BYTES_MIN = 8192

/**
 * MD5 of several bodies at once, out of the memory that their stripes are made in. One body costs what OpenSSL takes, two
 * 0.6 of it, four 0.3, eight 0.2 each; so a body that need not be hashed yet waits for company: no longer than until
 * a second stripe of it is full, until every body (or eight) has a full one, until it is digested, or until memory is
 * short. What is hashed at all is hashed with as many others as have bytes. No timer is involved.
 */
export class Md5Lanes {
  readonly #kernel: Md5Kernel
  readonly #memory: Uint8Array
  readonly #isMemoryShort: () => boolean
  readonly #bodies = new Set<Md5Body>()
  #isScheduled = false

  /** `isMemoryShort`: somebody waits for memory, so none may be kept waiting for company. */
  constructor(kernel: StripeKernel, isMemoryShort: () => boolean) {
    this.#kernel = new Md5Kernel(kernel)
    this.#memory = kernel.memory
    this.#isMemoryShort = isMemoryShort
  }

  /** The MD5 of a body whose stripes lie in the kernel's memory. To be disposed. */
  start(): Md5Stream {
    const body = new Md5Body(this.#kernel, this.#memory, (changed) => {
      if (changed.isOver) this.#bodies.delete(changed)
      this.hurry()
    })
    this.#bodies.add(body)
    return body
  }

  /** Looks for what is to be hashed now: to be called when memory has become short. */
  hurry(): void {
    if (this.#isScheduled || this.#lateBodies().length === 0) return
    this.#schedule()
  }

  /** What becomes due in one turn is hashed together. */
  #schedule(): void {
    this.#isScheduled = true
    setImmediate(() => this.#hashSome())
  }

  #hashSome(): void {
    for (let blocksLeft = TURN_BLOCKS_MAX; blocksLeft > 0; ) {
      const late = this.#lateBodies()
      if (late.length === 0) {
        this.#isScheduled = false
        return
      }
      blocksLeft -= this.#hashOnce(late, Math.min(blocksLeft, CALL_BLOCKS_MAX))
    }
    this.#schedule()
  }

  /** Fills the lanes, and hashes as many blocks as all of them have in a row. Answers how many; never 0, so turns end. */
  #hashOnce(late: readonly Md5Body[], blocksMax: number): number {
    const lanes: Md5Body[] = []
    let blocks = blocksMax
    const board = (body: Md5Body) => {
      const run = lanes.length < MD5_LANES ? body.nextRun() : 0
      if (run === 0) return
      lanes.push(body)
      blocks = Math.min(blocks, run)
    }
    for (const body of byPending(late)) board(body)
    // Those that were late may have been finished by looking for a run.
    if (lanes.length === 0) return 1
    if (lanes.length < MD5_LANES) for (const body of this.#company(late)) board(body)
    this.#kernel.run(lanes, blocks)
    for (const body of lanes) body.advance(blocks)
    return blocks
  }

  #lateBodies(): Md5Body[] {
    let waiting = 0
    for (const { fullStripes } of this.#bodies) if (fullStripes > 0) waiting += 1
    const waitsNoMore = waiting >= Math.min(MD5_LANES, this.#bodies.size) || this.#isMemoryShort()
    return Array.from(this.#bodies).filter((body) => body.isLate || (waitsNoMore && body.fullStripes > 0))
  }

  #company(late: readonly Md5Body[]): Md5Body[] {
    const isWorthIt = (body: Md5Body) => body.pendingBytes >= COMPANY_BYTES_MIN && !late.includes(body)
    return byPending(Array.from(this.#bodies).filter(isWorthIt))
  }
}

/** Those with most to do first, so that lanes stay filled to the end. */
function byPending(bodies: readonly Md5Body[]): Md5Body[] {
  return bodies.toSorted((a, b) => b.pendingBytes - a.pendingBytes)
}
