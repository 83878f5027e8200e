import type { Client, Metadata } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import type { ChunkError } from '../base/faults.ts'
import { BatchStream } from './batch-stream.ts'
import { addressesOf, connected, type LinkTarget, openChannel } from './channel.ts'
import type { Passport } from './credentials.ts'
import { fromServiceError, unreachable } from './errors.ts'
import type { ChunkClientSettings } from './settings.ts'

export interface SessionDeps {
  passport: Passport
  clock: Clock
  settings: ChunkClientSettings
  onAnswer(): void
  onTimeout(waitedMs: number): void
  /** The session is over: the server is gone, or has ended it. */
  onEnd(session: Session, error: ChunkError): void
}

/**
 * Two connections to one server: one carries the small calls, so that they wait neither behind what large transfers have
 * put into the socket's buffer, nor for a lost packet of theirs. (On the loopback there is no difference to be measured.)
 */
export class Session {
  readonly address: string
  readonly metadata: Metadata
  readonly batch: BatchStream
  /** For small calls. */
  readonly calls: Client
  #bulk: Client
  #deps: SessionDeps

  private constructor(deps: SessionDeps, opened: { address: string; calls: Client; metadata: Metadata }) {
    this.#deps = deps
    this.address = opened.address
    this.calls = opened.calls
    this.metadata = opened.metadata
    this.#bulk = openChannel(opened.address, deps.passport, deps.settings)
    this.batch = new BatchStream({
      client: opened.calls,
      metadata: opened.metadata,
      clock: deps.clock,
      settings: deps.settings,
      onAnswer: deps.onAnswer,
      onTimeout: deps.onTimeout,
      onEnd: (error) => {
        this.calls.close()
        this.#bulk.close()
        deps.onEnd(this, error)
      },
    })
  }

  /** Connects over the best address that works, and is let in. Rejects with a ChunkError, mostly `unreachable`. */
  static async open(deps: SessionDeps, target: LinkTarget): Promise<Session> {
    let failure: ChunkError = unreachable('no address')
    for (const address of await addressesOf(target)) {
      try {
        return await Session.#openAt(deps, address, target)
      } catch (error) {
        failure = fromServiceError(error)
      }
    }
    throw failure
  }

  static async #openAt(deps: SessionDeps, address: string, target: LinkTarget): Promise<Session> {
    const { passport, clock, settings } = deps
    const calls = openChannel(address, passport, settings)
    try {
      await connected(calls, clock, settings.connectMs)
    } catch (error) {
      calls.close()
      throw error
    }
    let isLetIn = false
    const quiet: SessionDeps = { ...deps, onEnd: (session, error) => isLetIn && deps.onEnd(session, error) }
    const session = new Session(quiet, { address, calls, metadata: passport.metadataFor(target.serverId) })
    const late = unreachable(`the server did not let us in within ${settings.connectMs} ms`)
    using _timer = clock.after(settings.connectMs, () => session.close(late))
    await session.batch.accepted
    isLetIn = true
    return session
  }

  /** For streams. Rejects `unreachable` when it cannot be connected within `connectMs`. */
  async bulk(): Promise<Client> {
    await connected(this.#bulk, this.#deps.clock, this.#deps.settings.connectMs)
    return this.#bulk
  }

  /** Small calls that are not answered fail with `error`; streams under way go on. */
  close(error: ChunkError): void {
    this.batch.close(error)
  }
}
