import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.ts'
import type { BackupDescription } from '../../../src/cli/backup/backup-directory.ts'
import { startPostgres } from '../../../src/cli/postgres/start.ts'
import { migrate } from '../../../src/meta/migrate.ts'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { sextant, until } from '../../support/up.ts'

const live = new AbortController().signal

t.test('backup restore --to: as of any moment since the backup, by the archived WAL', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), "sextant 100% o'clock "))
  t.teardown(() => rm(scratch, { recursive: true, force: true }))
  const data = join(scratch, 'data')
  const archive = join(scratch, 'wal')
  const env = { SEXTANT_WAL_ARCHIVE_DIR: archive, SEXTANT_LOG_LEVEL: 'error' }
  const run = (...args: string[]) => sextant(data, ['backup', ...args], env).ended
  const postgres = (more = {}) =>
    startPostgres({ directory: join(data, 'postgres'), walArchive: archive, log: silentLog, signal: live, ...more })
  const account = (url: string, name: string) =>
    execute(url, `insert into accounts (account_id, name, display_name) values (md5($1) || md5($1), $1, $1)`, [name])
  const accounts = async (url: string) =>
    (await execute(url, 'select name from accounts order by created_at')).map(({ name }) => name)
  /** Between what was committed before the call and what is committed after it, though it has no microseconds. */
  const momentBetween = async (url: string) => {
    const [{ now }] = (await execute(url, 'select clock_timestamp() as now from pg_sleep(0.01)')) as [{ now: Date }]
    await execute(url, 'select from pg_sleep(0.01)')
    return now.toISOString()
  }

  let server = await postgres()
  await migrate({ url: server.url, log: silentLog, signal: live })
  await account(server.url, 'before')
  await server.stop()
  t.match(await run('create', join(scratch, 'backup')), { code: 0 })
  server = await postgres()
  await account(server.url, 'between')
  const moment = await momentBetween(server.url)
  await account(server.url, 'after')
  // What is not archived is lost with the disk: at most a minute's worth, here nothing.
  const [{ segment }] = (await execute(server.url, 'select pg_walfile_name(pg_switch_wal()) as segment')) as [
    { segment: string },
  ]
  const isArchived = async () => ({ done: (await readdir(archive)).includes(`${segment}.gz`), value: undefined })
  await until(60_000, isArchived)
  await server.stop()

  const archived = async () => (await readdir(archive)).filter((name) => /^0{7}1[0-9A-F]{16}\.gz$/.test(name)).sort()
  const { wal } = JSON.parse(await readFile(join(scratch, 'backup', 'backup.json'), 'utf8')) as BackupDescription
  const before = await archived()
  const [high, low] = wal!.startLsn.split('/').map((part) => part.padStart(8, '0'))
  const first = `00000001${high}000000${low!.slice(0, 2)}.gz`
  t.ok(before[0]! < first && before.includes(first), 'there is some from before the backup, and since')
  t.match(await run('forget-wal', join(scratch, 'backup')), { code: 0, stdout: /^[1-9]\d* files? deleted\n$/ })
  t.same(await archived(), before.slice(before.indexOf(first)))

  const restoreTo = async (...to: string[]) => {
    await rename(join(data, 'postgres'), join(scratch, `lost-${performance.now()}`))
    const { code, stderr, stdout } = await run('restore', join(scratch, 'backup'), '--json', ...to)
    if (code !== 0) throw new Error(stderr)
    const restored = await postgres()
    const found = await accounts(restored.url)
    await restored.stop()
    return { found, asOf: (JSON.parse(stdout) as { asOf: string }).asOf }
  }
  const then = await restoreTo('--to', moment)
  t.same(then, { found: ['before', 'between'], asOf: moment })
  const latest = await restoreTo('--to', 'latest')
  t.match(latest, { found: ['before', 'between', 'after'] })
  await rename(join(data, 'postgres'), join(scratch, 'lost'))
  const backup = join(scratch, 'backup')
  t.match(await run('restore', backup, '--to', '2001-01-01T00:00:00Z'), { code: 1, stderr: /holds nothing before/ })
  t.match(await run('restore', backup, '--to', 'yesterday'), { code: 2, stderr: /a moment like/ })
  t.match(await run('restore', backup, '--to', '2999-01-01T00:00:00Z'), {
    code: 1,
    stderr: /before configured recovery target/,
  })
  t.match(await sextant(data, ['backup', 'restore', backup, '--to', 'latest']).ended, {
    code: 2,
    stderr: /SEXTANT_WAL_ARCHIVE_DIR must name/,
  })
  t.same(await readdir(data), ['lock', 'run'], 'a restore that failed leaves nothing')
  await saveResult({
    name: 'PostgreSQL as of a moment',
    test: 'test/cli/scenarios/point-in-time.ts',
    promise:
      'The metadata comes back as of any moment since a backup, by the archived WAL: what was committed before it, and nothing after',
    passed: t.passing(),
    runs: 'rows written before the backup, after it, and after the moment; restored as of the moment, and as of the latest',
    result: `as of the moment: ${then.found.join(', ')}; as of the latest: ${latest.found.join(', ')}`,
  })
})
