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

/** Which way a connection carries payload. */
export type Direction = 'up' | 'down'

/**
 * Four connections to one server: large transfers and small calls, up and down.
 *
 * Apart by direction, because Node's http2 stops reading a connection while a write on it waits for room: with payload
 * both ways, both ends can wait for each other for ever. With payload one way, what goes back is a few bytes that always
 * fit. Apart by size, so that small calls wait neither behind what large transfers have put into the socket's buffer, nor
 * for a lost packet of theirs.
 */
export class Session {
  readonly address: string
  readonly metadata: Metadata
  /** Small puts. */
  readonly puts: BatchStream
  /** Small gets. */
  readonly gets: BatchStream
  /** For small calls without payload. */
  readonly calls: Client
  #bulk: Record<Direction, Client>
  #deps: SessionDeps

  private constructor(deps: SessionDeps, opened: { address: string; calls: Client; metadata: Metadata }) {
    this.#deps = deps
    this.address = opened.address
    this.calls = opened.calls
    this.metadata = opened.metadata
    const open = () => openChannel(opened.address, deps.passport, deps.settings)
    const downCalls = open()
    this.#bulk = { up: open(), down: open() }
    const clients = [this.calls, downCalls, this.#bulk.up, this.#bulk.down]
    let isOver = false
    const onEnd = (error: ChunkError) => {
      if (isOver) return
      isOver = true
      this.close(error)
      for (const client of clients) client.close()
      deps.onEnd(this, error)
    }
    const { metadata } = opened
    const { clock, settings, onAnswer, onTimeout } = deps
    const stream = { metadata, clock, settings, onAnswer, onTimeout, onEnd }
    this.puts = new BatchStream({ ...stream, client: this.calls })
    this.gets = new BatchStream({ ...stream, client: downCalls })
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
    await Promise.all([session.puts.accepted, session.gets.accepted])
    isLetIn = true
    return session
  }

  /** For streams. Rejects `unreachable` when it cannot be connected within `connectMs`. */
  async bulk(direction: Direction): Promise<Client> {
    await connected(this.#bulk[direction], this.#deps.clock, this.#deps.settings.connectMs)
    return this.#bulk[direction]
  }

  /** Small calls that are not answered fail with `error`; streams under way go on. */
  close(error: ChunkError): void {
    this.puts.close(error)
    this.gets.close(error)
  }
}
