import { withClient } from './own-client.ts'

/**
 * Marks a database as restored from a backup that was taken at `takenAt` (ISO 8601), to be done before a gateway sees it:
 * what the nodes hold beyond it is then kept, and its gateways' sessions are numbered beyond any of before.
 */
export async function markRestored(url: string, takenAt: string): Promise<void> {
  await withClient(url, (client) => client.query(`select mark_restored_v1('backup', $1, 0)`, [takenAt]))
}

/** Whether nobody has made a table in this database. */
export async function isEmptyDatabase(url: string): Promise<boolean> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query(`
      select from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' limit 1`)
    return rows.length === 0
  })
}

/** When the last transaction was committed that recovery brought back, ISO 8601; undefined: none was. */
export async function lastReplayed(url: string): Promise<string | undefined> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ at: Date | null }>('select pg_last_xact_replay_timestamp() as at')
    return rows[0]?.at?.toISOString()
  })
}

export interface DatabaseFacts {
  /** As the server says: `18.4`. */
  version: string
  versionMajor: number
  /** The last migration; undefined: Sextant was never here. */
  migration: string | undefined
  /** By the server's clock, ISO 8601. */
  now: string
}

export async function describeDatabase(url: string): Promise<DatabaseFacts> {
  return await withClient(url, async (client) => {
    const { rows } = await client.query<{ version: string; number: string; now: Date; table: string | null }>(`
      select current_setting('server_version') as version, current_setting('server_version_num') as number,
             clock_timestamp() as now, to_regclass('sextant_migrations') as table`)
    const { version, number, now, table } = rows[0]!
    const last = table
      ? await client.query<{ name: string }>('select name from sextant_migrations order by name desc limit 1')
      : undefined
    return {
      version: version.split(' ')[0]!,
      versionMajor: Math.floor(Number(number) / 10_000),
      migration: last?.rows[0]?.name,
      now: now.toISOString(),
    }
  })
}
