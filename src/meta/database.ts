import pg from 'pg'
import { abortable } from '../base/abortable.ts'
import type { Clock, Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { PoolUse, StatementMeter } from '../base/meters.ts'
import { type ConnectionOptions, connectionConfig, isSilence } from './connection-config.ts'
import type { Admission } from './primaries.ts'
import type { Pulse } from './pulse.ts'
import type { Statement } from './statement.ts'
import { LostConnection, toFault, troubleOf } from './trouble.ts'

export interface DatabaseOptions extends ConnectionOptions {
  /** What it is called. */
  pool: string
  connectionsMax: number
  /** Shared by all that must agree on who is primary. */
  admission: Admission
  pulse: Pulse
  clock: Clock
  random: Random
  log: Log
  meter?: StatementMeter | undefined
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

/** Who carries statements out. */
export type Reader = Pick<Database, 'run'>

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
      verify: (client, done) => void options.admission.admit(client).then(() => done(), done),
    })
    // A connection that breaks is replaced at the next call. Unheard, its event would end the process: the pool's own
    // listener hears idle connections alone, and a busy one tells it besides the query that fails.
    this.#heard = (error) => options.log.debug({ error: error.message }, 'a database connection broke')
    this.#pool.on('error', this.#heard)
    this.#pool.on('connect', (client) => client.on('error', this.#heard))
  }

  /**
   * Runs a statement as a transaction of its own. Conflicts are tried again; a broken connection too, where nothing was
   * sent or `repeatable` says so. A server that is silent is not waited for. Fault: ServiceUnavailable, with
   * `outcomeUnknown` if it may have been carried out.
   */
  async run<P, R>(statement: Statement<P, R>, params: P, options: RunOptions): Promise<R[]> {
    const { signal } = options
    signal?.throwIfAborted()
    try {
      this.#refuseIfSilent()
      const rows = abortable(this.runRaw(statement, params, options.repeatable), this.#options.pulse.silence)
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
   * `lost`: the connection broke under it just now, in another run.
   */
  async runUntilKnown<P, R>(
    statement: Statement<P, R>,
    params: P,
    { resolveMs, lost }: { resolveMs: number; lost?: LostConnection },
  ): Promise<R[]> {
    const { clock } = this.#options
    let unknown = lost
    let untilMs = clock.nowMs() + resolveMs
    for (;;) {
      if (unknown) await clock.sleep(RESOLVE_PAUSE_MS)
      try {
        return await this.runRaw(statement, params, false)
      } catch (error) {
        if (error instanceof LostConnection && error.sent) {
          if (!unknown) untilMs = clock.nowMs() + resolveMs
          unknown = error
        }
        if (!unknown || !troubleOf(error)) throw error // surely not carried out
        if (clock.nowMs() >= untilMs) throw unknown
      }
    }
  }

  async #once<P, R>(statement: Statement<P, R>, params: P): Promise<R[]> {
    if (this.#pool.waitingCount >= WAITING_MAX) {
      throw new StoreFault('SlowDown', { reason: 'too many calls wait for the metadata database' })
    }
    this.#refuseIfSilent()
    const { pulse } = this.#options
    const startedAt = performance.now()
    let failure: unknown
    pulse.begin()
    try {
      const client = await this.#connect()
      return await send(client, statement, params)
    } catch (error) {
      failure = error
      throw error
    } finally {
      pulse.end(!isSilence(failure))
      this.#count(statement.name, startedAt, failure !== undefined)
    }
  }

  #count(statement: string, startedAt: number, isFailed: boolean): void {
    const { meter, pool } = this.#options
    meter?.({ statement, pool, durationMs: performance.now() - startedAt, isFailed })
  }

  #refuseIfSilent(): void {
    const { silence } = this.#options.pulse
    if (silence.aborted) throw new LostConnection(false, silence.reason)
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      for (;;) {
        const client = await this.#pool.connect()
        if (!this.#options.admission.isSuperseded(client)) return client
        client.release(true)
      }
    } catch (error) {
      throw troubleOf(error) === 'lost' ? new LostConnection(false, error) : error
    }
  }

  use(): PoolUse {
    const { totalCount, idleCount, waitingCount } = this.#pool
    const { pool: name, connectionsMax } = this.#options
    return { name, connectionsMax, busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
  }

  /** A connection outside the pool, for what lasts: LISTEN, a lock. The caller ends it, and hears its 'error' event. */
  async dedicated(): Promise<pg.Client> {
    const client = new pg.Client(connectionConfig(this.#options))
    // From the first moment: it may break before its caller listens, and unheard that would end the process.
    client.on('error', this.#heard)
    try {
      await client.connect()
      await this.#options.admission.admit(client)
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

async function send<P, R>(client: pg.PoolClient, statement: Statement<P, R>, params: P): Promise<R[]> {
  const { name, text, bind, row } = statement
  try {
    const { rows } = await client.query({ name, text, values: bind(params) })
    client.release()
    return rows.map(row)
  } catch (error) {
    const isLost = troubleOf(error) === 'lost'
    client.release(isLost)
    throw isLost ? new LostConnection(true, error) : error
  }
}
