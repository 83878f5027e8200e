import t from 'tap'
import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { rebuildChunks } from '../../src/engine/rebuild-chunks.ts'
import type { Rebuilder, RepairEntry } from '../../src/upkeep/ports/repair.ts'
import type { RepairDeps } from '../../src/upkeep/repair/deps.ts'
import type { RepairProgress } from '../../src/upkeep/repair/repair-job.ts'
import { repairPart } from '../../src/upkeep/repair/repair-part.ts'
import { live } from '../meta/fixture.ts'
import { whatIsWrong } from '../support/soundness.ts'
import { removeLarge, rotLarge, rotSmall } from '../support/spoil.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'

const WAIT_MS = 60_000
/** Everything at once; what was replaced is deleted by the next sweep. */
const QUICK = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
}
const AT_ONCE = { lost: [], leaving: [], graceMs: 0, pace: async () => {} }
/** Whole messages in segments, and streams in files. */
const SIZES = [1, 5_000, 300_000, 2_500_000]

const store = await openStore(6)
t.teardown(() => store[Symbol.asyncDispose]())
const { sql, meta } = store.fixture

const countOf = async (table: string) => Number((await sql(`select count(*) as n from ${table}`))[0]!.n)
const isSettled = async () => (await countOf('repair_queue')) === 0 && (await countOf('stray_chunks')) === 0
const allLayouts = async () => {
  const rows = await sql('select part_id from parts where refs > 0')
  const ids = rows.map((row) => row.part_id as PartId)
  return (await meta.catalogue.findParts(ids, live)) as PartLayout[]
}
const layoutOf = async (partId: PartId) => (await meta.catalogue.findParts([partId], live))[0]!
const whatIsWrongNow = async () =>
  whatIsWrong(
    store.engineDeps.chunks,
    await allLayouts(),
    store.nodes.map(({ number }) => number),
  )
const progress = async () => {
  const job = (await meta.jobs.listJobs(live)).find(({ name }) => name === 'repair')
  return job!.progress as RepairProgress
}
const directoryOf = ({ servers }: PartLayout, index: number) =>
  store.nodes.find(({ number }) => number === servers[index])!.directory

const depsWith = (rebuild: Rebuilder['rebuild']): RepairDeps => ({
  ...store.engineDeps,
  catalogue: meta.repairs,
  rebuilder: { rebuild, copy: () => Promise.reject(new Error('nothing is to be copied')) },
})

async function putAll(prefix: string): Promise<{ key: string; bytes: Buffer; partId: PartId }[]> {
  return await Promise.all(
    SIZES.map(async (size) => {
      const [key, bytes] = [`${prefix}/${size}`, someBytes(size)]
      return { key, bytes, partId: await store.put(key, bytes) }
    }),
  )
}

