import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ServerId } from '../../src/base/ids.ts'
import type { ServerRegistration } from '../../src/storage-node/ports.ts'
import type { Restore } from '../../src/upkeep/ports/restores.ts'
import { until } from '../support/until.ts'
import { live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, sql } = fixture
const { registry } = meta

const server = (more: Partial<ServerRegistration> = {}): ServerRegistration => ({
  id: randomUUID() as ServerId,
  grpcAddress: '127.0.0.1:7001',
  socketPath: '',
  dataDirectory: '',
  zone: '',
  capacityBytes: 1e12,
  availableBytes: 9e11,
  points: Array.from({ length: 150 }, (_, n) => BigInt.asUintN(64, BigInt(n) * 0x9e37_79b9_7f4a_7c15n)),
  ...more,
})
const beat = (s: ServerRegistration, writable = true, availableBytes = 5, beatsSeen = 0) => ({
  beatsSeen,
  id: s.id,
  capacityBytes: s.capacityBytes,
  availableBytes,
  chunkCount: 3,
  writable,
})

t.test('register: the same id keeps its number, other ids never get it', async (t) => {
  const [a, b] = [server(), server()]
  const numbers = await Promise.all([a, b, a, a].map((s) => registry.register(s, live)))
  t.equal(new Set(numbers).size, 2)
  t.same([numbers[2], numbers[3]], [numbers[0], numbers[0]])
  t.ok(numbers.every((n) => n >= 1))
  await registry.register({ ...a, grpcAddress: '10.0.0.9:1', points: a.points.slice(1) }, live)
  const rows = await sql('select count(*)::int as n from hash_ring_nodes where server_number = $1', [numbers[0]])
  t.same(rows, [{ n: 149 }])
})

t.test('heartbeat: of an unknown server is refused; a read-only disk fails it until it is well', async (t) => {
  const s = server()
  await t.rejects(registry.heartbeat(beat(s), live), { code: 'ServiceUnavailable' })
  const number = await registry.register(s, live)
  const status = async () =>
    (await sql('select status from storage_servers where server_number = $1', [number]))[0]?.status
  await registry.heartbeat(beat(s, false), live)
  t.equal(await status(), 'failed')
  await registry.heartbeat(beat(s, true), live)
  t.equal(await status(), 'up')
  await sql(`update storage_servers set status = 'draining' where server_number = $1`, [number])
  await registry.heartbeat(beat(s, true), live)
  await registry.register(s, live)
  t.equal(await status(), 'draining', 'what the operator decided stays')
})

t.test(
  'heartbeat: counts; whoever knows of more has spoken to a later state of the database, which is marked so',
  async (t) => {
    const [a, b] = [server(), server()]
    const [numberOfA, numberOfB] = [await registry.register(a, live), await registry.register(b, live)]
    const restores = () => meta.restores.listRestores(live)
    const session = async () => (await meta.openGatewaySession({ ttlMs: 1_000 }, live)).session
    t.equal(await registry.heartbeat(beat(a), live), 1)
    t.equal(await registry.heartbeat(beat(a, true, 5, 1), live), 2)
    t.equal(await registry.heartbeat(beat(a, true, 5, 1), live), 3, 'one whose answer was lost')
    t.equal(await registry.heartbeat(beat(b), live), 1)
    t.same(await restores(), [])
    const before = await session()
    await sql(
      `insert into stray_chunks values (gen_random_uuid(), 1, 1, 'left over', now()), (gen_random_uuid(), 1, 1, 'being written', now())`,
    )

    t.equal(await registry.heartbeat(beat(a, true, 5, 500), live), 501)
    t.match(await restores(), [{ kind: 'recognised', servers: [numberOfA] }])
    const [{ sessionFloor }] = (await restores()) as [Restore]
    t.ok(sessionFloor > before + 1_000_000, 'no session of the time that was lost has a number above')
    t.match(await sql('select state from stray_chunks'), [{ state: 'being written' }])
    t.equal(await registry.heartbeat(beat(b, true, 5, 500), live), 501)
    t.match(await restores(), [{ sessionFloor, servers: [numberOfA, numberOfB] }], 'of the same restore')
    t.equal(await session(), sessionFloor)

    t.equal(await meta.orphans.compareBeats({ server: numberOfA, beats: 501 }, live), true)
    t.equal(await meta.orphans.compareBeats({ server: numberOfA, beats: 502 }, live), false)
    t.equal((await restores()).length, 1, 'a look marks nothing')
    t.equal(await registry.heartbeat(beat(a, true, 5, 600), live), 601)
    t.equal((await restores()).length, 2, 'told again by the same server, it is another restore')
    t.ok((await restores())[1]!.sessionFloor > sessionFloor + 1_000_000)
    t.equal(await meta.restores.releaseRestores(live), 2)
    t.same(await restores(), [])
  },
)

t.test('watchCluster: sees servers whole, at once, and only tells of changes', async (t) => {
  await using cluster = await meta.watchCluster({}, live)
  let changes = 0
  using _listener = cluster.onChange(() => changes++)
  await sleep(100)
  changes = 0
  const s = server({ zone: 'z1', socketPath: '/tmp/s', dataDirectory: '/disks/1' })
  const number = await registry.register(s, live)
  await until(() => cluster.servers().has(number))
  const seen = cluster.servers().get(number)!
  t.match(seen, {
    number,
    id: s.id,
    grpcAddress: s.grpcAddress,
    socketPath: '/tmp/s',
    dataDirectory: '/disks/1',
    zone: 'z1',
    status: 'up',
    isStale: false,
  })
  t.same(seen.points, s.points)
  await until(() => changes === 1)
  await registry.heartbeat(beat(s), live)
  await cluster.refresh(live)
  t.equal(cluster.servers().get(number)?.availableBytes, 5)
  t.equal(changes, 1, 'free space is no change')
  await registry.heartbeat(beat(s, true, 0), live)
  await until(() => cluster.servers().get(number)?.availableBytes === 0)
  t.equal(cluster.servers().get(number)?.status, 'up', 'full is not failed')
  await registry.heartbeat(beat(s, true, 5), live)
  await until(() => cluster.servers().get(number)?.availableBytes === 5)
  await registry.heartbeat(beat(s, false), live)
  await until(() => cluster.servers().get(number)?.status === 'failed')
  await sql(`update storage_servers set last_heartbeat_at = now() - interval '31 s' where server_number = $1`, [number])
  await cluster.refresh(live)
  t.equal(cluster.servers().get(number)?.isStale, true)
})

t.test('register: a node of before data directories may come back; none of it is read then', async (t) => {
  const s = server({ dataDirectory: '/disks/2' })
  const number = await registry.register(s, live)
  const again = await sql(`select register_server_v1($1, 'old:1', '', 'z2', 1, 1, '{}') as n`, [s.id])
  t.same(again, [{ n: number }])
  const rows = await sql('select grpc_address, data_directory, zone from storage_servers where server_number = $1', [
    number,
  ])
  t.same(rows, [{ grpc_address: 'old:1', data_directory: '', zone: 'z2' }])
})

t.test('watchCluster: survives the loss of its connections, and looks now and then in any case', async (t) => {
  await using cluster = await meta.watchCluster({ refreshMs: 100 }, live)
  const s = server()
  const number = await registry.register(s, live)
  await sql(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  )
  t.ok(cluster.servers().size > 0, 'the last view stays')
  await sql(`update storage_servers set grpc_address = 'moved:1' where server_number = $1`, [number])
  await until(() => cluster.servers().get(number)?.grpcAddress === 'moved:1')
})
