import { setMaxListeners } from 'node:events'
import type { Clock } from '../base/clock.ts'
import { LostConnection } from './trouble.ts'

export interface PulseOptions {
  clock: Clock
  /** A server that answers nothing for so long is asked whether it lives, in ms. */
  silentMs: number
  /** Asks it, on a connection of its own; false when there is no answer in time. */
  ask(): Promise<boolean>
}

/** Between two questions to a server that is silent, in ms: so soon after its return requests go on. */
const ASK_AGAIN_MS = 500

/**
 * Whether the database answers at all: a server that hangs, or that the network has swallowed, refuses nothing, and each
 * request would find that out anew. A slow statement is no silence, as long as the server answers the question. Costs a
 * look at the clock for each statement.
 */
export class Pulse implements Disposable {
  readonly #options: PulseOptions
  readonly #stop = new AbortController()
  #pending = 0
  #heardMs = 0
  #isWatching = false
  #silence = newSilence()

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** Aborted while the server is silent, with a LostConnection as its reason; another one once it answers again. */
  get silence(): AbortSignal {
    return this.#silence.signal
  }

  /** Something is asked of the server. */
  begin(): void {
    if (this.#pending === 0) this.#heardMs = this.#options.clock.nowMs()
    this.#pending += 1
    if (!this.#isWatching) void this.#watch()
  }

  /** `isHeard`: it has answered, or refused. */
  end(isHeard: boolean): void {
    this.#pending -= 1
    if (isHeard) this.#heardMs = this.#options.clock.nowMs()
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }

  /** As long as something is pending, and a while longer: one that begins for each statement would cost a timer each. */
  async #watch(): Promise<void> {
    this.#isWatching = true
    const { clock, silentMs } = this.#options
    while (this.#pending > 0 || this.silence.aborted) {
      await clock.sleep(this.silence.aborted ? ASK_AGAIN_MS : silentMs, this.#stop.signal).catch(() => {})
      if (this.#stop.signal.aborted) break
      if (await this.#isAlive()) {
        if (this.silence.aborted) this.#silence = newSilence()
      } else if (!this.silence.aborted) {
        this.#silence.abort(new LostConnection(true, new Error(`no answer within ${silentMs} ms and more`)))
      }
    }
    this.#isWatching = false
  }

  async #isAlive(): Promise<boolean> {
    if (this.#pending === 0 && !this.silence.aborted) return true
    return this.#isHeard() || (await this.#options.ask()) || this.#isHeard()
  }

  #isHeard(): boolean {
    return this.#options.clock.nowMs() - this.#heardMs < this.#options.silentMs
  }
}

/** Everybody who waits for the database listens. */
function newSilence(): AbortController {
  const silence = new AbortController()
  setMaxListeners(0, silence.signal)
  return silence
}
