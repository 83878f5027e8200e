import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'

/** When so many events in a row have failed, it is the target's fault, and no longer theirs. */
const FAILED_EVENTS_MAX = 8
const REST_MS_MIN = 1_000
const REST_MS_MAX = 60_000
const LANES = 8

/** Whether a target takes anything at all: one that does not is asked ever more rarely, and by one event at a time. */
export class TargetHealth {
  readonly #deps: { clock: Clock; log: Log }
  readonly #target: string
  /** Since one was taken; those that were tried again count once. */
  readonly #failed = new Set<number>()
  #rests = 0
  #restUntilMs = 0

  constructor(deps: { clock: Clock; log: Log }, target: string) {
    this.#deps = deps
    this.#target = target
  }

  /** How many messages may be under way. */
  get lanes(): number {
    if (this.#deps.clock.nowMs() < this.#restUntilMs) return 0
    return this.#rests === 0 ? LANES : 1
  }

  succeeded(): void {
    if (this.#rests > 0) this.#deps.log.info({ target: this.#target }, 'a webhook takes events again')
    this.#failed.clear()
    this.#rests = 0
    this.#restUntilMs = 0
  }

  failed(eventId: number, reason: unknown): void {
    const { clock, log } = this.#deps
    if (this.#failed.size === 0) {
      log.warn({ target: this.#target, reason: String(reason) }, 'a webhook did not take an event; it is sent again')
    }
    if (this.#failed.size < FAILED_EVENTS_MAX) this.#failed.add(eventId)
    if (this.#failed.size < FAILED_EVENTS_MAX) return
    if (this.#rests === 0) {
      log.warn({ target: this.#target, reason: String(reason) }, 'a webhook takes nothing; it is asked more rarely')
    }
    this.#restUntilMs = clock.nowMs() + Math.min(REST_MS_MAX, REST_MS_MIN * 2 ** this.#rests++)
  }
}
