import t from 'tap'
import type { ObjectKey, PartId, ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { ChunkMove } from '../../src/upkeep/ports/repair.ts'
import { brokenReferences, commit, layout, live, newPartId, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, sql } = fixture
const { catalogue, repairs, upkeep } = meta
const HOUR_MS = 3_600_000

let made = 0
async function newPart(more: Partial<PartLayout> = {}): Promise<PartLayout & { key: ObjectKey }> {
  const part = layout(more)
  const key = `r/${made++}` as ObjectKey
  await catalogue.commitObject(commit(bucket, key, { part }), live)
  return { ...part, key }
}

const serversOf = async (partId: PartId) => (await catalogue.findParts([partId], live))[0]?.servers
const queued = async (partId: PartId) => (await sql('select * from repair_queue where part_id = $1', [partId]))[0]
const strays = async (partId: PartId) =>
  (
    await sql('select chunk_number, server_number, state from stray_chunks where part_id = $1 order by 1, 2', [partId])
  ).map((row) => [row.chunk_number, row.server_number, row.state])
const claim = async (rowsMax: number, inHand: readonly PartId[] = []) =>
  (await repairs.claimRepairs({ rowsMax, inHand }, live)).map(({ partId }) => partId)
t.beforeEach(async () => {
  await sql('delete from repair_queue')
  await sql('delete from stray_chunks')
})
const move = (index: number, server: number): ChunkMove => ({ index, server: server as ServerNumber })
const plan = (part: PartLayout, moves: readonly ChunkMove[]) => repairs.planRepair({ partId: part.partId, moves }, live)
const finish = (part: PartLayout, moves: readonly ChunkMove[], more = {}) =>
  repairs.commitRepair(
    { partId: part.partId, before: part.servers, moves, settled: [], lost: [], leaving: [], graceMs: HOUR_MS, ...more },
    live,
  )
const damage = (part: PartLayout, index: number, server = part.servers[index]!) => ({
  partId: part.partId,
  index,
  server,
  why: 'rotten',
})

t.test('claimRepairs: the fewest chunks to spare first, what nothing can be done for last', async (t) => {
  const parts = new Map<number, PartId>()
  for (const spare of [2, -1, 0, 1, -2]) {
    const { partId } = await newPart()
    parts.set(spare, partId)
    await sql(`insert into repair_queue (part_id, missing_chunks, spare_chunks, reason) values ($1, 1, $2, 'test')`, [
      partId,
      spare,
    ])
  }
  t.same(new Set(await claim(2)), new Set([parts.get(0), parts.get(1)]))
  t.same(await claim(1), [parts.get(2)])
  t.same(new Set(await claim(9)), new Set([parts.get(-1), parts.get(-2)]))
  t.same(await claim(9), [], 'an attempt counts from when it begins')
})

t.test(
  'claimRepairs: each attempt is due later than the one before, up to an hour; nobody is claimed twice',
  async (t) => {
    const { partId } = await newPart({ servers: [0, 2, 3, 4, 5, 6, 7, 8] as ServerNumber[] })
    const waits: number[] = []
    for (let attempt = 0; attempt < 12; attempt++) {
      await sql('update repair_queue set next_attempt_at = now()')
      t.same(await claim(5, [partId]), [], 'not while it is in hand')
      const [mine, theirs] = await Promise.all([claim(5), claim(5)])
      t.same([...mine, ...theirs], [partId])
      const [row] = await sql(
        'select extract(epoch from next_attempt_at - clock_timestamp())::float as wait from repair_queue',
      )
      waits.push(Math.round(row!.wait as number))
    }
    t.same(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600])
  },
)

t.test('claimRepairs: tells where the chunks are, and which are said to be damaged', async (t) => {
  const part = await newPart()
  await repairs.queueDamage([damage(part, 0), damage(part, 7)], live)
  const [entry] = await repairs.claimRepairs({ rowsMax: 1, inHand: [] }, live)
  const { key, ...expected } = part
  t.same(entry, { partId: part.partId, layout: expected, damaged: [0, 7] })
})

t.test('queueDamage: only of chunks that are where they were looked at, in parts that are wanted', async (t) => {
  const part = await newPart()
  const doomed = await newPart()
  await catalogue.deleteObjects(bucket.id, [doomed], live)
  const unknown = { ...part, partId: newPartId() }
  await repairs.queueDamage([damage(part, 2, 9 as ServerNumber), damage(doomed, 2), damage(unknown, 1)], live)
  t.same(await sql('select * from repair_queue'), [])
  t.equal(await repairs.queueDamage([damage(part, 2), damage(part, 5), damage(doomed, 1)], live), 2)
  t.match(await queued(part.partId), { damaged_chunks: 0b100100, missing_chunks: 2, spare_chunks: 0 })
})

