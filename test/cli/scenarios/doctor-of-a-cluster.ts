import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { systemClock } from '../../../src/base/system.ts'
import { judgeTolerance } from '../../../src/cli/doctor/checks/fault-tolerance.ts'
import { postgresDurability } from '../../../src/cli/doctor/checks/postgres-durability.ts'
import type { DoctorContext } from '../../../src/cli/doctor/context.ts'
import { TOKEN } from '../../support/chunk-cluster.ts'
import { diagnose, isAll } from '../../support/doctor.ts'
import { execute } from '../../support/postgres.ts'
import { openStore } from '../../support/store-in-process.ts'

const moved = (ms: number) => ({ clock: { ...systemClock, nowMs: () => systemClock.nowMs() + ms } })
const MIN = 60_000

const store = await openStore(3)
t.teardown(() => store[Symbol.asyncDispose]())

t.test('doctor: PostgreSQL that is away, or was never migrated', async (t) => {
  const away = { DATABASE_URL: 'postgresql://someone:password@127.0.0.1:9/none' }
  const [told] = await diagnose('PostgreSQL', away)
  t.match(told, /^failure: PostgreSQL does not answer \(.*ECONNREFUSED/)
  t.notMatch(told, /password/)
  for (const name of ['schema', 'PostgreSQL limits', 'storage servers', 'clocks'])
    t.ok(isAll('skipped', await diagnose(name, away)), name)
  t.ok(isAll('skipped', await diagnose('PostgreSQL', { SEXTANT_DATA_DIR: '/nowhere' })))

  const empty = await store.fixture.db.anotherUrl()
  const env = { DATABASE_URL: empty }
  t.ok(isAll('ok', await diagnose('PostgreSQL', env)))
  t.match(await diagnose('schema', env, { role: 'gateway' }), [/^failure: .*never migrated: run `sextant migrate`/])
  t.ok(isAll('ok', await diagnose('schema', env)), '`sextant up` takes the steps itself')
  t.ok(isAll('skipped', await diagnose('storage servers', env)))
  await execute(empty, `create database latin encoding 'LATIN1' locale_provider libc locale 'C' template template0`)
  const latin = new URL(empty)
  latin.pathname = '/latin'
  t.match(await diagnose('PostgreSQL', { DATABASE_URL: latin.href }), [/^failure: .*encoded in LATIN1/])
})

t.test('doctor: PostgreSQL that is not durable', async (t) => {
  t.match(await diagnose('PostgreSQL durability', { DATABASE_URL: store.fixture.db.url }), [
    /^failure: .*fsync = off/,
    /^failure: .*full_page_writes = off/,
    /^warning: PostgreSQL's synchronous_commit is off/,
  ])
  // Of a pooler that leaves out what connections ask for, only what comes of it can be had here.
  const facts = {
    settings: { fsync: 'on', fullPageWrites: 'on', synchronousCommit: 'on' },
    synchronousCommit: 'local',
  }
  const context = { database: async () => ({ is: 'there', value: facts }) } as unknown as DoctorContext
  t.match(await postgresDurability.run(context, new AbortController().signal), [
    { level: 'failure', message: /asks for synchronous_commit = on and gets local/ },
  ])
})

t.test('doctor: a cluster, and what may be wrong with it', async (t) => {
  const { url } = store.fixture.db
  const env = { DATABASE_URL: url, SEXTANT_CLUSTER_TOKEN: TOKEN, SEXTANT_SEALING_KEY: '0'.repeat(64) }

  await t.test('schema', async (t) => {
    t.ok(isAll('ok', await diagnose('schema', env)))
    await execute(url, `insert into sextant_migrations (name, run_on) values ('9999-of-tomorrow', now())`)
    t.match(await diagnose('schema', env), [/^failure: .*newer Sextant \(step 9999-of-tomorrow\)/])
    await execute(url, `delete from sextant_migrations where name = '9999-of-tomorrow'`)
    const [last] = await execute(
      url,
      `delete from sextant_migrations where id = (select max(id) from sextant_migrations) returning name, run_on`,
    )
    t.match(await diagnose('schema', env), [/^failure: .*lacks 1 of this program's steps: run `sextant migrate`/])
    await execute(url, 'insert into sextant_migrations (name, run_on) values ($1, $2)', [last!.name, last!.run_on])
  })

  await t.test('limits of PostgreSQL', async (t) => {
    t.ok(isAll('ok', await diagnose('PostgreSQL limits', env)))
    t.match(await diagnose('PostgreSQL limits', { ...env, SEXTANT_DATABASE_CONNECTIONS: '200' }), [
      /^warning: .*may open 2\d\d connections, and PostgreSQL takes 97/,
    ])
  })

  await t.test('clocks', async (t) => {
    t.match(await diagnose('clocks', env), [/^ok: 4 other clocks show the same time/])
    t.match(await diagnose('clocks', env, moved(-5_000)), [
      /^warning: The clock of PostgreSQL is [45]\.\d s ahead of/,
      ...Array.from({ length: 3 }, () => /^warning: The clock of storage server \d is/),
    ])
    t.match(
      (await diagnose('clocks', env, moved(20 * MIN)))[0],
      /^failure: .*PostgreSQL is 1[12]\d\d\.\d s behind .*15 min/,
    )
    const gateway = createServer((_request, reply) => reply.end('{}')).listen(0, '127.0.0.1')
    t.teardown(() => gateway.close())
    await new Promise((resolve) => gateway.once('listening', resolve))
    const gateways = [`http://127.0.0.1:${(gateway.address() as AddressInfo).port}`]
    t.match(await diagnose('clocks', {}, { gateways }), [/^ok: 1 other clock/])
    t.match(await diagnose('clocks', {}, { gateways, ...moved(20 * MIN) }), [/^failure: The clock of http/])
    t.match(await diagnose('clocks', {}, { gateways: ['http://127.0.0.1:9'] }), [/^failure: .*does not answer/])
  })

  await t.test('fault tolerance', async (t) => {
    t.match(await diagnose('fault tolerance', env), [/^failure: With 3 storage servers up to 3 of the 8 chunks/])
    t.match(await diagnose('fault tolerance', { ...env, SEXTANT_PARITY: '6' }), [/^ok: .*any one of 3/])
    t.match(await diagnose('fault tolerance', { ...env, SEXTANT_PARITY: '0' }), [/^failure: SEXTANT_PARITY is 0/])
  })

  await t.test('storage servers', async (t) => {
    t.ok(isAll('ok', await diagnose('storage servers', env)))
    t.ok(isAll('ok', await diagnose('storage connections', env)))
    t.match(
      await diagnose('versions', env),
      Array.from({ length: 3 }, () => /^warning: .*runs version that tells none/),
    )
    const stranger = { ...env, SEXTANT_CLUSTER_TOKEN: 'another-token-altogether' }
    t.match(
      await diagnose('storage connections', stranger),
      Array.from({ length: 3 }, () => /^failure: .*not reached/),
    )
    await store.nodes[2]!.stop()
    t.match(await diagnose('storage connections', env), [/^failure: Storage server 3 .*not reached from here/])
    await execute(
      url,
      `update storage_servers set last_heartbeat_at = now() - interval '1 hour' where server_number = 3`,
    )
    t.match(await diagnose('storage servers', env), [/^failure: Storage server 3 .*last heard of .*node remove 3/])
  })
})

t.test('doctor: what the loss of a server or a zone would do', async (t) => {
  const zones = (...names: string[]) => ({ parity: 2, zones: names })
  t.match(judgeTolerance(zones('', '', '', '', '', '')), [{ level: 'ok', message: /any one of 6/ }])
  t.match(judgeTolerance(zones('', '', '', '', '', '', '', '')), [{ level: 'ok', message: /any 2 of 8/ }])
  t.match(judgeTolerance(zones('', '', '')), [{ level: 'failure', message: /With 3 storage servers/ }])
  t.match(judgeTolerance(zones('', '', '', '')), [{ level: 'ok', message: /any one of 4/ }])
  t.match(judgeTolerance(zones('a', 'a', 'b', 'b', 'c', 'c')), [{ level: 'warning', message: /are 3 zones.* 3 of 8/ }])
  t.match(judgeTolerance(zones('a', 'b', 'c', 'd', 'a', 'b')), [{ level: 'ok' }])
  t.match(judgeTolerance(zones('a', 'a', 'b', 'b', 'c', '')), [{ level: 'warning', message: /have no zone/ }])
})
