/**
 * Holds what may be taken: fills at `perSecond`, up to a second's worth (or 1). More may be taken than it holds; then
 * nothing may be for as long as that takes to fill up.
 */
export class TokenBucket {
  readonly perSecond: number
  #tokens: number
  #atMs: number

  constructor(perSecond: number, nowMs: number) {
    this.perSecond = perSecond
    this.#tokens = this.#most
    this.#atMs = nowMs
  }

  /** How long until it holds as much, in ms; 0: it does. */
  waitMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs)
    return this.#tokens >= tokens ? 0 : ((tokens - this.#tokens) / this.perSecond) * 1000
  }

  /** A negative number gives back. */
  take(tokens: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#tokens = Math.min(this.#most, this.#tokens - tokens)
  }

  get #most(): number {
    return Math.max(1, this.perSecond)
  }

  /** A clock that is set back fills nothing, and takes nothing away. */
  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#most, this.#tokens + (elapsedMs / 1000) * this.perSecond)
    this.#atMs = nowMs
  }
}