t.test('chunks that are nowhere are rebuilt: byte-exact, spread, each where its row says', async (t) => {
  const puts = await putAll('nowhere')
  for (const { partId } of puts) {
    const { servers } = await layoutOf(partId)
    for (const index of [1, 6]) {
      await store.engineDeps.chunks.deleteChunks(servers[index]!, [{ partId, index }], live)
      await sql('update parts set servers[$2] = 0 where part_id = $1', [partId, index + 1])
    }
    await sql(`insert into repair_queue (part_id, missing_chunks, spare_chunks, reason) values ($1, 2, 0, 'test')`, [
      partId,
    ])
  }
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('all is repaired', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
  for (const { key, bytes } of puts) t.ok((await store.read(key)).equals(bytes), key)
  const { parts, ...rest } = await progress()
  t.match(rest, { chunks: 2 * SIZES.length, failures: 0 })
  // A census that read its row before may have one looked at again, and nothing is to do.
  t.ok(parts >= SIZES.length, `${parts} parts`)
})

t.test('rotten and missing chunks that reads meet are rebuilt behind them', async (t) => {
  const small = someBytes(60_000)
  const large = someBytes(5_000_000)
  const [smallId, largeId] = await Promise.all([store.put('met/small', small), store.put('met/large', large)])
  const [smallLayout, largeLayout] = [await layoutOf(smallId), await layoutOf(largeId)]
  await rotSmall(directoryOf(smallLayout, 2), small.subarray(20_100, 20_200))
  await rotLarge(directoryOf(largeLayout, 0), { partId: largeId, index: 0 })
  await removeLarge(directoryOf(largeLayout, 5), { partId: largeId, index: 5 })
  t.not((await whatIsWrongNow()).length, 0)
  await using _upkeep = store.startUpkeep(QUICK)
  const before = await progress()
  t.ok((await store.read('met/small')).equals(small))
  t.ok((await store.read('met/large')).equals(large))
  await eventually('what was met is queued and repaired', WAIT_MS, async () => {
    return (await progress()).parts >= before.parts + 2 && (await isSettled())
  })
  t.same(await whatIsWrongNow(), [])
  t.equal((await progress()).chunks, before.chunks + 3)
  t.ok((await store.read('met/large')).equals(large))
})

t.test('a report that is not true changes nothing', async (t) => {
  const partId = await store.put('slandered', someBytes(5_000))
  const before = await layoutOf(partId)
  const { chunks } = await progress()
  for (const index of [0, 7]) {
    store.engineDeps.damage.reportDamage({ partId, index, server: before.servers[index]!, why: 'slander' })
  }
  await eventually('it is queued', WAIT_MS, async () => (await countOf('repair_queue')) === 1)
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('it is dropped', WAIT_MS, isSettled)
  t.same(await layoutOf(partId), before)
  t.equal((await progress()).chunks, chunks)
})

t.test('what cannot be repaired is kept, with the reason, and holds nothing up', async (t) => {
  const lost = await Promise.all([1, 2, 3].map((n) => store.put(`lost/${n}`, someBytes(5_000))))
  for (const partId of lost) {
    const { servers } = await layoutOf(partId)
    for (const index of [0, 3, 7])
      await store.engineDeps.chunks.deleteChunks(servers[index]!, [{ partId, index }], live)
    await sql('update parts set servers[1] = 0 where part_id = $1', [partId])
    await sql(`insert into repair_queue (part_id, missing_chunks, spare_chunks, reason) values ($1, 3, 0, 'test')`, [
      partId,
    ])
  }
  const fine = await store.put('fine', someBytes(5_000))
  const { servers } = await layoutOf(fine)
  await store.engineDeps.chunks.deleteChunks(servers[4]!, [{ partId: fine, index: 4 }], live)
  await meta.repairs.queueDamage([{ partId: fine, index: 4, server: servers[4]!, why: 'test' }], live)
  await using _upkeep = store.startUpkeep(QUICK)
  const tried = async () => await sql('select error from repair_queue where error is not null')
  await eventually('all were tried, and the other one is repaired', WAIT_MS, async () => {
    return (await countOf('repair_queue')) === 3 && (await tried()).length === 3
  })
  const rows = await tried()
  for (const { error } of rows) t.match(error, /DataUnavailable.*readable blocks/)
  for (const n of [1, 2, 3]) await store.delete(`lost/${n}`)
  await sql('update repair_queue set next_attempt_at = now()')
  await sql('update stray_chunks set delete_after = now()')
  await eventually('what is not wanted any more is dropped', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

t.test('an attempt that was killed before its commit: where the next one goes elsewhere, nothing stays', async (t) => {
  const partId = await store.put('killed', someBytes(5_000))
  const { servers } = await layoutOf(partId)
  await store.engineDeps.chunks.deleteChunks(servers[0]!, [{ partId, index: 0 }], live)
  await sql('update parts set servers[1] = 0 where part_id = $1', [partId])
  const entry = { partId, layout: await layoutOf(partId), damaged: [] }
  const deps = depsWith(async (order, signal) => {
    await rebuildChunks(store.engineDeps, order, signal)
    throw new Error('killed')
  })
  await t.rejects(repairPart(deps, entry, AT_ONCE, live), {
    message: 'killed',
  })
  const [{ server_number: target }] = (await sql('select server_number from stray_chunks')) as [Record<string, unknown>]
  t.match(await whatIsWrongNow(), [/is not named$/, /^chunk 0 of .* on 0$/])
  await sql(`update storage_servers set status = 'cordoned' where server_number = $1`, [target])
  await store.cluster.refresh(live)
  await sql(`insert into repair_queue (part_id, missing_chunks, reason) values ($1, 1, 'test')`, [partId])
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('it is repaired', WAIT_MS, async () => (await countOf('repair_queue')) === 0)
  t.not((await layoutOf(partId)).servers[0], target)
  await sql('update stray_chunks set delete_after = now()')
  await eventually('nothing is left over', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
  await sql(`update storage_servers set status = 'up'`)
  await store.cluster.refresh(live)
})

t.test(
  'a gateway that sleeps between its plan and its writing deletes nothing that another one wrote there',
  async (t) => {
    const partId = await store.put('slept', someBytes(5_000))
    const { servers } = await layoutOf(partId)
    await store.engineDeps.chunks.deleteChunks(servers[0]!, [{ partId, index: 0 }], live)
    await sql('update parts set servers[1] = 0 where part_id = $1', [partId])
    const entry = { partId, layout: await layoutOf(partId), damaged: [] }
    const rebuild: Rebuilder['rebuild'] = (order, signal) => rebuildChunks(store.engineDeps, order, signal)
    // One that was killed left a copy there.
    const killed = depsWith(async (order, signal) => {
      await rebuild(order, signal)
      throw new Error('killed')
    })
    await t.rejects(repairPart(killed, entry, AT_ONCE, live), { message: 'killed' })
    const deleted: unknown[] = []
    const sleeper = depsWith(rebuild)
    sleeper.chunks = {
      ...sleeper.chunks,
      verifyChunks: (...args) => store.engineDeps.chunks.verifyChunks(...args),
      deleteChunks: async (server, chunks) => void deleted.push(server, chunks),
    }
    sleeper.catalogue = {
      ...meta.repairs,
      async planRepair(plan, signal) {
        const moves = await meta.repairs.planRepair(plan, signal)
        t.equal((await repairPart(depsWith(rebuild), entry, AT_ONCE, live)).outcome, 'ok', 'meanwhile another one')
        return moves
      },
    }
    t.equal((await repairPart(sleeper, entry, AT_ONCE, live)).outcome, 'changed')
    t.same(deleted, [])
    t.same(await whatIsWrongNow(), [])
    await using _upkeep = store.startUpkeep(QUICK)
    await eventually('nothing is left over', WAIT_MS, isSettled)
    t.same(await whatIsWrongNow(), [])
  },
)

t.test('a part that is deleted while it is repaired: its new chunk is deleted too', async (t) => {
  const partId = await store.put('deleted-meanwhile', someBytes(5_000))
  const layout = await layoutOf(partId)
  await sql('update parts set servers[1] = 0 where part_id = $1', [partId])
  await store.engineDeps.chunks.deleteChunks(layout.servers[0]!, [{ partId, index: 0 }], live)
  const deps = depsWith(async (order, signal) => {
    const made = await rebuildChunks(store.engineDeps, order, signal)
    await store.delete('deleted-meanwhile')
    return made
  })
  const entry = { partId, layout: await layoutOf(partId), damaged: [] }
  const { outcome } = await repairPart(deps, entry, AT_ONCE, live)
  t.equal(outcome, 'gone')
  t.not((await whatIsWrongNow()).length, 0, 'the chunks are still there')
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually(
    'all of the part is gone',
    WAIT_MS,
    async () => (await countOf('doomed_parts')) === 0 && (await isSettled()),
  )
  t.same(await whatIsWrongNow(), [])
})

/** A part without chunks 0 and 5, and a server that the ring says for chunk 0, on which lies a rotten copy of it. */
async function withCopyInTheWay(key: string): Promise<{ entry: RepairEntry; target: ServerNumber }> {
  const partId = await store.put(key, someBytes(3_000_000))
  const { servers } = await layoutOf(partId)
  for (const index of [0, 5]) await store.engineDeps.chunks.deleteChunks(servers[index]!, [{ partId, index }], live)
  await sql('update parts set servers[1] = 0 where part_id = $1', [partId])
  const killed = depsWith(async (order, signal) => {
    await rebuildChunks(store.engineDeps, order, signal)
    throw new Error('killed')
  })
  const [early, entry] = [
    { partId, layout: await layoutOf(partId), damaged: [] },
    { partId, layout: await layoutOf(partId), damaged: [5] },
  ]
  await t.rejects(repairPart(killed, early, AT_ONCE, live), { message: 'killed' })
  const [{ server_number: target }] = (await sql('select server_number from stray_chunks')) as [
    { server_number: ServerNumber },
  ]
  await rotLarge(store.nodes.find(({ number }) => number === target)!.directory, { partId, index: 0 })
  return { entry, target }
}

t.test('a copy that waits for its deletion where a chunk would go: it goes elsewhere, at once', async (t) => {
  const { entry, target } = await withCopyInTheWay('in-the-way')
  await sql(`update stray_chunks set state = 'left over', delete_after = now() + interval '1 day'`)
  const deps = depsWith((order, signal) => rebuildChunks(store.engineDeps, order, signal))
  t.match(await repairPart(deps, entry, AT_ONCE, live), { outcome: 'ok', chunks: 2, left: undefined })
  const { servers } = await layoutOf(entry.partId)
  t.not(servers[0], target)
  t.not(servers[0], 0)
  await sql('update stray_chunks set delete_after = now()')
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('nothing is left over', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

t.test('a server that refuses a chunk, for a copy that nobody knows of: it goes elsewhere, at once', async (t) => {
  const { entry, target } = await withCopyInTheWay('unknown')
  const { partId } = entry
  await sql('delete from stray_chunks')
  const deps = depsWith((order, signal) => rebuildChunks(store.engineDeps, order, signal))
  t.match(await repairPart(deps, entry, AT_ONCE, live), { outcome: 'ok', chunks: 2, left: undefined })
  t.not((await layoutOf(partId)).servers[0], target)
  const plans = await sql('select extract(epoch from delete_after - now()) as seconds from stray_chunks')
  t.equal(plans.length, 2, 'the copy that chunk 5 had, and the one that was refused')
  for (const { seconds } of plans) t.ok(Number(seconds) < 61)
  await sql('update stray_chunks set delete_after = now()')
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('nothing is left over', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
})

/** Only the server of chunk `index` takes chunks, until disposed. */
async function onlyServerOf({ servers }: PartLayout, index: number): Promise<AsyncDisposable> {
  await sql(`update storage_servers set status = 'cordoned' where server_number <> $1`, [servers[index]!])
  await store.cluster.refresh(live)
  return {
    async [Symbol.asyncDispose]() {
      await sql(`update storage_servers set status = 'up'`)
      await store.cluster.refresh(live)
    },
  }
}

t.test('where there is no other place, a rotten chunk is replaced where it lies', async (t) => {
  const bytes = someBytes(3_000_000)
  const partId = await store.put('in-place', bytes)
  const layout = await layoutOf(partId)
  await using _only = await onlyServerOf(layout, 3)
  await rotLarge(directoryOf(layout, 3), { partId, index: 3 })
  t.equal((await whatIsWrongNow()).length, 1)
  await meta.repairs.queueDamage([{ partId, index: 3, server: layout.servers[3]!, why: 'test' }], live)
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('it is repaired', WAIT_MS, isSettled)
  t.same(await whatIsWrongNow(), [])
  t.same((await layoutOf(partId)).servers, layout.servers)
  t.ok((await store.read('in-place')).equals(bytes))
})

t.test('a rotten chunk is not given up for its successor while there are not six sound others', async (t) => {
  const partId = await store.put('hopeless', someBytes(3_000_000))
  const layout = await layoutOf(partId)
  await using _only = await onlyServerOf(layout, 0)
  for (const index of [0, 3, 7]) await rotLarge(directoryOf(layout, index), { partId, index })
  const reports = [0, 3, 7].map((index) => ({ partId, index, server: layout.servers[index]!, why: 'test' }))
  await meta.repairs.queueDamage(reports, live)
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('it was tried', WAIT_MS, async () => {
    return (await sql('select from repair_queue where error is not null')).length === 1
  })
  const wrong = await whatIsWrongNow()
  t.equal(wrong.length, 3)
  for (const sentence of wrong) t.match(sentence, /corrupt$/, 'rotten, and not missing')
})
