import t from 'tap'
import { execute, openTestDatabase } from '../support/postgres.ts'
import { parseMetrics, sumOf } from '../support/scrape.ts'
import { Standby } from '../support/standby.ts'
import { until } from '../support/until.ts'
import { dataDirectory, sextant } from '../support/up.ts'

const skip = process.env.SEXTANT_TEST_DATABASE_URL === undefined ? false : 'the server is not the test’s own'

t.test('SEXTANT_READ_REPLICA_URL: gateways read reports of it, and `sextant status` does', { skip }, async (t) => {
  const database = await openTestDatabase()
  t.teardown(() => database[Symbol.asyncDispose]())
  const standby = await Standby.of(database)
  t.teardown(() => standby[Symbol.asyncDispose]())
  const directory = await dataDirectory(t)
  const settings = {
    DATABASE_URL: database.url,
    SEXTANT_READ_REPLICA_URL: standby.url,
    SEXTANT_READ_REPLICA_LAG_SECONDS: '600',
    SEXTANT_NODES: '1',
    SEXTANT_WORKERS: '1',
    SEXTANT_REPORT_PERIOD_SECONDS: '1',
    SEXTANT_JOB_INTERVAL_SECONDS: '0.2',
  }
  const { ready, child, ended } = sextant(directory, ['up', '--json'], settings)
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const { adminUrl } = await ready
  const scrape = async (name: string) => sumOf(parseMetrics(await (await fetch(`${adminUrl}/metrics`)).text()), name)
  await until(async () => (await scrape('sextant_read_replica_used')) === 1)
  t.equal(await scrape('sextant_read_replica_fallbacks_total'), 0)
  t.ok((await scrape('sextant_read_replica_lag_seconds'))! < 600)

  const doomed = async (env: Record<string, string>) => {
    const { stdout, code } = await sextant(directory, ['status', '--json'], env).ended
    t.equal(code, 0)
    return JSON.parse(stdout).queues.doomedParts
  }
  await standby.sql('select pg_wal_replay_pause()')
  await execute(database.url, 'insert into doomed_parts (part_id) values (gen_random_uuid())')
  t.equal(await doomed({ DATABASE_URL: database.url }), 1)
  t.equal(await doomed(settings), 0, 'as the replica has it')
  await standby.sql('select pg_wal_replay_resume()')
})
