import t from 'tap'
import type { PartId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { rebuildChunks } from '../../src/engine/rebuild-chunks.ts'
import type { SweepDeps } from '../../src/upkeep/deps.ts'
import type { RepairDeps } from '../../src/upkeep/repair/deps.ts'
import { type ChunkCondition, examineChunks } from '../../src/upkeep/repair/examine-chunks.ts'
import { repairPart } from '../../src/upkeep/repair/repair-part.ts'
import { sweepStrays } from '../../src/upkeep/sweep-strays.ts'
import { live } from '../meta/fixture.ts'
import { copyElsewhere } from '../support/copy-chunk.ts'
import { rotSmall } from '../support/spoil.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'

/* Gateways that sleep (SIGSTOP) at the worst moment: between knowing that a chunk may be deleted, and saying so. */

const store = await openStore(6)
t.teardown(() => store[Symbol.asyncDispose]())
const { meta, sql } = store.fixture
const { chunks } = store.engineDeps
const numbers = store.nodes.map(({ number }) => number)

const layoutOf = async (partId: PartId) => (await meta.catalogue.findParts([partId], live))[0]!
async function conditionOf(partId: PartId, index: number): Promise<ChunkCondition> {
  return (await examineChunks({ chunks }, await layoutOf(partId), [index], live)).get(index)!
}
const sweeper: SweepDeps = {
  catalogue: meta.upkeep,
  chunks,
  cluster: store.cluster,
  log: silentLog,
  touchable: new Set(numbers),
}

t.test('a sweep that sleeps after its claim deletes nothing that a repair wrote there meanwhile', async (t) => {
  const partId = await store.put('swept', someBytes(5_000))
  const layout = await layoutOf(partId)
  const server = await copyElsewhere(chunks, layout, 2)
  await sql(`insert into stray_chunks values ($1, 2, $2, 'left over', now())`, [partId, server])
  let sleeps = 0
  const meanwhile = async () => {
    await sweepStrays(sweeper, live)
    t.same(await sql('select from stray_chunks'), [], 'another sweep, once the first one lost its lock')
    await meta.repairs.planRepair({ partId, moves: [{ index: 2, server }] }, live)
    await copyElsewhere(chunks, layout, 2)
    const commit = { partId, before: layout.servers, lost: [], leaving: [], graceMs: 3_600_000 }
    const outcome = await meta.repairs.commitRepair({ ...commit, moves: [{ index: 2, server }], settled: [2] }, live)
    t.equal(outcome, 'ok', 'a repair names the chunk where the stray was')
  }
  const claimStrays: SweepDeps['catalogue']['claimStrays'] = async (query, signal) => {
    const claimed = await meta.upkeep.claimStrays(query, signal)
    if (claimed.length > 0 && sleeps++ === 0) await meanwhile()
    return claimed
  }
  await sweepStrays({ ...sweeper, catalogue: { ...meta.upkeep, claimStrays } }, live)
  t.equal(sleeps, 1)
  t.equal((await layoutOf(partId)).servers[2], server)
  t.equal(await conditionOf(partId, 2), 'sound')
})

t.test('a repair that sleeps after its look deletes nothing that another one put right meanwhile', async (t) => {
  const bytes = someBytes(60_000)
  const partId = await store.put('repaired', bytes)
  const layout = await layoutOf(partId)
  const directory = store.nodes.find(({ number }) => number === layout.servers[0])!.directory
  await rotSmall(directory, bytes.subarray(100, 200))
  // Nowhere else: it goes back to where it was.
  await sql(`update storage_servers set status = 'cordoned' where server_number <> $1`, [layout.servers[0]!])
  await store.cluster.refresh(live)
  const deps: RepairDeps = {
    ...store.engineDeps,
    catalogue: meta.repairs,
    rebuilder: {
      rebuild: (order, signal) => rebuildChunks(store.engineDeps, order, signal),
      copy: () => Promise.reject(new Error('nothing is to be copied')),
    },
  }
  const entry = { partId, layout, damaged: [0] }
  const options = { lost: [], leaving: [], graceMs: 0, pace: async () => {} }
  const meanwhile = async () => t.equal((await repairPart(deps, entry, options, live)).outcome, 'ok')
  let looks = 0
  const sleeper: RepairDeps = {
    ...deps,
    chunks: {
      statServer: (...args) => chunks.statServer(...args),
      isReachable: (...args) => chunks.isReachable(...args),
      deleteChunks: (...args) => chunks.deleteChunks(...args),
      async *verifyChunks(server, names, signal) {
        for await (const verdict of chunks.verifyChunks(server, names, signal)) {
          if (verdict.index === 0) looks += 1
          if (verdict.index === 0 && looks === 2) await meanwhile()
          yield verdict
        }
      },
    },
  }
  await t.rejects(repairPart(sleeper, entry, options, live), { message: /written since/ })
  t.equal(looks, 2, 'at what is damaged, then at where it is to be written')
  t.equal(await conditionOf(partId, 0), 'sound')
  t.ok((await store.read('repaired')).equals(bytes))
})
