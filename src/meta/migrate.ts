import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Log } from '../base/log.ts'
import { openClient } from './own-client.ts'

const DIRECTORY = fileURLToPath(new URL('../../migrations/', import.meta.url))
const TABLE = 'sextant_migrations'
export const SERVER_VERSION_MIN = 15
/** Any number that nobody else uses; the one-argument lock space holds 64-bit hashes of keys besides. */
const LOCK = '7310030217645013041'
const LOCK_POLL_MS = 100

/**
 * Brings the database to this version's schema, one process at a time; the others wait and then find it done.
 * All steps that are missing are one transaction. Throws one clear sentence when the server is older than 15, when the
 * database is not in UTF-8, or when a newer Sextant was here before. Answers how many steps were taken.
 */
export async function migrate(options: { url: string; log: Log; signal: AbortSignal }): Promise<number> {
  const { log, signal } = options
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'sextant migrate',
    connectionTimeoutMillis: 10_000,
    options: '-c client_min_messages=warning',
  })
  client.on('error', (error) => log.warn({ error: error.message }, 'the connection broke while migrating'))
  await client.connect()
  const onAbort = () => void client.end().catch(() => {})
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    await checkServer(client)
    const known = await migrationNames()
    if ((await missing(client, known)).length === 0) return 0
    while (!(await one(client, `select pg_try_advisory_lock(${LOCK}) as value`))) {
      signal.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
    }
    const due = await missing(client, known)
    if (due.length > 0) await apply(client, log)
    return due.length
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    await client.end().catch(() => {}) // the lock goes with the session
  }
}

async function apply(client: pg.Client, log: Log): Promise<void> {
  // Loaded only when there is something to do: it costs more than all the rest of a start.
  const { runner } = await import('node-pg-migrate')
  await runner({
    dbClient: client,
    dir: DIRECTORY,
    migrationsTable: TABLE,
    direction: 'up',
    singleTransaction: true,
    noLock: true, // we hold our own, which waits
    logger: {
      debug: () => {},
      info: (message) => log.debug({}, message),
      warn: (message) => log.warn({}, message),
      error: (message) => log.error({}, message),
    },
  })
}

async function checkServer(client: pg.Client): Promise<void> {
  const major = Math.floor(
    Number(await one(client, `select current_setting('server_version_num')::int as value`)) / 10_000,
  )
  if (major < SERVER_VERSION_MIN) {
    throw new Error(`This is PostgreSQL ${major}, and Sextant needs PostgreSQL ${SERVER_VERSION_MIN} or later.`)
  }
  const encoding = await one(client, `select current_setting('server_encoding') as value`)
  if (encoding !== 'UTF8') {
    throw new Error(`The database is encoded in ${encoding}, and Sextant needs UTF8: create it with encoding 'UTF8'.`)
  }
}

/** As `migrate` finds it, and changes nothing: what this version's steps and those of the database have to do with each other. */
export type SchemaFit = 'fits' | 'older' | 'newer' | 'none'

/** Throws what PostgreSQL says where it cannot be asked. */
export async function schemaFit(url: string): Promise<SchemaFit> {
  const client = await openClient(url, 'sextant')
  try {
    const { missing, strange, isMade } = await readSchemaState(client)
    if (!isMade) return 'none'
    if (strange !== undefined) return 'newer'
    return missing.length === 0 ? 'fits' : 'older'
  } finally {
    await client.end().catch(() => {}) // what it answered counts
  }
}

/** The steps that this database lacks. Throws when it has some that we do not know. */
async function missing(client: pg.Client, known: readonly string[]): Promise<string[]> {
  const { missing, strange } = await compareSchema(client, known)
  if (strange !== undefined) {
    throw new Error(`The database was migrated by a newer Sextant (step ${strange}): use that version or a later one.`)
  }
  return missing
}

/** How a database's schema stands to this program's. */
export interface SchemaState {
  /** Steps that it lacks; all of them: it was never migrated. */
  missing: string[]
  /** The first step that this program does not know. */
  strange: string | undefined
  /** Whether it was ever migrated. */
  isMade: boolean
}

export async function readSchemaState(client: pg.Client): Promise<SchemaState> {
  return await compareSchema(client, await migrationNames())
}

async function compareSchema(client: pg.Client, known: readonly string[]): Promise<SchemaState> {
  if (!(await one(client, `select to_regclass('${TABLE}') as value`)))
    return { missing: [...known], strange: undefined, isMade: false }
  const { rows } = await client.query<{ name: string }>(`select name from ${TABLE} order by id`)
  const done = new Set(rows.map(({ name }) => name))
  return {
    missing: known.filter((name) => !done.has(name)),
    strange: rows.find(({ name }) => !known.includes(name))?.name,
    isMade: true,
  }
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(DIRECTORY)
  return files
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length))
    .sort()
}

async function one(client: pg.Client, sql: string): Promise<unknown> {
  return (await client.query<{ value: unknown }>(sql)).rows[0]?.value
}
