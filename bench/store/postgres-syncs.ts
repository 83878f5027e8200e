import pg from 'pg'

/** How often a PostgreSQL synced its log and its files. Sessions tell within ten seconds after they fell idle. */
export interface PostgresSyncs extends AsyncDisposable {
  /** undefined: this version does not tell both in one place (before 18). */
  count(): Promise<number | undefined>
}

/** PGSTAT_IDLE_INTERVAL, and a little more: after it, an idle session has told everything. */
export const POSTGRES_SETTLES_SECONDS = 10.5

const TELLS_BOTH = 180_000

export async function openPostgresSyncs(url: string): Promise<PostgresSyncs> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ version: number }>(`select current_setting('server_version_num')::int version`)
  return {
    async count() {
      if (rows[0]!.version < TELLS_BOTH) return undefined
      const { rows: sums } = await client.query<{ syncs: string }>('select sum(fsyncs) syncs from pg_stat_io')
      return Number(sums[0]!.syncs)
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
