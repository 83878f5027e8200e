import type { Clock } from '../base/clock.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { PassedOver } from './late-servers.ts'
import { ReadTimes } from './read-times.ts'

export interface HedgingDeps {
  clock: Clock
  /** Gets the servers that answer no reads. */
  late: PassedOver
  settings: HedgingSettings
}

export interface HedgingSettings {
  /** Nobody is taken to be late before, in ms: what a busy machine makes of the best disk. */
  delayMsMin: number
  /** How many hedges there are at most for each stripe that is read, on the whole. */
  share: number
}

/** Before anything is known, in ms. */
const DELAY_MS_UNKNOWN = 100
/** A read is late when it takes twice as long as 95 of 100 do. */
const DELAY_FACTOR = 2
/** So long nobody is waited for, whatever is typical or left for hedges; a server that answers nothing for so long is passed over. */
const OVERDUE_MS = 500
/** Hedges that may come at once: the first half second of a server that hangs, at full load. */
const BURST = 512

/**
 * When a download asks for parity because a data chunk does not come. Extra load is bounded: by what is typical, which only
 * few reads exceed, and by a budget that reads fill and hedges use up.
 */
export class Hedging {
  /** Stripes that were hedged, and those of them whose parity was there first. */
  readonly counts = { hedged: 0, won: 0 }
  readonly #deps: HedgingDeps
  readonly #times = new ReadTimes()
  #budget = BURST
  /** Since when servers answer no reads, as far as reads were late at all. */
  readonly #silentSinceMs = new Map<ServerNumber, number>()

  constructor(deps: HedgingDeps) {
    this.#deps = deps
  }

  /** A read of so many bytes of each of some chunks begins now. */
  begin(bytes: number): Patience {
    const { clock, settings } = this.#deps
    const typicalMs = this.#times.typicalMs(bytes)
    const lateMs = typicalMs === undefined ? DELAY_MS_UNKNOWN : DELAY_FACTOR * typicalMs
    return new Patience(clock, bytes, Math.min(Math.max(lateMs, settings.delayMsMin), OVERDUE_MS))
  }

  noteInTime(server: ServerNumber, { bytes, startedMs }: Patience): void {
    this.#times.note(server, bytes, this.#deps.clock.nowMs() - startedMs)
    if (this.#silentSinceMs.size > 0) this.#silentSinceMs.delete(server)
    this.#deps.late.remove(server)
  }

  /** What was read was needed no more before this server answered. */
  noteLate(server: ServerNumber, { startedMs }: Patience): void {
    const { clock, late } = this.#deps
    const sinceMs = Math.min(startedMs, this.#silentSinceMs.get(server) ?? startedMs)
    this.#silentSinceMs.set(server, sinceMs)
    if (clock.nowMs() - sinceMs >= OVERDUE_MS) late.add(server)
  }

  /** To be told of every stripe that is read from nodes. */
  noteStripe(): void {
    this.#budget = Math.min(BURST, this.#budget + this.#deps.settings.share)
  }

  /** Whether a stripe may be hedged before its reads are overdue. */
  tryTake(): boolean {
    if (this.#budget < 1) return false
    this.#budget -= 1
    return true
  }
}

/** How long one window of a download waits for its chunks. To be disposed when it waits no more. */
export class Patience implements Disposable {
  readonly startedMs: number
  readonly bytes: number
  readonly #clock: Clock
  readonly #lateMs: number
  readonly #onLate: (() => void)[] = []
  readonly #onOverdue: (() => void)[] = []
  #late: Disposable | undefined
  #overdue: Disposable | undefined

  constructor(clock: Clock, bytes: number, lateMs: number) {
    this.startedMs = clock.nowMs()
    this.bytes = bytes
    this.#clock = clock
    this.#lateMs = lateMs
  }

  /** Calls back when it is over. */
  onLate(run: () => void): void {
    this.#onLate.push(run)
    this.#late ??= this.#after(this.#lateMs, this.#onLate)
  }

  late(): Promise<void> {
    return new Promise((resolve) => this.onLate(resolve))
  }

  overdue(): Promise<void> {
    return new Promise((resolve) => {
      this.#onOverdue.push(resolve)
      this.#overdue ??= this.#after(OVERDUE_MS - this.#lateMs, this.#onOverdue)
    })
  }

  [Symbol.dispose](): void {
    this.#late?.[Symbol.dispose]()
    this.#overdue?.[Symbol.dispose]()
  }

  /** In two halves: a process that stood still itself hears what came meanwhile before the second is over. */
  #after(ms: number, waiting: readonly (() => void)[]): Disposable {
    let timer = this.#clock.after(ms / 2, () => {
      timer = this.#clock.after(ms / 2, () => {
        for (const each of waiting) each()
      })
    })
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
  }
}
