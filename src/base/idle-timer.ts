import type { Clock } from './clock.ts'

/**
 * Calls `expire`, once, when something has been waited for longer than `idleMs` without a word of progress. Time in
 * which nothing is waited for does not count. Starting and ending a wait costs no timer of its own.
 */
export class IdleTimer implements Disposable {
  #clock: Clock
  #idleMs: number
  #expire: () => void
  #waits = 0
  #sinceMs = 0
  #timer: Disposable | undefined
  #isOver = false

  constructor(clock: Clock, idleMs: number, expire: () => void) {
    this.#clock = clock
    this.#idleMs = idleMs
    this.#expire = expire
  }

  /** Something is waited for from here on. */
  begin(): void {
    if (this.#waits === 0) this.progress()
    this.#waits += 1
    if (!this.#timer && !this.#isOver) this.#arm(this.#idleMs)
  }

  /** It came. */
  end(): void {
    this.#waits -= 1
    this.progress()
  }

  progress(): void {
    this.#sinceMs = this.#clock.nowMs()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.after(ms, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    if (this.#waits === 0) return
    const leftMs = this.#idleMs - (this.#clock.nowMs() - this.#sinceMs)
    if (leftMs > 0) {
      this.#arm(leftMs)
    } else {
      this.#isOver = true
      this.#expire()
    }
  }
}
