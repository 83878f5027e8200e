import type { Clock } from '../../../src/base/clock.ts'
import type { Timeline } from './timeline.ts'

/** One run of a process. Once it is killed, nothing that it waits for ever comes. */
export class Life {
  #isOver = false
  readonly #onEnd = new Set<() => void>()

  get isOver(): boolean {
    return this.#isOver
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const run of [...this.#onEnd]) run()
    this.#onEnd.clear()
  }

  /** Calls back when it ends, or at once if it has. */
  onEnd(run: () => void): Disposable {
    if (this.#isOver) run()
    else this.#onEnd.add(run)
    return { [Symbol.dispose]: () => void this.#onEnd.delete(run) }
  }

  /** What becomes of `work`, if this process lives to see it. */
  hear<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.#isOver || resolve(value),
        (error) => this.#isOver || reject(error),
      )
    })
  }
}

/** The clock of one machine, seen by one process on it. `skewMs`: how far it is off. */
export function lifeClock(timeline: Timeline, life: Life, skewMs = 0): Clock {
  const after = (ms: number, run: () => void) => timeline.after(ms, () => life.isOver || run())
  return {
    nowMs: () => Math.floor(timeline.nowMs + skewMs),
    after,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          timer[Symbol.dispose]()
          reject(signal!.reason)
        }
        const timer = after(ms, () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
  }
}
