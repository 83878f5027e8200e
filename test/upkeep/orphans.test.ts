import t from 'tap'
import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { OrphansProgress } from '../../src/upkeep/orphans/orphans-job.ts'
import { commit, live } from '../meta/fixture.ts'
import { copyElsewhere } from '../support/copy-chunk.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'

const WAIT_MS = 60_000
const QUICK = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '3600',
  SEXTANT_ORPHAN_PERIOD_SECONDS: '3600',
}
const NO_AGE = { ...QUICK, SEXTANT_ORPHAN_AGE_SECONDS: '0' }

const store = await openStore(6)
t.teardown(() => store[Symbol.asyncDispose]())
const { meta, sql } = store.fixture
const { engineDeps, nodes } = store
const { chunks } = engineDeps

const layoutOf = async (partId: PartId) => (await meta.catalogue.findParts([partId], live))[0]!
const job = async () => (await meta.jobs.listJobs(live)).find(({ name }) => name === 'orphans')!
const lastPass = async () => ((await job()).progress as OrphansProgress).last
/** Wakes the search, and waits for the end of a pass that began since. */
async function wholePass(): Promise<NonNullable<OrphansProgress['last']>> {
  const before = await lastPass()
  await meta.jobs.wakeJob('orphans', live)
  await eventually('the pass is over', WAIT_MS, async () => (await lastPass())?.startedAt !== before?.startedAt)
  return (await lastPass())!
}
async function isThere(server: ServerNumber, { partId }: PartLayout, index: number): Promise<boolean> {
  for await (const { failure } of chunks.describeChunks(server, [{ partId, index }], live)) return !failure
  throw new Error('the node did not answer')
}
/** Of a part that nobody knows, and whose session nobody knows. */
async function leave(key: string): Promise<PartLayout> {
  const layout = await layoutOf(await store.put(key, someBytes(600)))
  await sql('delete from objects where key = $1', [key])
  await sql('delete from parts where part_id = $1', [layout.partId])
  return layout
}
const bytes = someBytes(5_000)
const partId = await store.put('kept', bytes)

t.test('orphans: young chunks are let be; old ones that no part refers to are deleted', async (t) => {
  const left = await leave('a')
  {
    await using _upkeep = store.startUpkeep(QUICK)
    t.match(await wholePass(), { chunks: 0, deleted: { chunks: 0 } })
  }
  await using _upkeep = store.startUpkeep(NO_AGE)
  t.match(await wholePass(), { chunks: 16, deleted: { chunks: 8, bytes: 8 * 104 }, kept: { chunks: 0 }, skipped: [] })
  for (const [index, server] of left.servers.entries()) t.notOk(await isThere(server, left, index))
  t.match(await wholePass(), { chunks: 8, deleted: { chunks: 0 } })
  t.ok((await store.read('kept')).equals(bytes))
})

t.test(
  'orphans: a copy that lies where its part does not have it is deleted, the one that counts is not',
  async (t) => {
    const layout = await layoutOf(partId)
    const elsewhere = await copyElsewhere(chunks, layout, 2)
    await using _upkeep = store.startUpkeep(NO_AGE)
    t.match(await wholePass(), { deleted: { chunks: 1 } })
    t.notOk(await isThere(elsewhere, layout, 2))
    t.ok(await isThere(layout.servers[2]!, layout, 2))
    t.same(await sql('select from stray_chunks'), [])
  },
)

t.test(
  'orphans: a copy elsewhere that is the only one is not deleted; its part has it there from then on',
  async (t) => {
    const layout = await layoutOf(partId)
    const elsewhere = await copyElsewhere(chunks, layout, 5)
    await chunks.deleteChunks(layout.servers[5]!, [{ partId, index: 5 }], live)
    await using _upkeep = store.startUpkeep(NO_AGE)
    t.match(await wholePass(), { deleted: { chunks: 0 }, moved: { chunks: 1 } })
    t.equal((await layoutOf(partId)).servers[5], elsewhere)
    t.ok(await isThere(elsewhere, layout, 5))
    t.match(await wholePass(), { deleted: { chunks: 0 }, moved: { chunks: 0 } })
  },
)

t.test('orphans: what others see to is left to them', async (t) => {
  const layout = await layoutOf(partId)
  const elsewhere = await copyElsewhere(chunks, layout, 3)
  await sql(`insert into stray_chunks values ($1, 3, $2, 'being written', now() + interval '1 hour')`, [
    partId,
    elsewhere,
  ])
  const { session } = await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)
  engineDeps.settings.session = session
  const underWay = await leave('b')
  await store.put('doomed', someBytes(700))
  await store.delete('doomed')
  await using _upkeep = store.startUpkeep(NO_AGE)
  t.match(await wholePass(), { deleted: { chunks: 0 } })
  t.ok(await isThere(elsewhere, layout, 3), 'a repair is writing it')
  t.ok(await isThere(underWay.servers[0]!, underWay, 0), 'its gateway is at work')
  await sql('delete from stray_chunks')
  t.match(await wholePass(), { deleted: { chunks: 1 } })
})

t.test('claimOrphans: what is claimed can no longer be committed, and what was committed is not claimed', async (t) => {
  engineDeps.settings.session = 4711
  const left = await leave('c')
  const server = left.servers[0]!
  const query = { server, chunks: [{ partId: left.partId, index: 0 }] }
  t.same(await meta.orphans.claimOrphans(query, live), [{ partId: left.partId, index: 0, isStray: false }])
  const late = commit(store.fixture.bucket, 'late', { part: left, sizeBytes: left.sizeBytes })
  await t.rejects(meta.catalogue.commitObject(late, live), { code: 'ServiceUnavailable' })
  engineDeps.settings.session = 7
  const layout = await layoutOf(partId)
  const named = { server: layout.servers[4]!, chunks: [{ partId, index: 4 }] }
  t.same(await meta.orphans.claimOrphans(named, live), [], 'whoever asks')
  t.same(await sql('select from stray_chunks'), [])
})

t.test('orphans: a server that does not answer is skipped and told, and searched again soon', async (t) => {
  const [node] = nodes
  await node!.stop()
  await using _upkeep = store.startUpkeep({ ...NO_AGE, SEXTANT_ORPHAN_PERIOD_SECONDS: '86400' })
  const pass = await wholePass()
  t.same(pass.skipped, [node!.number])
  const dueInMs = (await job()).dueAt!.getTime() - Date.parse(pass.startedAt)
  t.ok(Math.abs(dueInMs - 3_600_000) < 60_000, `${dueInMs} ms`)
  await node!.start()
})

t.test('orphans: a pass that was broken off goes on where it was', async (t) => {
  const done = nodes.slice(0, 5).map(({ number }) => number)
  const none = { chunks: 0, bytes: 0 }
  const tally = { chunks: 100, deleted: none, moved: none, kept: none, skipped: [] }
  const pass = { startedAt: new Date().toISOString(), done, ...tally }
  await sql(`update jobs set progress = $1, due_at = now() where name = 'orphans'`, [{ pass }])
  await using _upkeep = store.startUpkeep(NO_AGE)
  await eventually('the pass is over', WAIT_MS, async () => (await lastPass())?.startedAt === pass.startedAt)
  const { chunks: looked } = (await lastPass())!
  t.ok(looked > 100 && looked < 100 + 30, `${looked} chunks`)
})
