/** So many at once, first come, first served. */
export class Slots {
  #free: number
  #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** A slot if one is free, to be disposed once. */
  tryTake(): Disposable | undefined {
    if (this.#free === 0) return undefined
    this.#free -= 1
    return this.#slot()
  }

  /** Waits for a slot. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    const free = this.tryTake()
    if (free) return free
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => {
      this.#waiting.delete(resolve)
      reject(signal.reason)
    }
    this.#waiting.add(resolve)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    return this.#slot()
  }

  #slot(): Disposable {
    return { [Symbol.dispose]: () => this.#giveBack() }
  }

  /** Straight to who waits longest, if anybody does. */
  #giveBack(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
