import { StoreFault } from '../../../src/base/faults.ts'
import type { UpkeepCatalogue } from '../../../src/upkeep/ports/sweeps.ts'
import type { ChunkAt, MemoryDatabase } from '../catalogue/tables.ts'
import type { Chance } from './chance.ts'
import type { Life } from './life.ts'
import type { Reach } from './steps.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import type { Weather } from './weather.ts'

const TRIP_MS = { min: 0.2, max: 2 }
/** A statement that nobody waits for any more is over after this, ms. */
const LATE_MS = { min: 1_000, max: 12_000 }
const GIVEN_UP_MS = 500

/** PostgreSQL as a process: there or not, with the locks of its connections. */
export class DatabaseServer {
  readonly database: MemoryDatabase
  readonly deps: { timeline: Timeline; chance: Chance; trace: Trace }
  weather: Weather
  isUp = true
  /** Restarts so far: a connection does not outlive one. */
  restarts = 0
  readonly locks = new Map<string, object>()

  constructor(database: MemoryDatabase, deps: DatabaseServer['deps'], weather: Weather) {
    this.database = database
    this.deps = deps
    this.weather = weather
  }

  /** It dies; what did not wait for the disk may be gone. Answers the chunks that it does not know of any more. */
  crash(isLost: boolean): ChunkAt[] {
    this.deps.trace.note(`database crashes${isLost ? ', and loses what was not synced' : ''}`)
    this.isUp = false
    this.restarts += 1
    this.locks.clear()
    return this.database.crash(isLost)
  }

  start(): void {
    this.isUp = true
  }
}

type Methods = { [name: string]: (...args: unknown[]) => Promise<unknown> }

/** One process's way to the database. */
export class DatabaseLine {
  readonly #server: DatabaseServer
  readonly #life: Life
  readonly #name: string

  constructor(server: DatabaseServer, name: string, life: Life) {
    this.#server = server
    this.#name = name
    this.#life = life
  }

  /** The same methods, over the line. `reach` is told of each before it is sent, when it is carried out, and answered. */
  port<T extends object>(target: T, reach: Reach = async () => {}): T {
    const methods = target as unknown as Methods
    const wrapped: Methods = {}
    for (const [name, method] of Object.entries(methods)) {
      if (typeof method !== 'function') continue
      wrapped[name] = (...args) => this.#call({ name, reach, run: () => method(...args) }, signalOf(args))
    }
    return { ...target, ...wrapped } as T
  }

  /** Advisory locks of a connection: they go with it. */
  exclusively(): UpkeepCatalogue['exclusively'] {
    return async (job, run, signal) => {
      const { locks, deps, weather } = this.#server
      const { timeline, chance } = deps
      await this.#trip(signal)
      if (locks.has(job)) return false
      const lock = {}
      locks.set(job, lock)
      const unlock = () => void (locks.get(job) === lock && locks.delete(job))
      const lost = new AbortController()
      using _death = this.#life.onEnd(unlock)
      if (chance.happens(5 * weather.statementLost)) {
        timeline.after(chance.between(1, 2_000), () => {
          unlock()
          timeline.after(chance.between(1, 50), () => lost.abort(new Error('the connection of the lock was lost')))
        })
      }
      try {
        await run(AbortSignal.any([signal, lost.signal]))
        return true
      } finally {
        unlock()
      }
    }
  }

  async #call(
    { name, reach, run }: { name: string; reach: Reach; run: () => Promise<unknown> },
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { timeline, chance, trace } = this.#server.deps
    const note = (what: string) => trace.note(`${this.#name} > database: ${name} ${what}`)
    await reach(`${name} to be sent`)
    const fate = chance.happens(this.#server.weather.statementLost)
      ? chance.one(['lost', 'unanswered', 'late'])
      : 'well'
    if (fate === 'late') {
      timeline.after(chance.between(LATE_MS.min, LATE_MS.max), () => {
        if (!this.#server.isUp) return
        note('late')
        run().catch(() => {}) // nobody hears of it
      })
      await this.#lives(timeline.pause(GIVEN_UP_MS), signal)
      throw away(true)
    }
    const { restarts } = this.#server
    await this.#trip(signal)
    if (fate === 'lost') throw away(false)
    const outcome = await settled(run())
    note('error' in outcome ? String(outcome.error) : 'done')
    await reach(`${name} done`)
    await this.#lives(timeline.pause(chance.between(TRIP_MS.min, TRIP_MS.max)), signal)
    if (fate === 'unanswered' || this.#server.restarts !== restarts) throw away(true)
    await reach(`${name} answered`)
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async #trip(signal: AbortSignal | undefined): Promise<void> {
    const { timeline, chance } = this.#server.deps
    signal?.throwIfAborted()
    await this.#lives(timeline.pause(chance.between(TRIP_MS.min, TRIP_MS.max)), undefined)
    if (!this.#server.isUp) throw away(false)
  }

  /** Once sent, a statement is carried out; who gives up waiting does not hear of it. */
  async #lives(pause: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    await this.#life.hear(pause)
    signal?.throwIfAborted()
  }
}

async function settled(work: Promise<unknown>): Promise<{ value: unknown } | { error: unknown }> {
  return await work.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )
}

function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  return args.find((arg) => arg instanceof AbortSignal)
}

function away(outcomeUnknown: boolean): StoreFault {
  return new StoreFault('ServiceUnavailable', { reason: 'the database does not answer', outcomeUnknown })
}
