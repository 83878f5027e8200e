import t from 'tap'
import type { PartId } from '../../../src/base/ids.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import type { RebalancePlan } from '../../../src/upkeep/rebalance/count-moves.ts'
import type { RebalanceProgress } from '../../../src/upkeep/rebalance/rebalance-job.ts'
import { live } from '../../meta/fixture.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { eventually } from '../../support/store.ts'
import { openStore, someBytes } from '../../support/store-in-process.ts'
import { sextant } from '../../support/up.ts'

const WAIT_MS = 60_000
const store = await openStore(6)
const start = (more: Record<string, string> = {}) =>
  store.startUpkeep({
    SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
    SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
    SEXTANT_REPAIR_GRACE_SECONDS: '600',
    ...more,
  })
let upkeep = start()
t.teardown(async () => {
  await upkeep[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
const { sql, meta } = store.fixture
const { chunks } = store.engineDeps

const allLayouts = async () => {
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  return (await meta.catalogue.findParts(ids, live)) as PartLayout[]
}
const whatIsWrongNow = async () =>
  whatIsWrong(
    chunks,
    await allLayouts(),
    store.nodes.map(({ number }) => number),
  )
const chunksOn = async (server: number) =>
  (await allLayouts()).reduce((sum, { servers }) => sum + servers.filter((each) => each === server).length, 0)
const job = async () => (await meta.jobs.listJobs(live)).find(({ name }) => name === 'rebalance')!
const progress = async () => (await job()).progress as RebalanceProgress
const isIdle = async () => (await job()).state === 'idle'
const run = (...args: string[]) => sextant('/nowhere', args, { DATABASE_URL: store.fixture.db.url }).ended
const plan = async () => JSON.parse((await run('rebalance', '--dry-run', '--json')).stdout) as RebalancePlan
/** The copies that were replaced go now, and not only after the grace. */
const sweepStrays = async () => {
  await sql('update stray_chunks set delete_after = now()')
  const isSwept = async () => (await sql('select from stray_chunks limit 1')).length === 0
  await eventually('the old copies are deleted', WAIT_MS, isSwept)
}

const bodies = new Map<string, Buffer>()
for (let n = 0; n < 60; n++) bodies.set(`small/${n}`, someBytes(5_000))
for (let n = 0; n < 12; n++) bodies.set(`large/${n}`, someBytes(2_500_000))
for (const [key, bytes] of bodies) await store.put(key, bytes)
const allRead = async (t: { ok(value: boolean, name: string): unknown }) => {
  for (const [key, bytes] of bodies) t.ok((await store.read(key)).equals(bytes), key)
}

t.test('rebalance: a new server gets its share, just what the plan says, and nothing else is moved', async (t) => {
  t.match(await run('rebalance', '--dry-run'), { code: 0, stdout: /^to move {4}0 chunks of 72 parts, 0 B\n/ })
  const added = await store.addNode()
  const before = await allLayouts()
  const planned = await plan()
  const share = (8 * bodies.size) / 7
  t.ok(planned.toMove.chunks > 0.7 * share && planned.toMove.chunks < 1.3 * share, `${planned.toMove.chunks} to move`)
  t.equal(await chunksOn(added.number), 0, 'nothing moves by itself, nor by asking')

  const moved = await run('rebalance', '--wait')
  t.match(moved, { code: 0, stdout: /\nrebalance {2}idle\nlast time {2}began .* moved \(\d+ chunks\), 0 failures\n$/ })
  const { last } = await progress()
  t.match(last, { moved: planned.toMove, toMove: planned.toMove, failures: 0, leftOut: 0 })
  t.ok((await chunksOn(added.number)) > 0.7 * share)
  t.match(await run('rebalance', '--dry-run'), { code: 0, stdout: /^to move {4}0 chunks / })
  await allRead(t)

  const strays = await sql(
    `select from stray_chunks where state = 'left over' and delete_after > now() + interval '50 min'`,
  )
  t.equal(strays.length, planned.toMove.chunks, 'the old copies stay for the downloads that began before')
  const wrong = await whatIsWrong(
    chunks,
    before,
    store.nodes.slice(0, 6).map(({ number }) => number),
  )
  t.same(wrong, [], 'whoever read the row before still finds all of it')
  await sweepStrays()
  t.same(await whatIsWrongNow(), [])
  await allRead(t)
})

t.test('rebalance: paused it stops, broken off it goes on, and moves nothing twice', async (t) => {
  await upkeep[Symbol.asyncDispose]()
  upkeep = start({ SEXTANT_REBALANCE_BYTES_PER_SECOND: '1 MiB' })
  const added = await store.addNode()
  const planned = await plan()
  await run('rebalance')
  const hasMoved = async () => ((await progress()).pass?.moved.chunks ?? 0) > 0
  await eventually('it moves', WAIT_MS, hasMoved)
  await run('rebalance', '--pause')
  await eventually(
    'it has stopped',
    WAIT_MS,
    async () => (await sql(`select from jobs where name = 'rebalance' and runner is null`)).length === 1,
  )
  const there = await chunksOn(added.number)
  t.ok(there < planned.toMove.chunks, 'it was broken off in the middle')
  t.match(JSON.parse((await run('rebalance', '--status', '--json')).stdout), {
    state: 'paused',
    pass: { phase: 'move' },
  })

  await upkeep[Symbol.asyncDispose]()
  upkeep = start()
  await run('rebalance', '--resume')
  await eventually('it comes to its end', WAIT_MS, isIdle)
  const { moved, failures } = (await progress()).last!
  // Those whose commit was broken off are not known to be moved.
  const known = `${moved.chunks} of ${planned.toMove.chunks} are known to be moved`
  t.ok(moved.chunks <= planned.toMove.chunks && moved.chunks > 0.8 * planned.toMove.chunks && failures === 0, known)
  t.match(await plan(), { toMove: { chunks: 0, bytes: 0 } })
  await sweepStrays()
  t.same(await whatIsWrongNow(), [], 'with eight servers, every chunk on one of its own')
  await allRead(t)
})

t.test('rebalance: while a server is down it waits; when another one comes it counts anew', async (t) => {
  await store.nodes[1]!.stop()
  await sql(`update storage_servers set last_heartbeat_at = now() - interval '5 min' where server_number = 2`)
  const added = await store.addNode()
  await run('rebalance')
  await eventually('it waits', WAIT_MS, async () => (await progress()).pass?.waitsFor === 'server 2, which is down')
  t.match(await run('rebalance', '--status'), { stdout: /^rebalance {2}\w+ for server 2, which is down\n/ })
  t.equal(await chunksOn(added.number), 0)
  await store.addNode()
  await store.nodes[1]!.start()
  await eventually('it comes to its end', WAIT_MS, isIdle)
  t.match(await plan(), { toMove: { chunks: 0 } }, 'both new servers have their share')
  await sweepStrays()
  t.same(await whatIsWrongNow(), [])
  await allRead(t)
})

t.test('rebalance: parts that repair has to do with are left to it', async (t) => {
  await upkeep[Symbol.asyncDispose]()
  await sql(`update jobs set is_paused = true where name in ('repair', 'census')`)
  upkeep = start()
  await run('node', 'drain', '1')
  const onIt = (await allLayouts()).filter(({ servers }) => servers.includes(store.nodes[0]!.number)).length
  await store.cluster.refresh(live)
  await run('rebalance')
  await eventually(
    'it comes to its end',
    WAIT_MS,
    async () => (await isIdle()) && (await progress()).last?.leftOut !== 0,
  )
  t.equal((await progress()).last!.leftOut, onIt)
  t.equal((await allLayouts()).filter(({ servers }) => servers.includes(store.nodes[0]!.number)).length, onIt)
})