t.test('queueDamage: told again it changes nothing, more of it is due at once', async (t) => {
  const part = await newPart()
  await repairs.queueDamage([damage(part, 2)], live)
  t.same(await claim(1), [part.partId])
  await repairs.queueDamage([damage(part, 2)], live)
  t.same(await claim(1), [])
  await repairs.queueDamage([damage(part, 3)], live)
  t.same(await claim(1), [part.partId])
  t.match(await queued(part.partId), { spare_chunks: 0 })
})

t.test('a repair: planned, committed, its old copy left over after a grace, its entry gone', async (t) => {
  const part = await newPart()
  await repairs.queueDamage([damage(part, 1)], live)
  t.same(await plan(part, [move(1, 11)]), [{ index: 1, server: 11, mayBeThere: false }])
  t.same(await strays(part.partId), [[1, 11, 'being written']])
  t.equal(await finish(part, [move(1, 11)], { settled: [1] }), 'ok')
  t.same(await serversOf(part.partId), [1, 11, 3, 4, 5, 6, 7, 8])
  t.same(await strays(part.partId), [[1, 2, 'left over']])
  t.equal(await queued(part.partId), undefined)
  t.same(await upkeep.claimStrays({ server: 2 as ServerNumber, rowsMax: 5 }, live), [], 'within its grace')
  t.equal(await finish(part, [move(1, 11)]), 'changed', 'a commit that is repeated does no harm')
  t.same(await strays(part.partId), [[1, 2, 'left over']], 'what the row names is not left over')
})

t.test('a repair of which something is left stays queued, with what it has to spare now', async (t) => {
  const part = await newPart({ servers: [0, 2, 3, 4, 5, 6, 7, 8] as ServerNumber[] })
  await repairs.queueDamage([damage(part, 1)], live)
  t.match(await queued(part.partId), { missing_chunks: 2, spare_chunks: 0 })
  await plan(part, [move(0, 11), move(1, 12)])
  t.equal(await finish(part, [move(0, 11)]), 'ok')
  t.match(await queued(part.partId), { missing_chunks: 1, spare_chunks: 1, damaged_chunks: 0b10 })
  t.same(await strays(part.partId), [[1, 12, 'left over']], 'what could not be written may have come there')
  const now = (await catalogue.findParts([part.partId], live))[0]!
  t.equal(await finish(now, [], { settled: [1], lost: [3] }), 'ok')
  t.match(await queued(part.partId), { missing_chunks: 1, spare_chunks: 1 }, 'a chunk on a lost server counts')
  t.equal(await finish(now, []), 'ok')
  t.equal(await queued(part.partId), undefined)
})

t.test('a part that was deleted meanwhile: gone, and what was written is left over', async (t) => {
  const part = await newPart()
  await repairs.queueDamage([damage(part, 1)], live)
  await plan(part, [move(1, 11)])
  await catalogue.deleteObjects(bucket.id, [part], live)
  t.equal(await finish(part, [move(1, 11)]), 'gone')
  t.same(await strays(part.partId), [[1, 11, 'left over']])
  t.equal(await queued(part.partId), undefined)
  t.same(await serversOf(part.partId), part.servers, 'the doomed row is as it was')
  const stray = { partId: part.partId, index: 1, server: 11 as ServerNumber }
  t.same(await upkeep.claimStrays({ server: stray.server, rowsMax: 5 }, live), [stray])
  await upkeep.forgetStrays([stray], live)
  t.same(await strays(part.partId), [])
})

t.test('a row that changed meanwhile: changed, and what was written is left over', async (t) => {
  const part = await newPart()
  await plan(part, [move(1, 11)])
  await sql('update parts set servers[3] = 12 where part_id = $1', [part.partId])
  t.equal(await finish(part, [move(1, 11)]), 'changed')
  t.same(await serversOf(part.partId), [1, 2, 12, 4, 5, 6, 7, 8])
  t.same(await strays(part.partId), [[1, 11, 'left over']])
})

