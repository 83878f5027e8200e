import { readFile } from 'node:fs/promises'
import t from 'tap'
import { dumpSchema } from '../../scripts/dump-schema.ts'
import { silentLog } from '../../src/base/log.ts'
import { migrate } from '../../src/meta/migrate.ts'
import { execute, openTestDatabase } from '../support/postgres.ts'

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
