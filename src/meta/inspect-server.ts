import pg from 'pg'
import type { Clock } from '../base/clock.ts'
import { connectionConfig } from './connection-config.ts'
import { readSchemaState, type SchemaState } from './migrate.ts'

/** What a PostgreSQL server and its database say of themselves. */
export interface ServerFacts {
  /** As people write it, and the first number of it. */
  version: string
  major: number
  encoding: string
  /** It takes no writes. */
  isStandby: boolean
  /** What connections get that ask for nothing else. */
  settings: { fsync: string; fullPageWrites: string; synchronousCommit: string; locksPerTransaction: number }
  /** In a connection as gateways open them: they ask for `on`. */
  synchronousCommit: string
  /** Of connections for ordinary users. */
  connectionsMax: number
  /** Its clock, when ours showed `askedMs`, give or take `slackMs`. */
  clock: { nowMs: number; askedMs: number; slackMs: number }
  schema: SchemaState
  /** Gateways that have renewed their session lately; undefined before the first migration. */
  gateways: number | undefined
}

export interface InspectOptions {
  url: string
  /** For each step: to connect, to be answered. */
  timeoutMs: number
  /** A gateway whose session lasts for less than this has not renewed it for a while. */
  sessionMs: number
  clock: Clock
}

/** Asks, and changes nothing. Rejects with PostgreSQL's own error, or that of the connection. */
export async function inspectServer(options: InspectOptions): Promise<ServerFacts> {
  const plain = await connect({ connectionString: options.url, application_name: 'sextant doctor' }, options)
  try {
    const { now, ...facts } = await readFacts(plain, options)
    const schema = await readSchemaState(plain)
    const gateways = schema.isMade ? await countGateways(plain, options.sessionMs) : undefined
    return { ...facts, clock: now, schema, gateways, synchronousCommit: await readOwnCommit(options) }
  } finally {
    void plain.end().catch(() => {}) // it may hang, and nobody waits for it
  }
}

async function connect(config: pg.ClientConfig, { timeoutMs }: InspectOptions): Promise<pg.Client> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs })
  client.on('error', () => {}) // the statement under way tells
  await client.connect()
  return client
}

async function readFacts(client: pg.Client, { clock }: InspectOptions) {
  const beforeMs = clock.nowMs()
  const now = (await client.query('select extract(epoch from clock_timestamp()) * 1000 as ms')).rows[0] as {
    ms: string
  }
  const tookMs = clock.nowMs() - beforeMs
  const { rows } = await client.query(/* sql */ `
    select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
           current_setting('server_encoding') as encoding, pg_is_in_recovery() as is_standby,
           current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
           current_setting('synchronous_commit') as synchronous_commit,
           current_setting('max_locks_per_transaction')::int as locks,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
             - coalesce(current_setting('reserved_connections', true)::int, 0) as connections_max`)
  const row = rows[0] as Record<string, unknown>
  return {
    version: row.version as string,
    major: row.major as number,
    encoding: row.encoding as string,
    isStandby: row.is_standby as boolean,
    settings: {
      fsync: row.fsync as string,
      fullPageWrites: row.full_page_writes as string,
      synchronousCommit: row.synchronous_commit as string,
      locksPerTransaction: row.locks as number,
    },
    connectionsMax: row.connections_max as number,
    now: { nowMs: Number(now.ms), askedMs: beforeMs + tookMs / 2, slackMs: tookMs / 2 },
  }
}

async function countGateways(client: pg.Client, sessionMs: number): Promise<number> {
  const { rows } = await client.query(
    /* sql */ `
    select count(*)::int as gateways from upload_sessions
     where kind = 'gateway' and state = 'open'
       and expires_at > clock_timestamp() + make_interval(secs => $1::float8 / 1000)`,
    [sessionMs],
  )
  return (rows[0] as { gateways: number }).gateways
}

/** A pooler in between may leave out what a connection asks for. */
async function readOwnCommit(options: InspectOptions): Promise<string> {
  const { url, timeoutMs } = options
  const asked = { url, name: 'sextant doctor', connectTimeoutMs: timeoutMs, statementTimeoutMs: timeoutMs }
  const client = await connect(connectionConfig(asked), options)
  try {
    return ((await client.query('show synchronous_commit')).rows[0] as { synchronous_commit: string })
      .synchronous_commit
  } finally {
    void client.end().catch(() => {})
  }
}
