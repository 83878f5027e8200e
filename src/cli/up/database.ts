import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { type EmbeddedPostgres, startPostgres } from '../postgres/start.ts'
import { makeBackoff } from './backoff.ts'

export interface Database extends AsyncDisposable {
  readonly url: string
  readonly pid: number | undefined
}

export interface DatabaseOptions {
  /** Given: that server is used, and never started or stopped. */
  url: string | undefined
  directory: string
  /** Of our own: where it copies its WAL. */
  walArchive: string | undefined
  clock: Clock
  log: Log
  /** After it was started again. */
  onRestart(): void
  /** Gives up the start. */
  signal: AbortSignal
}

/** The PostgreSQL to use: the one that was named, or one of our own, started again whenever it dies. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (options.url !== undefined) return { url: options.url, pid: undefined, async [Symbol.asyncDispose]() {} }
  try {
    return new KeptDatabase(await startPostgres(options), options)
  } catch (error) {
    options.signal.throwIfAborted()
    throw new CommandFailure(`The embedded PostgreSQL did not start: ${messageOf(error)}`, { cause: error })
  }
}

class KeptDatabase implements Database {
  readonly url: string
  readonly #options: DatabaseOptions
  readonly #stop = new AbortController()
  readonly #kept: Promise<void>
  #postgres: EmbeddedPostgres

  constructor(postgres: EmbeddedPostgres, options: DatabaseOptions) {
    this.url = postgres.url
    this.#postgres = postgres
    this.#options = options
    this.#kept = this.#keep()
  }

  get pid(): number {
    return this.#postgres.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the store stops'))
    await this.#postgres.stop()
    await this.#kept
  }

  /** Resolves once it is told to stop. */
  async #keep(): Promise<void> {
    const { clock, log } = this.#options
    const backoff = makeBackoff()
    for (;;) {
      const startedMs = clock.nowMs()
      const { code, lastLines } = await this.#postgres.exited
      if (this.#stop.signal.aborted) return
      const waitMs = backoff.nextMs(clock.nowMs() - startedMs)
      log.warn({ code, lastLines, waitMs }, 'PostgreSQL ended: it will be started again')
      await clock.sleep(waitMs, this.#stop.signal).catch(() => {}) // woken by the stop
      if (!(await this.#startAgain(backoff))) return
    }
  }

  /** False: stopped meanwhile. */
  async #startAgain(backoff: ReturnType<typeof makeBackoff>): Promise<boolean> {
    const { clock, log, directory, walArchive } = this.#options
    const signal = this.#stop.signal
    while (!signal.aborted) {
      try {
        const postgres = await startPostgres({ directory, walArchive, log, signal })
        this.#postgres = postgres
        if (postgres.url !== this.url) log.error({}, 'PostgreSQL came back elsewhere: start the store again')
        log.warn({ pid: postgres.pid }, 'PostgreSQL serves again')
        this.#options.onRestart()
        if (!signal.aborted) return true
        await postgres.stop()
      } catch (error) {
        if (signal.aborted) return false
        log.error({ err: error }, 'PostgreSQL did not start again')
        await clock.sleep(backoff.nextMs(0), signal).catch(() => {}) // woken by the stop
      }
    }
    return false
  }
}
