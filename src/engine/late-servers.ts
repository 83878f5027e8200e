import type { Clock } from '../base/clock.ts'
import type { ServerNumber } from '../base/ids.ts'

/** Reads and writes apart: a disk whose writes hang may still answer every read. */
export interface LateServers {
  reads: PassedOver
  writes: PassedOver
}

/** `restMs`: how long a server is passed over at a time. */
export function createLateServers(deps: { clock: Clock; restMs: number }): LateServers {
  return { reads: new PassedOver(deps), writes: new PassedOver(deps) }
}

/**
 * The servers that this gateway passes over because they were late, or refused: a circuit breaker for each. When its rest
 * is over, whoever uses it next is its trial, and all others still pass it over; if the trial is answered in time, all is
 * well again. Costs a look into an empty map while all are well.
 */
export class PassedOver {
  readonly #clock: Clock
  readonly #restMs: number
  /** Until when, by server. */
  readonly #untilMs = new Map<ServerNumber, number>()

  constructor({ clock, restMs }: { clock: Clock; restMs: number }) {
    this.#clock = clock
    this.#restMs = restMs
  }

  has(server: ServerNumber): boolean {
    if (this.#untilMs.size === 0) return false
    const untilMs = this.#untilMs.get(server)
    return untilMs !== undefined && this.#clock.nowMs() < untilMs
  }

  /** To be told when a server is going to be used: one whose rest is over is on trial from here on. */
  use(server: ServerNumber): void {
    if (this.#untilMs.size === 0 || !this.#untilMs.has(server) || this.has(server)) return
    this.add(server)
  }

  add(server: ServerNumber): void {
    this.#untilMs.set(server, this.#clock.nowMs() + this.#restMs)
  }

  /** It did what it was asked to, in time. */
  remove(server: ServerNumber): void {
    if (this.#untilMs.size > 0) this.#untilMs.delete(server)
  }
}
