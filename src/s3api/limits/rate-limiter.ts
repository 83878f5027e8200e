import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { RateLimits } from '../../base/model.ts'
import { networkOf } from './network-of.ts'
import { TokenBucket } from './token-bucket.ts'

/** What one gateway process tells the others of the same gateway: what was asked for here. */
export interface Usage {
  /** Whose: `key …` or `address …`. */
  id: string
  limits: RateLimits
  requests: number
  bytes: number
}

export interface RateLimiterOptions {
  clock: Clock
  /** For each access key, unless it has its own. */
  ofKey: RateLimits
  /** For each client's address; of IPv6, for each /64, which is what one client has. */
  ofAddress: RateLimits
}

/** Those used last; whoever is forgotten begins anew with a second's worth. */
const ALLOWANCES_MAX = 100_000
/** Of which others are told in one message; what is beyond is told by the next one. */
const USAGES_MAX = 5_000

/**
 * How often and how much keys and addresses ask for. Where nobody set a limit, asking it costs a comparison. A request
 * is let in while there is something left, and what it moves is taken then, be it more: the mean is kept.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions
  readonly #allowances = new LRUCache<string, Allowance>({ max: ALLOWANCES_MAX })
  /** What the other processes were not told of yet; undefined: there are none. */
  #untold: Map<string, Usage> | undefined

  constructor(options: RateLimiterOptions) {
    this.#options = options
  }

  /** Undefined: nothing bounds it. Fault: SlowDown. */
  admitAddress(address: string | undefined): Allowance | undefined {
    const { ofAddress } = this.#options
    if (!isBounding(ofAddress)) return undefined
    return this.#admit(`address ${address === undefined ? 'unknown' : networkOf(address)}`, ofAddress)
  }

  /** Undefined: nothing bounds it. Fault: SlowDown. */
  admitKey({ accessKeyId, limits }: { accessKeyId: string; limits?: RateLimits | undefined }): Allowance | undefined {
    const { ofKey } = this.#options
    const its = limits === undefined ? ofKey : { ...ofKey, ...limits }
    return isBounding(its) ? this.#admit(`key ${accessKeyId}`, its) : undefined
  }

  /** From now on, what is used here is kept for `takeUsage`. */
  beginTelling(): void {
    this.#untold ??= new Map()
  }

  takeUsage(): Usage[] {
    const told = [...(this.#untold?.values() ?? [])].slice(0, USAGES_MAX)
    for (const { id } of told) this.#untold!.delete(id)
    return told
  }

  /** What was used elsewhere is gone here too. */
  addUsage(usages: readonly Usage[]): void {
    const nowMs = this.#options.clock.nowMs()
    for (const { id, limits, requests, bytes } of usages) this.#allowanceOf(id, limits).use({ requests, bytes }, nowMs)
  }

  #admit(id: string, limits: RateLimits): Allowance {
    const allowance = this.#allowanceOf(id, limits)
    const waitMs = allowance.waitMs(this.#options.clock.nowMs())
    if (waitMs > 0) {
      const retryAfterSeconds = Math.ceil(waitMs / 1000)
      throw new StoreFault('SlowDown', { reason: `too much by this ${id.split(' ', 1)}`, retryAfterSeconds })
    }
    allowance.take({ requests: 1, bytes: 0 })
    return allowance
  }

  #allowanceOf(id: string, limits: RateLimits): Allowance {
    const known = this.#allowances.get(id)
    if (known?.isOf(limits)) return known
    const { clock } = this.#options
    const made = new Allowance(limits, clock, (used) => this.#note(id, limits, used))
    this.#allowances.set(id, made)
    return made
  }

  #note(id: string, limits: RateLimits, { requests, bytes }: Used): void {
    if (!this.#untold) return
    const known = this.#untold.get(id)
    const before = known ?? { requests: 0, bytes: 0 }
    this.#untold.set(id, { id, limits, requests: before.requests + requests, bytes: before.bytes + bytes })
  }
}

interface Used {
  requests: number
  bytes: number
}

/** What one key, or one address, may have. */
export class Allowance {
  readonly #requests: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined
  readonly #limits: RateLimits
  readonly #clock: Clock
  readonly #note: (used: Used) => void

  constructor(limits: RateLimits, clock: Clock, note: (used: Used) => void) {
    const bucket = (perSecond = 0) => (perSecond > 0 ? new TokenBucket(perSecond, clock.nowMs()) : undefined)
    this.#requests = bucket(limits.requestsPerSecond)
    this.#bytes = bucket(limits.bytesPerSecond)
    this.#limits = limits
    this.#clock = clock
    this.#note = note
  }

  isOf({ requestsPerSecond, bytesPerSecond }: RateLimits): boolean {
    return this.#limits.requestsPerSecond === requestsPerSecond && this.#limits.bytesPerSecond === bytesPerSecond
  }

  /** Until another request is let in. */
  waitMs(nowMs: number): number {
    return Math.max(this.#requests?.waitMs(1, nowMs) ?? 0, this.#bytes?.waitMs(1, nowMs) ?? 0)
  }

  take(used: Used): void {
    this.use(used, this.#clock.nowMs())
    this.#note(used)
  }

  /** As `take`, but was used elsewhere. */
  use({ requests, bytes }: Used, nowMs: number): void {
    this.#requests?.take(requests, nowMs)
    this.#bytes?.take(bytes, nowMs)
  }
}

function isBounding({ requestsPerSecond = 0, bytesPerSecond = 0 }: RateLimits): boolean {
  return requestsPerSecond > 0 || bytesPerSecond > 0
}