t.test(
  'two gateways that repair one part: one commits, the other is told, and no copy in use is deleted',
  async (t) => {
    const part = await newPart()
    await plan(part, [move(1, 11)])
    await plan(part, [move(1, 11)])
    t.same((await Promise.all([finish(part, [move(1, 11)]), finish(part, [move(1, 11)])])).sort(), ['changed', 'ok'])
    t.same(await serversOf(part.partId), [1, 11, 3, 4, 5, 6, 7, 8])
    t.same(await strays(part.partId), [[1, 2, 'left over']])
  },
)

t.test('a plan whose chunk is being deleted: no new plan there, and no commit of the old one', async (t) => {
  const part = await newPart()
  await plan(part, [move(1, 11), move(2, 12)])
  await sql(`update stray_chunks set delete_after = now() where part_id = $1 and server_number = 11`, [part.partId])
  const stray = { partId: part.partId, index: 1, server: 11 as ServerNumber }
  t.same(await upkeep.claimStrays({ server: stray.server, rowsMax: 5 }, live), [stray])
  t.same(await plan(part, [move(1, 11), move(2, 12)]), [{ ...move(2, 12), mayBeThere: true }])
  t.equal(await finish(part, [move(1, 11), move(2, 12)]), 'overtaken')
  t.same(await serversOf(part.partId), part.servers)
  t.same(await strays(part.partId), [
    [1, 11, 'being deleted'],
    [2, 12, 'left over'],
  ])
  await upkeep.forgetStrays([stray], live)
  t.same(await plan(part, [move(1, 11)]), [{ ...move(1, 11), mayBeThere: false }])
})

t.test(
  'a plan that never ended is left over for a minute when the next one is made, at the latest after an hour',
  async (t) => {
    const part = await newPart()
    await plan(part, [move(1, 11)])
    const [row] = await sql(
      `select delete_after between now() + interval '59 min' and now() + interval '61 min' as soon from stray_chunks where part_id = $1`,
      [part.partId],
    )
    t.equal(row!.soon, true)
    await plan(part, [move(1, 13)])
    t.same(await strays(part.partId), [
      [1, 11, 'left over'],
      [1, 13, 'being written'],
    ])
    const claim = () => upkeep.claimStrays({ server: 11 as ServerNumber, rowsMax: 5 }, live)
    t.equal((await claim()).length, 0, 'a write that was given up may still arrive')
    await sql(`update stray_chunks set delete_after = delete_after - interval '1 min' where part_id = $1`, [
      part.partId,
    ])
    t.equal((await claim()).length, 1)
  },
)

t.test('claimStrays: what a row names after all is no stray', async (t) => {
  const part = await newPart()
  await sql(`insert into stray_chunks values ($1, 1, 2, 'left over', now()), ($1, 1, 44, 'left over', now())`, [
    part.partId,
  ])
  t.same(await upkeep.claimStrays({ server: 2 as ServerNumber, rowsMax: 5 }, live), [])
  t.same(await strays(part.partId), [[1, 44, 'left over']], 'its entry is dropped')
})

t.test('noteStrays: told before the commit; what the row names is kept, the rest is swept', async (t) => {
  const part = layout()
  const strays = [1, 2].map((server) => ({ index: 1, server: server as ServerNumber }))
  await catalogue.noteStrays(part.partId, strays, live)
  await catalogue.noteStrays(part.partId, strays, live)
  t.same(await upkeep.claimStrays({ server: 1 as ServerNumber, rowsMax: 5 }, live), [], 'it may be on its way')
  await catalogue.commitObject(commit(bucket, 'with strays', { part }), live)
  await sql('update stray_chunks set delete_after = now() where part_id = $1', [part.partId])
  t.equal(part.servers[1], 2)
  t.same(await upkeep.claimStrays({ server: 2 as ServerNumber, rowsMax: 5 }, live), [], 'its place by now')
  t.same(await upkeep.claimStrays({ server: 1 as ServerNumber, rowsMax: 5 }, live), [
    { partId: part.partId, index: 1, server: 1 },
  ])
})

t.test('failRepair: people may read why, and what was written is left over', async (t) => {
  const part = await newPart({ servers: [0, 2, 3, 4, 5, 6, 7, 8] as ServerNumber[] })
  await plan(part, [move(0, 11)])
  await repairs.failRepair({ partId: part.partId, error: 'no luck' }, live)
  t.match(await queued(part.partId), { error: 'no luck' })
  t.same(await strays(part.partId), [[0, 11, 'left over']])
  t.same(await sql(brokenReferences), [])
})
