import type { Clock } from '../../base/clock.ts'
import { deadline } from '../../base/deadline.ts'
import type { Log } from '../../base/log.ts'
import type { GatewaySession, Meta } from '../../meta/connect.ts'
import { systemCode } from '../failure.ts'

/** A gateway's session, kept alive; disposed, it is closed, so that what it left may be swept at once. */
export interface KeptSession extends AsyncDisposable {
  /** Of the session that is open now. */
  readonly number: number
}

export interface SessionKeeperDeps {
  meta: Pick<Meta, 'openGatewaySession'>
  clock: Clock
  log: Log
  ttlMs: number
}

const TOUCH_MS_MAX = 60_000
const CLOSE_MS_MAX = 2_000

/** Opens a session and touches it well within its time; one that is over (the machine slept) is replaced. */
export async function keepSession(deps: SessionKeeperDeps, signal: AbortSignal): Promise<KeptSession> {
  const session = await deps.meta.openGatewaySession({ ttlMs: deps.ttlMs }, signal)
  return new SessionKeeper(deps, session)
}

class SessionKeeper implements KeptSession {
  readonly #deps: SessionKeeperDeps
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>
  #session: GatewaySession

  constructor(deps: SessionKeeperDeps, session: GatewaySession) {
    this.#deps = deps
    this.#session = session
    this.#loop = this.#keep()
  }

  get number(): number {
    return this.#session.session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'))
    await this.#loop
    const { clock, log } = this.#deps
    using close = deadline(clock, CLOSE_MS_MAX)
    try {
      await this.#session.close(close.signal)
    } catch (error) {
      log.debug({ code: systemCode(error) }, 'the session was not closed: it ends by its time')
    }
  }

  async #keep(): Promise<void> {
    const { clock, log, ttlMs } = this.#deps
    const signal = this.#stop.signal
    while (!signal.aborted) {
      await clock.sleep(Math.min(ttlMs / 4, TOUCH_MS_MAX), signal).catch(() => {}) // woken by the stop
      if (signal.aborted) return
      try {
        await this.#touch(signal)
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, 'the session was not touched; it is tried again')
      }
    }
  }

  async #touch(signal: AbortSignal): Promise<void> {
    const { meta, log, ttlMs } = this.#deps
    if (await this.#session.touch(signal)) return
    const before = this.#session
    this.#session = await meta.openGatewaySession({ ttlMs }, signal)
    log.warn({ before: before.session, now: this.number }, 'the session was over: another one was opened')
    // Others may have swept it while we went on writing.
    await before.close(signal)
  }
}
