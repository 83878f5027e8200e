import pg from 'pg'
import { LostConnection, troubleOf } from './trouble.ts'

export interface ConnectionOptions {
  url: string
  /** Shown in pg_stat_activity. */
  name: string
  connectTimeoutMs: number
  statementTimeoutMs: number
}

/** What holds on every connection, whatever the server's defaults are. */
const SESSION = [
  // An acknowledged commit is on disk; the functions are written for a fresh snapshot after each lock.
  'synchronous_commit=on',
  'default_transaction_isolation=read\\ committed',
  'timezone=UTC',
  // Statements are planned once a connection, not at every call: over short arrays that costs more than to run them.
  'plan_cache_mode=force_generic_plan',
  // And so the plan must not be one for the few rows that there were then: row by row through indexes, always.
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ')

export function connectionConfig(options: ConnectionOptions): pg.ClientConfig {
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

/** Whether the server says anything to a connection of its own within `connectTimeoutMs`: a refusal is an answer too. */
export async function doesAnswer(options: ConnectionOptions): Promise<boolean> {
  const client = new pg.Client({ ...connectionConfig(options), query_timeout: options.connectTimeoutMs })
  client.on('error', () => {}) // told by what fails
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } catch (error) {
    return !isSilence(error)
  } finally {
    void client.end().catch(() => {}) // it may hang, and nobody waits for it
  }
}

/** Not even a refusal came. */
export function isSilence(error: unknown): boolean {
  if (troubleOf(error) !== 'lost') return false
  const { code, message } = (error instanceof LostConnection ? error.cause : error) as {
    code?: string
    message?: string
  }
  return code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || /timeout/.test(message ?? '')
}
