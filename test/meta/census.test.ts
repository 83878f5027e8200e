import t from 'tap'
import type { ServerId, ServerNumber } from '../../src/base/ids.ts'
import { commit, layout, live, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, sql } = fixture
const { census, repairs, registry, catalogue } = meta
const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const GRACE_MS = 600_000

const servers: ServerNumber[] = []
for (let n = 0; n < 6; n++) {
  servers.push(
    await registry.register(
      {
        id: `00000000-0000-4000-8000-00000000000${n}` as ServerId,
        grpcAddress: '',
        socketPath: '',
        dataDirectory: '',
        zone: '',
        capacityBytes: 1024 * MIB,
        availableBytes: 1024 * MIB,
        points: [],
      },
      live,
    ),
  )
}

const observe = (graceMs = GRACE_MS) => census.observeServers({ graceMs }, live)
const silent = (numbers: readonly number[], seconds = 40) =>
  sql(
    `update storage_servers set last_heartbeat_at = now() - make_interval(secs => $2) where server_number = any ($1)`,
    [numbers, seconds],
  )
/** As if it was seen down, the first time so long ago, the last time a moment ago. */
const age = (ms: number) =>
  sql(`update server_absences set since = since - make_interval(secs => $1), seen_at = now()`, [ms / 1000])

t.beforeEach(async () => {
  await sql('delete from server_absences')
  await sql(`update storage_servers set status = 'up', last_heartbeat_at = now(), available_bytes = capacity_bytes`)
  await sql('delete from repair_queue')
})

t.test('observeServers: up, down without heartbeats, lost after the grace, up again', async (t) => {
  t.same(await observe(), { up: servers, draining: [], down: [], lost: [] })
  await silent([3])
  t.same((await observe()).down, [3])
  t.same((await repairs.findUnwantedServers(live)).lost, [])
  await age(GRACE_MS - 5_000)
  t.same((await observe()).down, [3], 'not yet')
  await age(10_000)
  t.same((await observe()).lost, [3])
  t.same((await repairs.findUnwantedServers(live)).lost, [3])
  await sql('update storage_servers set last_heartbeat_at = now() where server_number = 3')
  t.same((await repairs.findUnwantedServers(live)).lost, [], 'at its first heartbeat, whoever looks first')
  t.same(await observe(), { up: servers, draining: [], down: [], lost: [] })
  await silent([3])
  t.same((await observe()).down, [3], 'the time counts anew')
})

t.test('observeServers: what was not seen does not count', async (t) => {
  await silent([3])
  await observe()
  await age(GRACE_MS * 2)
  await sql(`update server_absences set seen_at = now() - interval '10 minutes'`)
  t.same((await observe()).down, [3], 'nobody has looked for ten minutes')
})

t.test('observeServers: when more than half are down, none is lost', async (t) => {
  await silent([1, 2, 3, 4])
  await observe()
  await age(HOUR_MS)
  t.same(await observe(), { up: [5, 6], draining: [], down: [1, 2, 3, 4], lost: [] })
  await sql('update storage_servers set last_heartbeat_at = now() where server_number = 4')
  t.same(await observe(), { up: [4, 5, 6], draining: [], down: [], lost: [1, 2, 3] })
})

t.test('observeServers: a removed server is lost at once; a draining or cordoned one is not', async (t) => {
  await sql(`update storage_servers set status = 'removed' where server_number = 2`)
  await sql(`update storage_servers set status = 'draining' where server_number = 3`)
  await sql(`update storage_servers set status = 'cordoned' where server_number = 4`)
  t.same(await observe(), { up: [1, 4, 5, 6], draining: [3], down: [], lost: [2] })
  t.same((await repairs.findUnwantedServers(live)).lost, [2])
})

t.test('observeServers: a disk that refuses writes is down; one that is only full is not', async (t) => {
  await sql(`update storage_servers set status = 'failed' where server_number = 2`)
  await sql(`update storage_servers set available_bytes = 0 where server_number in (2, 3)`)
  t.same(await observe(), { up: [1, 3, 4, 5, 6], draining: [], down: [2], lost: [] })
  await age(HOUR_MS)
  t.same((await observe()).lost, [2])
  t.same((await repairs.findUnwantedServers(live)).lost, [2], 'though it is heard of')
})

