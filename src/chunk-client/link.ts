import type { Clock } from '../base/clock.ts'
import type { ChunkError } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { CurrentTrace } from '../base/spans.ts'
import { checkHealth } from './calls.ts'
import type { Passport } from './credentials.ts'
import { toChunkError, unreachable } from './errors.ts'
import type { LinkTarget } from './grpc-connection.ts'
import { Session } from './session.ts'
import type { ChunkClientSettings } from './settings.ts'

export interface LinkDeps {
  passport: Passport
  clock: Clock
  log: Log
  settings: ChunkClientSettings
  currentTrace: CurrentTrace | undefined
}

/**
 * The way to one storage server: opened by the first call, opened again when it is lost, and probed in the background
 * while it cannot be. Calls made meanwhile wait for the attempt under way, or make one: they are never refused unasked.
 */
export class Link implements Disposable {
  #deps: LinkDeps
  #target: LinkTarget
  #session: Session | undefined
  #openedMs = 0
  #opening: Promise<Session> | undefined
  #isDown = false
  #probe: Disposable | undefined
  #isChecking = false
  #answeredMs = Number.NEGATIVE_INFINITY
  /** Time-outs in a row, without an answer in between. */
  #timeouts = 0
  #trippedUntilMs = 0
  #isDisposed = false

  constructor(deps: LinkDeps, target: LinkTarget) {
    this.#deps = deps
    this.#target = target
  }

  /** The session, if there is one right now. */
  get session(): Session | undefined {
    return this.#session
  }

  /** The session, opened if need be. Rejects with a ChunkError, after some `connectMs` at most. */
  open(): Promise<Session> {
    if (this.#isDisposed) return Promise.reject(unreachable('the server is not part of the cluster any more'))
    if (this.#session) return Promise.resolve(this.#session)
    if (this.#opening) return this.#opening
    const opening = this.#open()
    this.#opening = opening
    const clear = () => {
      if (this.#opening === opening) this.#opening = undefined
    }
    opening.then(clear, clear)
    return opening
  }

  get isReachable(): boolean {
    return !this.#isDown && this.#deps.clock.nowMs() >= this.#trippedUntilMs
  }

  /**
   * To be told when calls got no answer for `waitedMs`. It counts only if the server has answered nothing at all since:
   * one hung call does not condemn a busy server, several silences in a row do, for a while.
   */
  noteTimeout(waitedMs: number): void {
    const { clock, log, settings } = this.#deps
    const nowMs = clock.nowMs()
    if (this.#answeredMs > nowMs - waitedMs) return
    this.#timeouts += 1
    if (this.#timeouts === settings.tripAfterTimeouts) {
      log.warn({ ...this.#target, timeouts: this.#timeouts }, 'a storage server does not answer in time')
    }
    if (this.#timeouts >= settings.tripAfterTimeouts) this.#trippedUntilMs = nowMs + settings.tripMs
    void this.#checkSession()
  }

  noteAnswer(): void {
    this.#answeredMs = this.#deps.clock.nowMs()
    this.#timeouts = 0
    this.#trippedUntilMs = 0
  }

  /** Follows the server to another address. */
  retarget(target: LinkTarget): void {
    const old = this.#target
    this.#target = target
    const isSame =
      old.grpcAddress === target.grpcAddress && old.socketPath === target.socketPath && old.serverId === target.serverId
    if (isSame) return
    this.#closeSession(unreachable('the server has another address now'))
    this.#opening = undefined
    this.#isDown = false
    this.noteAnswer()
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#probe?.[Symbol.dispose]()
    this.#closeSession(unreachable('the chunk client was closed'))
  }

  async #open(): Promise<Session> {
    const { passport, clock, settings, log, currentTrace } = this.#deps
    const target = this.#target
    this.#probe?.[Symbol.dispose]()
    this.#probe = undefined
    try {
      const session = await Session.open(
        {
          passport,
          clock,
          settings,
          currentTrace,
          onAnswer: () => this.noteAnswer(),
          onTimeout: (waitedMs) => this.noteTimeout(waitedMs),
          onEnd: (ended, error) => this.#lost(ended, error),
        },
        target,
      )
      return this.#welcome(session, target)
    } catch (error) {
      const failure = toChunkError(error)
      if (!this.#isDown && !this.#isDisposed) {
        log.warn({ ...this.#target, reason: failure.message }, 'a storage server is not reached')
      }
      if (target === this.#target) this.#isDown = true
      this.#probeLater()
      throw failure
    }
  }

  #welcome(session: Session, target: LinkTarget): Session {
    if (this.#isDisposed || target !== this.#target) {
      const failure = unreachable('the server has moved, or is gone, since')
      session.close(failure)
      throw failure
    }
    if (this.#isDown) this.#deps.log.info(this.#target, 'a storage server is reached again')
    this.#session = session
    this.#openedMs = this.#deps.clock.nowMs()
    this.#isDown = false
    this.noteAnswer()
    return session
  }

  #lost(session: Session, error: ChunkError): void {
    if (this.#isDisposed || this.#session !== session) return
    this.#session = undefined
    const { clock, log, settings } = this.#deps
    log.info({ ...this.#target, reason: error.message }, 'a storage server has ended the connection')
    // One that lets us in and throws us out again is not to be asked in a loop.
    if (clock.nowMs() - this.#openedMs < settings.probeMs) {
      this.#isDown = true
      this.#probeLater()
    } else {
      this.open().catch(() => {})
    }
  }

  #probeLater(): void {
    if (this.#isDisposed) return
    this.#probe ??= this.#deps.clock.after(this.#deps.settings.probeMs, () => {
      this.#probe = undefined
      this.open().catch(() => {})
    })
  }

  /** A server that does not answer calls but says that it is well is slow; one that does not even say so is gone. */
  async #checkSession(): Promise<void> {
    const session = this.#session
    if (!session || this.#isChecking) return
    this.#isChecking = true
    try {
      await checkHealth(session.calls, this.#deps)
    } catch (error) {
      session.close(toChunkError(error))
    } finally {
      this.#isChecking = false
    }
  }

  #closeSession(error: ChunkError): void {
    const session = this.#session
    this.#session = undefined
    session?.close(error)
  }
}
