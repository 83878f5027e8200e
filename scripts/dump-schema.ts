import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { silentLog } from '../src/base/log.ts'
import { startPostgres } from '../src/cli/postgres/start.ts'
import { migrate } from '../src/meta/migrate.ts'

/**
 * Writes schema.sql: what the migrations make, in one file to read. Made from PostgreSQL's own catalogue, because
 * pg_dump is not on every machine, and prints another text with every version.
 */
const FILE = fileURLToPath(new URL('../schema.sql', import.meta.url))
const HEADER = '-- What migrations/ make. Written by scripts/dump-schema.ts, never by hand.\n'

/** The schema of a migrated database as SQL, the same from PostgreSQL 15 to 18. */
export async function dumpSchema(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const sections: string[] = []
    for (const sql of [SEQUENCES, TABLES, INDEXES, VIEWS, FUNCTIONS, COMMENTS]) {
      const { rows } = await client.query<{ text: string }>(sql)
      sections.push(rows.map(({ text }) => `${text.trimEnd()};\n`).join('\n'))
    }
    return `${HEADER}\n${sections.join('\n')}`
  } finally {
    await client.end()
  }
}

const OURS = `relnamespace = 'public'::regnamespace and c.relname not like 'sextant_migrations%'`

/** Those that stand alone; a column's own comes with its column. */
const SEQUENCES = /* sql */ `
  select format('create sequence %I as %s', c.relname, format_type(s.seqtypid, null)) as text
    from pg_class c join pg_sequence s on s.seqrelid = c.oid
   where c.${OURS} and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
   order by c.relname collate "C"`

const COLUMN = /* sql */ `
  format('  %I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    case when l.collname = 'C' then ' collate "C"' else '' end,
    case when a.attidentity = 'a' then ' generated always as identity'
         when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
    case when a.attnotnull then ' not null' else '' end)`

/** PostgreSQL 18 counts «not null» among the constraints; it stands with its column already. */
const TABLES = /* sql */ `
  select format(E'create table %I (\\n%s\\n)%s', c.relname,
    (select string_agg(line, E',\\n' order by place, n) from (
       select 1 as place, lpad(a.attnum::text, 4, '0') as n, ${COLUMN} as line
         from pg_attribute a
         left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         left join pg_collation l on l.oid = a.attcollation
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       union all
       select 2, k.conname collate "C", format('  constraint %I %s', k.conname, pg_get_constraintdef(k.oid))
         from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n') as lines),
    case when c.reloptions is not null then ' with (' || array_to_string(c.reloptions, ', ') || ')' else '' end) as text
    from pg_class c where c.${OURS} and c.relkind = 'r' order by c.relname collate "C"`

const INDEXES = /* sql */ `
  select pg_get_indexdef(c.oid) as text from pg_class c
   where c.${OURS} and c.relkind = 'i' and not exists (select from pg_constraint k where k.conindid = c.oid and k.contype in ('p', 'u'))
   order by c.relname collate "C"`

const VIEWS = /* sql */ `
  select format(E'create view %I as\\n%s', c.relname, rtrim(pg_get_viewdef(c.oid, true), ';')) as text
    from pg_class c where c.${OURS} and c.relkind = 'v' order by c.relname collate "C"`

const FUNCTIONS = /* sql */ `
  select pg_get_functiondef(p.oid) as text from pg_proc p
   where p.pronamespace = 'public'::regnamespace order by p.proname collate "C"`

const COMMENTS = /* sql */ `
  select format('comment on %s is %L',
    case when d.objsubid > 0 then format('column %I.%I', c.relname, a.attname)
         when c.relkind = 'v' then format('view %I', c.relname) else format('table %I', c.relname) end, d.description) as text
    from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
   where c.${OURS} order by c.relname collate "C", d.objsubid`

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-schema-'))
  const { signal } = new AbortController()
  const postgres = await startPostgres({ directory, log: silentLog, signal })
  try {
    await migrate({ url: postgres.url, log: silentLog, signal })
    await writeFile(FILE, await dumpSchema(postgres.url))
  } finally {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) await main()
