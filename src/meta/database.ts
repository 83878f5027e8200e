import pg from 'pg'
import { abortable } from '../base/abortable.ts'
import type { Clock, Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { Statement } from './statement.ts'
import { LostConnection, toFault, troubleOf } from './trouble.ts'

export interface DatabaseOptions {
  url: string
  /** Shown in pg_stat_activity. */
  name: string
  connectionsMax: number
  connectTimeoutMs: number
  statementTimeoutMs: number
  clock: Clock
  random: Random
  log: Log
}

export interface RunOptions {
  /** The caller stops waiting; the statement goes on to its end or its time limit. Absent: it is asked for many. */
  signal?: AbortSignal
  /** May be sent again when the connection broke and nobody knows whether it was carried out: reads, idempotent writes. */
  repeatable: boolean
}

const CONFLICT_TRIES = 8
/** Calls that wait for a connection; what comes on top is refused, so that memory stays bounded. */
const WAITING_MAX = 2_000
/** Between two attempts to learn what became of a statement. */
const RESOLVE_PAUSE_MS = 100
/** How much longer than the server we wait before we give a connection up: then the server itself hangs. */
const HANG_GRACE_MS = 2_000

/** A pool of connections to PostgreSQL that are all set up alike, and its errors turned into faults. */
export class Database implements AsyncDisposable {
  readonly #pool: pg.Pool
  readonly #options: DatabaseOptions
  readonly #heard: (error: Error) => void

  constructor(options: DatabaseOptions) {
    this.#options = options
    this.#pool = new pg.Pool({
      ...connectionConfig(options),
      max: options.connectionsMax,
      idleTimeoutMillis: 60_000,
      query_timeout: options.statementTimeoutMs + HANG_GRACE_MS,
    })
    // A connection that breaks is replaced at the next call. Unheard, its event would end the process: the pool's own
    // listener hears idle connections alone, and a busy one tells it besides the query that fails.
    this.#heard = (error) => options.log.debug({ error: error.message }, 'a database connection broke')
    this.#pool.on('error', this.#heard)
    this.#pool.on('connect', (client) => client.on('error', this.#heard))
  }

  /**
   * Runs a statement as a transaction of its own. Conflicts are tried again; a broken connection too, where nothing was
   * sent or `repeatable` says so. Fault: ServiceUnavailable, with `outcomeUnknown` if it may have been carried out.
   */
  async run<P, R>(statement: Statement<P, R>, params: P, options: RunOptions): Promise<R[]> {
    const { signal } = options
    signal?.throwIfAborted()
    try {
      const rows = this.runRaw(statement, params, options.repeatable)
      return await (signal ? abortable(rows, signal) : rows)
    } catch (error) {
      throw toFault(error, error instanceof LostConnection && error.sent && !options.repeatable)
    }
  }

  /** As `run`, but throws what happened: a LostConnection, or PostgreSQL's own error. */
  async runRaw<P, R>(statement: Statement<P, R>, params: P, repeatable: boolean): Promise<R[]> {
    let reconnected = false
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(statement, params)
      } catch (error) {
        const trouble = troubleOf(error)
        if (trouble === 'conflict' && tries < CONFLICT_TRIES) {
          await this.#options.clock.sleep(this.#options.random.integer(5 * 2 ** tries))
        } else if (error instanceof LostConnection && error.sent && repeatable && !reconnected) {
          reconnected = true
        } else {
          throw error
        }
      }
    }
  }

  /**
   * For a statement that is safe to repeat because it recognises what it did before: when the connection breaks under
   * it, asks again until it knows, for `resolveMs`. Throws the last LostConnection, then still not knowing.
   */
  async runUntilKnown<P, R>(statement: Statement<P, R>, params: P, resolveMs: number): Promise<R[]> {
    const { clock } = this.#options
    let lost: LostConnection | undefined
    let untilMs = 0
    for (;;) {
      try {
        return await this.runRaw(statement, params, false)
      } catch (error) {
        if (!(error instanceof LostConnection)) throw error
        if (error.sent) {
          if (!lost) untilMs = clock.nowMs() + resolveMs
          lost = error
        }
        if (!lost) throw error // never sent: surely not carried out
        if (clock.nowMs() >= untilMs) throw lost
      }
      await clock.sleep(RESOLVE_PAUSE_MS)
    }
  }

  async #once<P, R>(statement: Statement<P, R>, params: P): Promise<R[]> {
    if (this.#pool.waitingCount >= WAITING_MAX) {
      throw new StoreFault('SlowDown', { reason: 'too many calls wait for the metadata database' })
    }
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw troubleOf(error) === 'lost' ? new LostConnection(false, error) : error
    }
    try {
      const { rows } = await client.query({
        name: statement.name,
        text: statement.text,
        values: statement.bind(params),
      })
      client.release()
      return rows.map(statement.row)
    } catch (error) {
      const isLost = troubleOf(error) === 'lost'
      client.release(isLost)
      throw isLost ? new LostConnection(true, error) : error
    }
  }

  /** A connection outside the pool, for what lasts: LISTEN, a lock. The caller ends it, and hears its 'error' event. */
  async dedicated(): Promise<pg.Client> {
    const client = new pg.Client(connectionConfig(this.#options))
    // From the first moment: it may break before its caller listens, and unheard that would end the process.
    client.on('error', this.#heard)
    try {
      await client.connect()
      return client
    } catch (error) {
      void client.end().catch(() => {})
      throw toFault(error, false)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}

/** What holds on every connection, whatever the server's defaults are. */
const SESSION = [
  // An acknowledged commit is on disk; the functions are written for a fresh snapshot after each lock.
  'synchronous_commit=on',
  'default_transaction_isolation=read\\ committed',
  'timezone=UTC',
  // Statements are planned once a connection, not at every call: over short arrays that costs more than to run them.
  'plan_cache_mode=force_generic_plan',
  // And so the plan must not be one for the few rows that there were then: through indexes always.
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

function connectionConfig(options: DatabaseOptions): pg.ClientConfig {
  const theirs = /[?&]options=([^&]*)/.exec(options.url)
  return {
    connectionString: theirs
      ? options.url.replace(theirs[1]!, `${theirs[1]}${encodeURIComponent(` ${SESSION}`)}`)
      : options.url,
    options: SESSION,
    application_name: options.name,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}
