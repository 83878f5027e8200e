import type { ChunkWriter } from '../../src/engine/ports/chunk-store.ts'

/** Where a process is to be stopped: at its n-th call of a step, before it is made, or before its answer is heard. */
export interface StopPoint {
  step: string
  /** From 1. */
  call: number
  when: 'before' | 'after'
  /** asleep: as one that is suspended, and goes on when it is woken. */
  how: 'killed' | 'asleep'
}

/**
 * A process as the rest of the store sees it: every call that it makes to the database or to a node is a step, at which it
 * can be killed: none that it makes afterwards gets through, and connections are cut. So there need be no hooks in what
 * is tested. The calls of an object from `wrap` are named ROOM.METHOD.
 */
export class Mortal {
  /** How often each step was taken. */
  readonly steps = new Map<string, number>()
  /** Calls that it waits for. */
  underWay = 0
  /** Whether it came to where it was to be stopped. */
  isStopped = false
  readonly #point: StopPoint | undefined
  readonly #woken = Promise.withResolvers<void>()
  #isAsleep = false
  readonly #death = new AbortController()

  constructor(point?: StopPoint) {
    this.#point = point
  }

  /** Aborted at its death. */
  get signal(): AbortSignal {
    return this.#death.signal
  }

  kill(): void {
    this.#death.abort(new Error('this process was killed'))
    this.#woken.resolve()
  }

  wake(): void {
    this.#isAsleep = false
    this.#woken.resolve()
  }

  wrap<T extends object>(room: string, target: T): T {
    return new Proxy(target, {
      get: (object, property) => {
        const value: unknown = Reflect.get(object, property)
        if (typeof value !== 'function' || typeof property === 'symbol') return value
        return (...args: unknown[]) => this.#call(`${room}.${property}`, () => Reflect.apply(value, object, args))
      },
    })
  }

  /** Whatever a call gives: a plain value is no step, each item of a stream belongs to one, and a writer has its own. */
  #call(step: string, make: () => unknown): unknown {
    if (isPlain(step)) return make()
    if (step.endsWith('.openChunk')) return this.#wrapWriter(make() as ChunkWriter)
    if (isStream(step)) return this.#stream(step, () => make() as AsyncIterable<unknown>)
    return this.#step(step, async () => await make())
  }

  async #step<T>(step: string, make: () => Promise<T>): Promise<T> {
    const call = (this.steps.get(step) ?? 0) + 1
    this.steps.set(step, call)
    this.underWay += 1
    try {
      await this.#maybeStop({ step, call, when: 'before' })
      const answer = await make()
      await this.#maybeStop({ step, call, when: 'after' })
      return answer
    } finally {
      this.underWay -= 1
    }
  }

  async *#stream(step: string, make: () => AsyncIterable<unknown>): AsyncGenerator<unknown> {
    let iterator: AsyncIterator<unknown> | undefined
    try {
      const first = await this.#step(step, async () => {
        iterator = make()[Symbol.asyncIterator]()
        return await iterator.next()
      })
      for (let item = first; !item.done; item = await iterator!.next()) {
        this.signal.throwIfAborted()
        yield item.value
      }
    } finally {
      await iterator?.return?.()
    }
  }

  #wrapWriter(writer: ChunkWriter): ChunkWriter {
    this.signal.addEventListener('abort', () => writer.abort(), { once: true })
    return {
      write: (pieces) => this.#step('chunk.write', () => writer.write(pieces)),
      finish: (trailer) => this.#step('chunk.finish', () => writer.finish(trailer)),
      abort: () => writer.abort(),
    }
  }

  async #maybeStop({ step, call, when }: Pick<StopPoint, 'step' | 'call' | 'when'>): Promise<void> {
    this.signal.throwIfAborted()
    const point = this.#point
    if (point && point.step === step && point.call === call && point.when === when) {
      this.isStopped = true
      if (point.how === 'killed') this.kill()
      else this.#isAsleep = true
    }
    // All of a process sleeps: what it was about to do first, it does first when it is woken.
    if (this.#isAsleep) await this.#woken.promise
    this.signal.throwIfAborted()
  }
}

/** Looks into the process's own memory. */
function isPlain(step: string): boolean {
  return step.endsWith('.isReachable')
}

function isStream(step: string): boolean {
  return /\.(verifyChunks|streamPayload|listChunks)$/.test(step)
}
