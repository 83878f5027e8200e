import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { ReplicaUse } from '../base/meters.ts'
import type { Database, Reader, RunOptions } from './database.ts'
import { readPrimaryClock, readReplayed } from './queries/replica.ts'
import type { Statement } from './statement.ts'

export interface ReplicaDeps {
  primary: Reader
  replica: Database
  /** The farthest behind the primary that its answers are taken, in ms. */
  lagMsMax: number
  clock: Clock
  log: Log
}

/** How far behind it is, is looked at again after so long, in ms: it may be that much older then. */
const LOOK_AGAIN_MS = 1_000
/** For so long it is not asked after it was found to be gone, or too far behind, in ms. */
const REST_MS = 10_000

/**
 * Reads of a streaming replica what may be a little old: what people are told, and what is judged again on the primary before
 * anything is done. Whatever the matter is with it, the primary answers in its stead.
 */
export class Replica implements Reader {
  readonly #deps: ReplicaDeps
  #look: Promise<void> = Promise.resolve()
  #lookAgainAtMs = 0
  #restUntilMs = 0
  /** Undefined: it was not asked yet. */
  #isUsed: boolean | undefined
  #lagMs: number | undefined
  #fallbacks = 0

  constructor(deps: ReplicaDeps) {
    this.#deps = deps
  }

  /** As Database.run, of the primary where the replica does not answer. */
  async run<P, R>(statement: Statement<P, R>, params: P, options: RunOptions): Promise<R[]> {
    const { primary, replica, clock } = this.#deps
    if (clock.nowMs() >= this.#restUntilMs) {
      try {
        await this.#lookedAt()
        const rows = await replica.run(statement, params, options)
        this.#takeUp()
        return rows
      } catch (error) {
        options.signal?.throwIfAborted()
        this.#giveUp(error)
      }
    }
    this.#fallbacks += 1
    return await primary.run(statement, params, options)
  }

  use(): ReplicaUse {
    return { isUsed: this.#isUsed ?? false, lagMs: this.#lagMs, fallbacks: this.#fallbacks }
  }

  /** Rejects with why it is not to be asked. */
  #lookedAt(): Promise<void> {
    const nowMs = this.#deps.clock.nowMs()
    if (nowMs >= this.#lookAgainAtMs) {
      this.#lookAgainAtMs = nowMs + LOOK_AGAIN_MS
      this.#look = this.#lookAt()
    }
    return this.#look
  }

  /** What it has replayed last bears the primary's time, and is held against the primary's clock: no other one counts. */
  async #lookAt(): Promise<void> {
    const { primary, replica, lagMsMax } = this.#deps
    const [replayed] = await replica.run(readReplayed, undefined, { repeatable: true })
    const [nowMs] = await primary.run(readPrimaryClock, undefined, { repeatable: true })
    const { isStandby, replayedMs } = replayed!
    this.#lagMs = replayedMs === null ? undefined : Math.max(0, nowMs! - replayedMs)
    if (!isStandby) throw new Error('it is no standby')
    if (this.#lagMs === undefined) throw new Error('it has replayed nothing yet')
    if (this.#lagMs > lagMsMax) throw new Error(`it is ${Math.round(this.#lagMs / 1000)} s behind the primary`)
  }

  #takeUp(): void {
    if (this.#isUsed) return
    this.#isUsed = true
    this.#deps.log.info({}, 'the read replica is used')
  }

  #giveUp(error: unknown): void {
    const { clock, log } = this.#deps
    this.#restUntilMs = clock.nowMs() + REST_MS
    this.#lookAgainAtMs = 0
    if (this.#isUsed !== false) {
      log.warn({ reason: reasonOf(error) }, 'the read replica is not used: the primary answers in its stead')
    }
    this.#isUsed = false
  }
}

/** What is at the bottom of it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return reasonOf(error.cause)
  return error.message || String((error as { code?: unknown }).code ?? error.name)
}
