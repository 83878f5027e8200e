import t from 'tap'
import type { PartId } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { payloadBytes } from '../../src/striping/layout.ts'
import type { RepairProgress } from '../../src/upkeep/repair/repair-job.ts'
import { live } from '../meta/fixture.ts'
import { whatIsWrong } from '../support/soundness.ts'
import { rotLarge } from '../support/spoil.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'
import { sextant } from '../support/up.ts'

const WAIT_MS = 60_000
const store = await openStore(6)
const upkeep = store.startUpkeep({
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
})
t.teardown(async () => {
  await upkeep[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
const { sql, meta } = store.fixture
const { nodes, engineDeps } = store

const allLayouts = async () => {
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  return (await meta.catalogue.findParts(ids, live)) as PartLayout[]
}
const whatIsWrongNow = async () =>
  whatIsWrong(
    engineDeps.chunks,
    await allLayouts(),
    [...store.cluster.servers().values()].filter(({ status }) => status !== 'removed').map(({ number }) => number),
  )
const isEmpty = async (server: number) =>
  !(await allLayouts()).some(({ servers }) => servers.some((each) => each === server))
const isSettled = async () => {
  const [left] = await sql('select (select count(*) from repair_queue) + (select count(*) from stray_chunks) as n')
  return Number(left!.n) === 0
}
const movedBytes = async () => {
  const job = (await meta.jobs.listJobs(live)).find(({ name }) => name === 'repair')
  return (job!.progress as Partial<RepairProgress>).movedBytes ?? 0
}
const run = (...args: string[]) => sextant('/nowhere', args, { DATABASE_URL: store.fixture.db.url }).ended

const bodies = new Map<string, Buffer>()
for (const size of [1, 700, 5_000, 300_000, 2_500_000]) {
  for (let n = 0; n < 4; n++) {
    bodies.set(`${size}/${n}`, someBytes(size))
    await store.put(`${size}/${n}`, bodies.get(`${size}/${n}`)!)
  }
}

t.test('drain: a server is emptied by copying, keeps serving meanwhile, and can then be removed', async (t) => {
  const before = await allLayouts()
  const onIt = before.reduce(
    (sum, layout) => sum + layout.servers.filter((server) => server === 2).length * payloadBytes(layout),
    0,
  )
  t.match(await run('node', 'remove', '2'), { code: 1, stderr: /^Server 2 is not known to be empty: .*\n$/ })
  t.match(await run('node', 'drain', '2'), { code: 0, stdout: /^server 2 is being emptied/ })
  await store.cluster.refresh(live)
  t.ok(engineDeps.chunks.isReachable(nodes[1]!.number), 'it is read as before')
  await eventually('it is empty', WAIT_MS, () => isEmpty(2))
  await eventually('nothing is left over on it', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
  for (const [key, bytes] of bodies) t.ok((await store.read(key)).equals(bytes), key)
  // Read once and written once; a rebuild would read six times as much.
  const moved = await movedBytes()
  t.ok(moved > 1.9 * onIt && moved < 2.1 * onIt, `${moved} bytes moved for ${onIt}`)
  await store.put('meanwhile', someBytes(5_000))
  t.ok(await isEmpty(2), 'new chunks go elsewhere')
  await eventually('it may be removed', WAIT_MS, async () => (await run('node', 'remove', '2')).code === 0)
  await store.cluster.refresh(live)
  t.match(await run('node', 'uncordon', '2'), { code: 1, stderr: 'Server 2 was removed, and stays so.\n' })
  t.match(await run('node', 'drain', '77'), { code: 1, stderr: /^There is no storage server 77: / })
})

t.test('drain: what is rotten there is made anew of the others', async (t) => {
  const layout = (await allLayouts()).find(
    ({ sizeBytes, servers }) => sizeBytes > 1_000_000 && servers.includes(nodes[4]!.number),
  )!
  const index = layout.servers.indexOf(nodes[4]!.number)
  await rotLarge(nodes[4]!.directory, { partId: layout.partId, index })
  await run('node', 'drain', '5')
  await eventually('it is empty', WAIT_MS, () => isEmpty(5))
  await eventually('nothing is left over on it', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

t.test('uncordon: a drain is taken back; cordon: what is there stays, and nothing comes', async (t) => {
  await run('node', 'cordon', '3')
  await store.cluster.refresh(live)
  await run('node', 'uncordon', '5')
  await store.cluster.refresh(live)
  t.notOk(await isEmpty(3))
  const partId = await store.put('after', someBytes(5_000))
  const [layout] = await meta.catalogue.findParts([partId], live)
  t.notOk(layout!.servers.includes(nodes[2]!.number))
  const listed = JSON.parse((await run('node', 'list', '--json')).stdout) as { number: number; status: string }[]
  t.same(
    listed.map(({ number, status }) => [number, status]),
    [
      [1, 'up'],
      [2, 'removed'],
      [3, 'cordoned'],
      [4, 'up'],
      [5, 'up'],
      [6, 'up'],
    ],
  )
})