t.test('surveyParts, queueParts: page by page, with what the queue knows; entries follow the truth', async (t) => {
  const parts = await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const part = layout()
      await catalogue.commitObject(commit(bucket, `s/${n}`, { part }), live)
      return part
    }),
  )
  const sorted = [...parts].sort((a, b) => (a.partId < b.partId ? -1 : 1))
  const [first] = sorted
  await repairs.queueDamage([{ partId: first!.partId, index: 2, server: first!.servers[2]!, why: 'rotten' }], live)
  const page = await census.surveyParts({ after: '', rowsMax: 3 }, live)
  const rest = await census.surveyParts({ after: page.at(-1)!.partId, rowsMax: 3 }, live)
  t.same(
    [...page, ...rest],
    sorted.map(({ partId, servers: placed }, n) => ({ partId, servers: placed, damaged: n === 0 ? [2] : [] })),
  )
  const { partId } = sorted[1]!
  const queued = async () => (await sql('select * from repair_queue where part_id = $1', [partId]))[0]
  await census.queueParts([{ partId, missing: 1, spare: 1 }], live)
  t.match(await queued(), { missing_chunks: 1, spare_chunks: 1, damaged_chunks: 0 })
  await sql(`update repair_queue set next_attempt_at = now() + interval '1 hour'`)
  await census.queueParts([{ partId, missing: 1, spare: 1 }], live)
  t.ok(((await queued())!.next_attempt_at as Date).getTime() > Date.now() + 1_000_000, 'nothing new: it waits on')
  await census.queueParts([{ partId, missing: 2, spare: 0 }], live)
  t.match(await queued(), { missing_chunks: 2, spare_chunks: 0 })
  t.ok(((await queued())!.next_attempt_at as Date).getTime() < Date.now() + 1000, 'worse: it is due')
  t.equal(await census.retryRepairs(10, live), 1, 'the other one was put off')
  t.equal(await census.retryRepairs(10, live), 0)
})

t.test('queueParts: a part that is only to be moved is queued behind all that is endangered', async (t) => {
  const [toMove, inDanger] = await Promise.all(
    ['m/1', 'm/2'].map(async (key) => {
      const part = layout()
      await catalogue.commitObject(commit(bucket, key, { part }), live)
      return part.partId
    }),
  )
  await sql(`update storage_servers set status = 'draining' where server_number = 3`)
  t.same(await repairs.findUnwantedServers(live), { lost: [], leaving: [3] })
  await census.queueParts(
    [
      { partId: toMove!, missing: 0, spare: 2 },
      { partId: inDanger!, missing: 1, spare: 1 },
    ],
    live,
  )
  const queues = await meta.reports.readQueues(live)
  t.match(queues.repair, { parts: 1, toMove: 1, withoutSpare: 0 })
  const claimed = await repairs.claimRepairs({ rowsMax: 1, inHand: [] }, live)
  t.same(
    claimed.map(({ partId }) => partId),
    [inDanger],
  )
})

t.test(
  'setServerStatus: what was removed stays so, and a failed disk is not up because somebody says so',
  async (t) => {
    const set = (server: number, status: 'up' | 'draining' | 'removed') =>
      meta.servers.setServerStatus({ server: server as ServerNumber, status }, live)
    const statusOf = async (server: number) =>
      (await sql('select status from storage_servers where server_number = $1', [server]))[0]!.status
    t.equal(await set(99, 'draining'), 'unknown')
    t.equal(await set(4, 'draining'), 'ok')
    t.equal(await statusOf(4), 'draining')
    await sql(`update storage_servers set status = 'failed' where server_number = 4`)
    t.equal(await set(4, 'up'), 'ok')
    t.equal(await statusOf(4), 'failed')
    t.equal(await set(4, 'removed'), 'ok')
    t.equal(await set(4, 'removed'), 'ok')
    t.equal(await set(4, 'up'), 'removed')
    t.equal(await statusOf(4), 'removed')
  },
)
