import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import { Client } from 'pg'

/** All rows of a database as SQL, and back: pg_dump is not on every machine, and what it writes needs one of its version. */
const MIGRATIONS = fileURLToPath(new URL('../../migrations/', import.meta.url))
const STEP = /^-- step (\S+)$/gm

/** First the steps that made its tables, as comments; then a statement a row, in the order of names; then sequences. */
export async function dumpRows(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const lines: string[] = []
    for (const { name } of await rowsOf<{ name: string }>(client, 'select name from sextant_migrations order by id')) {
      lines.push(`-- step ${name}`)
    }
    for (const { table, columns } of await rowsOf<{ table: string; columns: string }>(client, TABLES)) {
      const rows = await rowsOf<{ row: string }>(client, `select to_jsonb(r)::text as row from ${table} r order by 1`)
      for (const { row } of rows) {
        const record = `jsonb_populate_record(null::${table}, ${client.escapeLiteral(row)})`
        lines.push(`insert into ${table} (${columns}) overriding system value select ${columns} from ${record};`)
      }
    }
    for (const { line } of await rowsOf<{ line: string }>(client, SEQUENCES)) lines.push(line)
    return `${lines.join('\n')}\n`
  })
}

/** Into an empty database: by the steps of then, so that those that came since find what a store of then has. */
export async function loadRows(url: string, dump: string): Promise<void> {
  const steps = [...dump.matchAll(STEP)].map(([, name]) => `${name}.sql`)
  const directory = await mkdtemp(join(tmpdir(), 'sextant-steps-'))
  try {
    await mkdir(directory, { recursive: true })
    for (const step of steps) await copyFile(join(MIGRATIONS, step), join(directory, step))
    await withClient(url, async (client) => {
      const quiet = { debug() {}, info() {}, warn() {}, error() {} }
      const options = { migrationsTable: 'sextant_migrations', direction: 'up', noLock: true, logger: quiet } as const
      await runner({ dbClient: client, dir: directory, ...options })
      const tables = await rowsOf<{ table: string }>(client, TABLES)
      await client.query(`truncate ${tables.map(({ table }) => table).join(', ')}`) // steps put rows into some
      // Rows come in no order that references would allow; and no trigger is to make more of them.
      await client.query(`set session_replication_role = replica; ${dump}`)
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}

const OURS = `c.relnamespace = 'public'::regnamespace and c.relname not like 'sextant_migrations%'`

const TABLES = `
  select quote_ident(c.relname) as table,
         (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns
    from pg_class c where ${OURS} and c.relkind = 'r' order by c.relname collate "C"`

const SEQUENCES = `
  select format('select setval(%L, %s, %L);', c.relname, coalesce(pg_sequence_last_value(c.oid), s.seqstart),
                pg_sequence_last_value(c.oid) is not null) as line
    from pg_class c join pg_sequence s on s.seqrelid = c.oid where ${OURS} order by c.relname collate "C"`

async function rowsOf<R extends object>(client: Client, sql: string): Promise<R[]> {
  return (await client.query<R>(sql)).rows
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, options: '-c timezone=UTC' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
