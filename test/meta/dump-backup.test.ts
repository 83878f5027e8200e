import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isEmptyDatabase } from '../../src/meta/restored.ts'
import { execute } from '../support/postgres.ts'
import { sextant } from '../support/up.ts'
import { live, openMeta } from './fixture.ts'

/** 0: there is none on the PATH. */
function dumpVersion(): number {
  try {
    return Number(/\d+/.exec(execFileSync('pg_dump', ['--version'], { encoding: 'utf8' }))?.[0])
  } catch {
    return 0
  }
}

t.test('backup of a server that is not ours: by pg_dump and pg_restore', async (t) => {
  await using fixture = await openMeta()
  const scratch = await mkdtemp(join(tmpdir(), 'sextant-dump-'))
  t.teardown(() => rm(scratch, { recursive: true, force: true }))
  const backup = join(scratch, 'backup')
  const run = (env: Record<string, string>, ...args: string[]) =>
    sextant(scratch, ['backup', ...args], { DATABASE_URL: fixture.db.url, ...env }).ended

  t.match(await run({ PATH: '/nowhere' }, 'create', backup), { code: 1, stderr: /^pg_dump is not on the PATH: .*\n$/ })
  const [{ number }] = (await fixture.sql('show server_version_num')).map((row) => ({
    number: Math.floor(Number(row.server_version_num) / 10_000),
  })) as [{ number: number }]
  const found = dumpVersion()
  if (found < number) {
    t.comment(`pg_dump ${found} for a server ${number}`)
    const says = found === 0 ? /not on the PATH/ : new RegExp(`PostgreSQL ${found}, and ${number} or later is needed`)
    t.match(await run({}, 'create', backup), { code: 1, stderr: says })
    return
  }

  t.match(await run({}, 'create', backup, '--json'), { code: 0, stdout: /"kind":"dump"/ })
  await fixture.meta.accounts.createAccount({ name: 'later' }, live)
  t.match(await run({}, 'restore', backup), { code: 1, stderr: /is not empty, and it is not overwritten/ })
  t.match(await run({}, 'verify', backup, '--json'), { code: 0, stdout: /"accounts":1,"buckets":1/ })

  const other = await fixture.db.anotherUrl()
  t.ok(await isEmptyDatabase(other))
  t.match(await run({ DATABASE_URL: other }, 'restore', backup, '--json'), { code: 0, stdout: /"into":"database"/ })
  t.same(await execute(other, 'select name from accounts'), [{ name: 'owner' }])
  t.match(await execute(other, 'select kind, released_at from catalogue_restores'), [
    { kind: 'backup', released_at: null },
  ])
})
