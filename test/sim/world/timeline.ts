import { setImmediate } from 'node:timers/promises'

interface Moment {
  atMs: number
  /** Of moments at the same time, the one that was asked for first. */
  order: number
  run: () => void
}

/** Turns of the event loop that work which waits for nothing may take, when nothing else is left to do. */
const TURNS_MAX = 64
/** One moment of so many does not wait until work of several turns is done. */
const HASTY_SHARE = 16

/**
 * Simulated time: what waits for a moment is called in order of moments, and whatever that sets off runs until it waits
 * again. No real time is involved, nor any thread: the same seed gives the same order.
 */
export class Timeline {
  nowMs: number
  #heap: Moment[] = []
  #order = 0
  #failure: Error | undefined
  /** Moments that came. */
  passed = 0

  constructor(nowMs: number) {
    this.nowMs = nowMs
  }

  after(ms: number, run: () => void): Disposable {
    const moment = { atMs: this.nowMs + Math.max(0, ms), order: this.#order++, run }
    this.#push(moment)
    return {
      [Symbol.dispose]: () => {
        moment.run = nothing
      },
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** The run cannot go on: `run` throws. */
  fail(why: Error): void {
    this.#failure ??= why
  }

  /** Lets time pass until `isOver`. Throws when nothing is left that could bring that about, or at `limitMs`. */
  async run(isOver: () => boolean, limitMs: number): Promise<void> {
    while (!isOver()) {
      if (this.#failure) throw this.#failure
      const next = this.#pop() ?? (await this.#wait(isOver))
      if (!next) return
      if (next.atMs > limitMs) throw new Error(`it is not over after ${limitMs} ms of simulated time`)
      if (next.run === nothing) continue
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.passed += 1
      next.run()
      await this.#quiet()
    }
  }

  /**
   * Until all that was set off waits for a moment, also what gives others a turn now and then: work takes no time. At some
   * moments it is not waited for, so that other things happen in the midst of it.
   */
  async #quiet(): Promise<void> {
    // A tick comes when no promise is left to go on.
    await new Promise<void>((resolve) => process.nextTick(resolve))
    while (process.getActiveResourcesInfo().includes('Immediate')) {
      await setImmediate()
      if (this.passed % HASTY_SHARE === 0) return
    }
  }

  async #wait(isOver: () => boolean): Promise<Moment | undefined> {
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      await setImmediate()
      if (isOver()) return undefined
      const next = this.#pop()
      if (next) return next
    }
    throw new Error('everything waits for something that never comes')
  }

  #push(moment: Moment): void {
    const heap = this.#heap
    let at = heap.push(moment) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isEarlier(moment, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = moment
  }

  #pop(): Moment | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isEarlier(heap[child + 1]!, heap[child]!)) child += 1
      if (!isEarlier(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function nothing(): void {}

function isEarlier(a: Moment, b: Moment): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
