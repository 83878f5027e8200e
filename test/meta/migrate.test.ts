import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { dumpSchema } from '../../scripts/dump-schema.ts'
import { silentLog } from '../../src/base/log.ts'
import { migrate } from '../../src/meta/migrate.ts'
import { execute, openTestDatabase } from '../support/postgres.ts'
import { saveResult } from '../support/reliability.ts'

const db = await openTestDatabase({ migrated: false })
t.teardown(() => db[Symbol.asyncDispose]())
const { signal } = new AbortController()
const run = (url: string) => migrate({ url, log: silentLog, signal })

t.test('migrate: from nothing, then nothing is left to do', async (t) => {
  const steps = await run(db.url)
  t.ok(steps >= 12)
  t.equal(await run(db.url), 0)
  const done = await execute(db.url, 'select name from sextant_migrations order by id')
  t.equal(done.length, steps)
  t.same(
    done,
    [...done].sort((a, b) => String(a.name).localeCompare(String(b.name))),
  )
})

/** Steps that stores may have taken already, in their order. What comes later stands behind the last one. */
const TAKEN = {
  last: '0070_notifications.sql',
  sha256: '88eaa4a3fa74583db44ac6c7720e159a776fecaf7a5c04b67465415050c30645',
}

t.test('steps that were taken stay as they are, and none comes before them', async (t) => {
  const directory = new URL('../../migrations/', import.meta.url)
  const hash = createHash('sha256')
  for (const name of (await readdir(directory)).sort()) {
    if (name <= TAKEN.last) hash.update(`${name}\n`).update(await readFile(new URL(name, directory)))
  }
  t.equal(hash.digest('hex'), TAKEN.sha256, 'a database that has taken them would not come to be as a new one is')
})

t.test('migrate: many at once, one does it', async (t) => {
  const url = await db.anotherUrl()
  const steps = await Promise.all(Array.from({ length: 6 }, () => run(url)))
  t.equal(steps.filter((n) => n > 0).length, 1)
  t.equal((await execute(url, 'select name from sextant_migrations')).length, Math.max(...steps))
})

t.test('migrate: a database of a newer Sextant is refused in one sentence', async (t) => {
  const url = await db.anotherUrl()
  await run(url)
  await execute(url, `insert into sextant_migrations (name, run_on) values ('9999_future', now())`)
  await t.rejects(run(url), { message: /^The database was migrated by a newer Sextant \(step 9999_future\): .*\.$/ })
})

t.test('migrate: a database that is not in UTF-8 is refused', async (t) => {
  const url = new URL(await db.anotherUrl())
  await execute(url.href, `create database latin template template0 encoding 'SQL_ASCII' locale 'C'`)
  const name = url.pathname.slice(1)
  url.pathname = '/latin'
  try {
    await t.rejects(run(url.href), { message: /encoded in SQL_ASCII, and Sextant needs UTF8/ })
  } finally {
    url.pathname = `/${name}`
    await execute(url.href, 'drop database latin')
  }
})

/** Of the steps that are done; made before the first one. */
const LIST = 'sextant_migrations'

/** Counts commands that change the schema, in no transaction; after the `fatal` one the session that gave it is killed. */
const killer = `
  create schema killer;
  create table killer.orders (fatal bigint);
  insert into killer.orders values (0);
  create sequence killer.commands;
  create function killer.count() returns event_trigger language plpgsql as $$
    begin
      if nextval('killer.commands') = (select fatal from killer.orders) then
        perform pg_terminate_backend(pg_backend_pid());
      end if;
    end $$;
  create event trigger killer on ddl_command_end execute function killer.count();
  select setval('killer.commands', 1, false)`

t.test('migrate: killed anywhere, it has done nothing, and the next one does all of it', async (t) => {
  const [url, whole] = [await db.anotherUrl(), await db.anotherUrl()]
  await execute(whole, killer)
  const steps = await run(whole)
  // But for the list of steps: that is there after the first kill.
  const commands = Number((await execute(whole, 'select last_value from killer.commands'))[0]!.last_value) - 1
  t.ok(commands > 80)
  await execute(url, killer)
  const kills = 20
  for (let i = 0; i < kills; i++) {
    await execute(url, 'update killer.orders set fatal = $1', [1 + Math.floor((i * (commands - 1)) / (kills - 1))])
    await t.rejects(run(url))
    t.same(
      await execute(url, `select tablename from pg_tables where schemaname = 'public' and tablename <> '${LIST}'`),
      [],
    )
    if (i > 0) t.same(await execute(url, `select name from ${LIST}`), [])
    await execute(url, `select setval('killer.commands', 1, false)`)
  }
  await execute(url, 'update killer.orders set fatal = 0')
  t.equal(await run(url), steps)
  await saveResult({
    name: 'migrations killed',
    test: 'test/meta/migrate.test.ts',
    promise: 'A migration of the database that is killed anywhere has done nothing, and the next one does all of it',
    passed: t.passing(),
    runs: `${kills} sessions killed, from the first to the last of ${commands} commands that change the schema`,
    result: `nothing was left by any of them; then ${steps} steps were taken`,
  })
})

t.test('migrate: gives up when told to', async (t) => {
  const url = await db.anotherUrl()
  const aborted = AbortSignal.abort(new Error('stop'))
  await t.rejects(migrate({ url, log: silentLog, signal: aborted }), { message: 'stop' })
})

t.test('schema.sql is what the migrations make: run scripts/dump-schema.ts after a change', async (t) => {
  const url = await db.anotherUrl()
  await run(url)
  t.equal(await dumpSchema(url), await readFile(new URL('../../schema.sql', import.meta.url), 'utf8'))
})
