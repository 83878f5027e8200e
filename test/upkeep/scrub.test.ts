import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { PartId } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { REPAIR_JOB } from '../../src/upkeep/repair/repair-job.ts'
import type { ScrubProgress } from '../../src/upkeep/scrub/scrub-job.ts'
import { live } from '../meta/fixture.ts'
import { whatIsWrong } from '../support/soundness.ts'
import { removeLarge, rotLarge, rotSmall } from '../support/spoil.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'

const WAIT_MS = 60_000
const QUICK = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
}

const store = await openStore(6)
t.teardown(() => store[Symbol.asyncDispose]())
const { sql, meta } = store.fixture
const { nodes, engineDeps } = store

const layoutOf = async (partId: PartId) => (await meta.catalogue.findParts([partId], live))[0]!
const directoryOf = ({ servers }: PartLayout, index: number) =>
  nodes.find(({ number }) => number === servers[index])!.directory
const whatIsWrongNow = async () => {
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  const layouts = (await meta.catalogue.findParts(ids, live)) as PartLayout[]
  const servers = nodes.map(({ number }) => number)
  return await whatIsWrong(engineDeps.chunks, layouts, servers)
}
const scrub = async () => (await meta.jobs.listJobs(live)).find(({ name }) => name === 'scrub')!
const lastPass = async () => ((await scrub()).progress as ScrubProgress).last
const isSettled = async () => {
  const [left] = await sql('select (select count(*) from repair_queue) + (select count(*) from stray_chunks) as n')
  return Number(left!.n) === 0
}
/** Until the pass is over: what is healed meanwhile is not found. */
const holdRepair = () => meta.jobs.pauseJob({ name: REPAIR_JOB, isPaused: true }, live)
/** Wakes the scrub, and waits for the end of a pass that began since; then what was found is repaired. */
async function wholePass(): Promise<NonNullable<ScrubProgress['last']>> {
  const before = await lastPass()
  await meta.jobs.wakeJob('scrub', live)
  await eventually('the pass is over', WAIT_MS, async () => (await lastPass())?.startedAt !== before?.startedAt)
  const pass = (await lastPass())!
  await meta.jobs.pauseJob({ name: REPAIR_JOB, isPaused: false }, live)
  return pass
}

const small = someBytes(60_000)
const large = someBytes(3_000_000)
const smallId = await store.put('small', small)
const largeId = await store.put('large', large)
for (let n = 0; n < 30; n++) await store.put(`more/${n}`, someBytes(500 + n))

t.test('scrub: a pass verifies every chunk, and the next one is due a period after it began', async (t) => {
  await using _upkeep = store.startUpkeep(QUICK)
  const pass = await wholePass()
  t.match(pass, { parts: 32, chunks: 8 * 32, damaged: 0, skipped: 0 })
  t.ok(pass.bytes > (8 / 6) * 3_060_000, `${pass.bytes} bytes`)
  const dueInMs = (await scrub()).dueAt!.getTime() - Date.parse(pass.startedAt)
  t.ok(Math.abs(dueInMs - 30 * 86_400_000) < 60_000, `${dueInMs} ms`)
  t.equal((await scrub()).state, 'waiting')
})

t.test('scrub: what is rotten or missing, in files and in segments, is found and repaired', async (t) => {
  const [ofSmall, ofLarge] = [await layoutOf(smallId), await layoutOf(largeId)]
  await rotSmall(directoryOf(ofSmall, 2), small.subarray(20_100, 20_200))
  await rotLarge(directoryOf(ofLarge, 7), { partId: largeId, index: 7 })
  await removeLarge(directoryOf(ofLarge, 1), { partId: largeId, index: 1 })
  await holdRepair()
  await using _upkeep = store.startUpkeep(QUICK)
  t.match(await wholePass(), { damaged: 3, skipped: 0 })
  await eventually('all is repaired', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
  t.ok((await store.read('small')).equals(small))
  t.ok((await store.read('large')).equals(large))
})

t.test('scrub: a chunk that is whole, and another one than its part says, is found', async (t) => {
  const layout = await layoutOf(smallId)
  const hashes = Buffer.from(layout.chunkHashes)
  hashes[3 * 32]! ^= 1
  await sql('update parts set chunk_hashes = $2 where part_id = $1', [smallId, hashes])
  const upkeep = store.startUpkeep(QUICK)
  t.match(await wholePass(), { damaged: 1 })
  await eventually('it was tried', WAIT_MS, async () => {
    return (await sql(`select from repair_queue where error ~ 'not what was written'`)).length === 1
  })
  t.same((await whatIsWrongNow()).length, 1, 'and the chunk that is there is not given up for it')
  await upkeep[Symbol.asyncDispose]()
  await sql('update parts set chunk_hashes = $2 where part_id = $1', [smallId, layout.chunkHashes])
  await sql('update repair_queue set next_attempt_at = now()')
  await sql('update stray_chunks set delete_after = now()')
  await using _again = store.startUpkeep(QUICK)
  await eventually('it is well', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

t.test('scrub: a node whose chunks are gone while it was off gets them back', async (t) => {
  const [node] = nodes
  await node!.stop()
  for (const name of ['chunks', 'segments']) await rm(join(node!.directory, name), { recursive: true })
  await node!.start()
  await store.cluster.refresh(live)
  const [held] = await sql(
    'select count(*)::int as n from parts p, unnest(p.servers) as s where p.refs > 0 and s = $1',
    [node!.number],
  )
  await holdRepair()
  await using _upkeep = store.startUpkeep(QUICK)
  t.match(await wholePass(), { damaged: held!.n, skipped: 0 })
  await eventually('all is repaired', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

t.test('scrub: a server that does not answer is passed over, told, and looked at again soon', async (t) => {
  const node = nodes[3]!
  await node.stop()
  await using _upkeep = store.startUpkeep(QUICK)
  const pass = await wholePass()
  t.ok(pass.skipped >= 32 && pass.damaged === 0, `${pass.skipped} chunks`)
  t.equal(pass.chunks + pass.skipped, 8 * 32)
  const dueInMs = (await scrub()).dueAt!.getTime() - Date.parse(pass.startedAt)
  t.ok(Math.abs(dueInMs - 86_400_000) < 60_000, `${dueInMs} ms`)
  await node.start()
  await store.cluster.refresh(live)
  t.match(await wholePass(), { skipped: 0, damaged: 0 })
})

t.test('scrub: a pass that was broken off goes on where it was', async (t) => {
  const ids = (await sql('select part_id from parts order by part_id')).map((row) => row.part_id as PartId)
  const startedAt = new Date().toISOString()
  const pass = { startedAt, after: ids[19], parts: 20, chunks: 160, bytes: 1, damaged: 0, skipped: 0 }
  await sql(`update jobs set progress = $1, due_at = now() where name = 'scrub'`, [{ pass }])
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('the pass is over', WAIT_MS, async () => (await lastPass())?.startedAt === startedAt)
  t.match(await lastPass(), { parts: 32, chunks: 256 })
})
