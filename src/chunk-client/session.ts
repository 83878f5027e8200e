import type { Clock } from '../base/clock.ts'
import type { ChunkError } from '../base/faults.ts'
import type { CurrentTrace } from '../base/spans.ts'
import { BatchStream } from './batch-stream.ts'
import type { Passport } from './credentials.ts'
import { toChunkError, unreachable } from './errors.ts'
import { addressesOf, GrpcConnection, type LinkTarget } from './grpc-connection.ts'
import type { ChunkClientSettings } from './settings.ts'

export interface SessionDeps {
  passport: Passport
  clock: Clock
  settings: ChunkClientSettings
  currentTrace: CurrentTrace | undefined
  onAnswer(): void
  onTimeout(waitedMs: number): void
  /** The session is over: the server is gone, or has ended it. */
  onEnd(session: Session, error: ChunkError): void
}

/**
 * Two connections to one server, large transfers and small calls apart: small calls wait neither behind what large
 * transfers have put into the socket's buffer, nor for a lost packet of theirs.
 */
export class Session {
  readonly address: string
  /** Small puts. */
  readonly puts: BatchStream
  /** Small gets: a stream of their own, for a put's answer waits for the disk. */
  readonly gets: BatchStream
  /** For small calls without payload. */
  readonly calls: GrpcConnection
  /** For streams. */
  readonly bulk: GrpcConnection
  #isOver = false

  private constructor(deps: SessionDeps, opened: { address: string; calls: GrpcConnection; bulk: GrpcConnection }) {
    this.address = opened.address
    this.calls = opened.calls
    this.bulk = opened.bulk
    const { clock, settings, currentTrace, onAnswer, onTimeout } = deps
    const onEnd = (error: ChunkError) => {
      if (this.#isOver) return
      this.#isOver = true
      this.close(error)
      deps.onEnd(this, error)
    }
    const stream = { connection: this.calls, clock, settings, currentTrace, onAnswer, onTimeout, onEnd }
    this.puts = new BatchStream(stream)
    this.gets = new BatchStream(stream)
  }

  /** Connects over the best address that works, and is let in. Rejects with a ChunkError, mostly `unreachable`. */
  static async open(deps: SessionDeps, target: LinkTarget): Promise<Session> {
    let failure: ChunkError = unreachable('no address')
    for (const address of await addressesOf(target)) {
      try {
        return await Session.#openAt(deps, address, target)
      } catch (error) {
        failure = toChunkError(error)
      }
    }
    throw failure
  }

  static async #openAt(deps: SessionDeps, address: string, target: LinkTarget): Promise<Session> {
    const { passport, clock, settings, currentTrace } = deps
    let session: Session | undefined
    let isLetIn = false
    const connection = {
      clock,
      settings,
      passport,
      currentTrace,
      metadata: passport.metadataFor(target.serverId),
      // Either one lost, and the session is over: the server is gone, or going.
      onEnd: (error: Error) => session?.close(toChunkError(error)),
    }
    const [calls, bulk] = await bothOrNone(
      GrpcConnection.open(address, connection),
      GrpcConnection.open(address, connection),
    )
    const quiet: SessionDeps = { ...deps, onEnd: (ended, error) => isLetIn && deps.onEnd(ended, error) }
    const opened = new Session(quiet, { address, calls, bulk })
    session = opened
    const late = unreachable(`the server did not let us in within ${settings.connectMs} ms`)
    using _timer = clock.after(settings.connectMs, () => opened.close(late))
    await Promise.all([opened.puts.accepted, opened.gets.accepted])
    isLetIn = true
    return opened
  }

  /** Small calls that are not answered fail with `error`; streams under way go on. */
  close(error: ChunkError): void {
    this.puts.close(error)
    this.gets.close(error)
    this.calls.closeSoon()
    this.bulk.closeSoon()
  }
}

/** When one cannot be opened, the other is not left open. */
async function bothOrNone(
  ...opening: readonly [Promise<GrpcConnection>, Promise<GrpcConnection>]
): Promise<readonly [GrpcConnection, GrpcConnection]> {
  try {
    return await Promise.all(opening)
  } catch (error) {
    for (const each of opening) each.then((connection) => connection.close(error as Error)).catch(() => {})
    throw error
  }
}
