import t from 'tap'
import type { PartId } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { checkStore } from '../../src/upkeep/fsck/check-store.ts'
import { type FsckReport, isSound } from '../../src/upkeep/fsck/report.ts'
import { live } from '../meta/fixture.ts'
import { copyElsewhere } from '../support/copy-chunk.ts'
import { rotLarge } from '../support/spoil.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'

const store = await openStore(6)
t.teardown(() => store[Symbol.asyncDispose]())
const { meta, sql } = store.fixture
const { engineDeps } = store
const { chunks } = engineDeps

const deps = { catalogue: meta.fsck, chunks, cluster: store.cluster }
const options = { readsHeaders: true, mends: true, onProgress() {} }
/** What fsck finds; `dry`: it queues nothing; `quick`: it reads no headers. */
async function findings(...ways: ('dry' | 'quick')[]): Promise<FsckReport & { ok: boolean }> {
  const way = { ...options, readsHeaders: !ways.includes('quick'), mends: !ways.includes('dry') }
  const report = await checkStore(deps, { ...way, partsAtOnce: 1_000 }, live)
  const inPages = await checkStore(deps, { ...way, partsAtOnce: 3 }, live)
  t.same(sumsOf(inPages), sumsOf(report), 'range by range, nothing is seen twice or overlooked')
  return { ...report, ok: isSound(report) }
}
const sumsOf = ({ problems, ...sums }: FsckReport) => ({ ...sums, problems: problems.length })
const layoutOf = async (partId: PartId) => (await meta.catalogue.findParts([partId], live))[0]!
const lose = ({ partId, servers }: PartLayout, index: number) =>
  chunks.deleteChunks(servers[index]!, [{ partId, index }], live)
/** Chunks of a part that nobody knows, as a gateway of that session would have left them: one a server, or two. */
async function leave(session: number): Promise<PartLayout> {
  engineDeps.settings.session = session
  const layout = await layoutOf(await store.put('left', someBytes(600)))
  await sql(`delete from objects where key = 'left'`)
  await sql('delete from parts where part_id = $1', [layout.partId])
  return layout
}
const sound = {
  ok: true,
  missing: 0,
  damaged: 0,
  unreadableParts: 0,
  orphans: { chunks: 0, bytes: 0 },
  moved: { chunks: 0, bytes: 0 },
  passing: { doomed: 0, stray: 0, unfinished: 0, left: 0 },
  unchecked: 0,
  silentServers: [],
  tables: [],
  problems: [],
}

t.test('fsck: a store without faults is sound, also an empty one', async (t) => {
  t.match(await findings(), { ...sound, parts: 0, chunks: 0 })
  for (let n = 0; n < 20; n++) await store.put(`s/${n}`, someBytes(100 + n))
  await store.put('large', someBytes(3_000_000))
  t.match(await findings(), { ...sound, parts: 21, chunks: 8 * 21 })
  t.match(await findings('quick'), { ...sound, parts: 21, chunks: 8 * 21 })
})

t.test('fsck: a chunk that is gone is told; queued for repair, but not by a dry run', async (t) => {
  const layout = await layoutOf(await store.put('gone', someBytes(5_000)))
  await lose(layout, 3)
  for (const quick of [[], ['quick' as const]]) {
    const { problems, ...sums } = await findings('dry', ...quick)
    t.match(sums, { ok: false, missing: 1, damaged: 0, unreadableParts: 0, queued: 0 })
    t.match(problems, [{ kind: 'missing', partId: layout.partId, index: 3, server: layout.servers[3] }])
  }
  t.same(await sql('select from repair_queue'), [])
  t.match(await findings(), { missing: 1, queued: 1 })
  t.match(await sql('select part_id, damaged_chunks from repair_queue'), [
    { part_id: layout.partId, damaged_chunks: 1 << 3 },
  ])
  await using _upkeep = store.startUpkeep({ SEXTANT_JOB_INTERVAL_SECONDS: '0.2' })
  await eventually('it is repaired', 60_000, async () => (await sql('select from repair_queue')).length === 0)
  t.match(await findings(), sound)
})

t.test('fsck: what is there and not what the row says is damaged', async (t) => {
  const partId = await store.put('other', someBytes(3_000_000))
  const layout = await layoutOf(partId)
  const hashes = Buffer.from(layout.chunkHashes)
  hashes[5 * 32]! ^= 1
  await sql('update parts set chunk_hashes = $2 where part_id = $1', [partId, hashes])
  t.match(await findings('dry'), { damaged: 1, missing: 0, problems: [{ kind: 'damaged', partId, index: 5 }] })
  t.match(await findings('dry', 'quick'), { ok: true }, 'a quick look does not see it')
  await sql('update parts set chunk_hashes = $2, size_bytes = size_bytes + 6 where part_id = $1', [
    partId,
    layout.chunkHashes,
  ])
  t.match(await findings('dry', 'quick'), { damaged: 8, unreadableParts: 1 })
  await sql('update parts set size_bytes = size_bytes - 6 where part_id = $1', [partId])
  const directory = store.nodes.find(({ number }) => number === layout.servers[7])!.directory
  await rotLarge(directory, { partId, index: 7 })
  t.match(await findings('dry'), sound, 'what it holds is the concern of the scrub')
})

t.test('fsck: a part with fewer than six chunks is told to be unreadable', async (t) => {
  const layout = await layoutOf(await store.put('lost', someBytes(5_000)))
  for (const index of [0, 1, 6]) await lose(layout, index)
  t.match(await findings('dry'), {
    missing: 3,
    unreadableParts: 1,
    problems: [{}, {}, {}, { kind: 'unreadable', partId: layout.partId, why: /only 5/ }],
  })
  await store.delete('lost')
  t.match(await findings('dry'), { ok: true, passing: { doomed: 5 } }, 'deleted, it is on its way out')
})

t.test('fsck: chunks that no part refers to are orphans, unless somebody is going to see to them', async (t) => {
  await sql('delete from objects')
  await sql('update parts set refs = 0')
  await sql('insert into doomed_parts select part_id from parts on conflict do nothing')
  const { session } = await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)
  const left = await leave(session)
  const of = async () => {
    const { orphans, passing, ok } = await findings()
    return { orphans: orphans.chunks, unfinished: passing.unfinished, left: passing.left, ok }
  }
  t.same(await of(), { orphans: 0, unfinished: 8, left: 0, ok: true }, 'its gateway is at work')
  await sql('update upload_sessions set expires_at = now() where gateway_session = $1', [session])
  t.same(await of(), { orphans: 0, unfinished: 0, left: 8, ok: true }, 'its gateway is gone, and will be swept')
  await sql(`update upload_sessions set state = 'forgotten' where gateway_session = $1`, [session])
  t.same(await of(), { orphans: 8, unfinished: 0, left: 0, ok: false }, 'it was swept, and forgotten')
  await leave(4000)
  t.same(await of(), { orphans: 16, unfinished: 0, left: 0, ok: false }, 'nobody knows it')
  const { problems, orphans } = await findings('quick')
  t.match(problems[0], { kind: 'orphan', why: 'no part refers to it' })
  t.equal(orphans.bytes, 16 * (100 + 4))

  const layout = await layoutOf(await store.put('twice', someBytes(5_000)))
  const elsewhere = await copyElsewhere(chunks, layout, 0)
  t.match(
    (await findings()).problems.filter(({ partId }) => partId === layout.partId),
    [{ kind: 'orphan', index: 0, server: elsewhere, why: 'its part has this chunk elsewhere' }],
  )
  await sql(`insert into stray_chunks values ($1, 0, $2, 'left over', now() + interval '1 hour')`, [
    layout.partId,
    elsewhere,
  ])
  t.match(await findings(), { orphans: { chunks: 16 }, passing: { stray: 1 } })
  t.ok(left.servers.length === 8)
})

t.test('fsck: chunks that are elsewhere than their part says, and not there, are taken over', async (t) => {
  const bytes = someBytes(5_000)
  const layout = await layoutOf(await store.put('moved', bytes))
  const to = new Map<number, number>()
  for (const index of [0, 2, 4]) {
    to.set(index, await copyElsewhere(chunks, layout, index))
    await lose(layout, index)
  }
  await t.rejects(store.read('moved'), { code: 'DataUnavailable' }, 'three are missing, as it seems')
  const { problems, ...dry } = await findings('dry')
  t.match(dry, { moved: { chunks: 3 }, missing: 3, unreadableParts: 1, queued: 0 })
  t.ok(
    problems.some(({ kind, partId, server }) => kind === 'moved' && partId === layout.partId && server === to.get(2)),
  )
  t.match(await checkStore(deps, { ...options, partsAtOnce: 1_000 }, live), {
    moved: { chunks: 3 },
    missing: 0,
    unreadableParts: 0,
  })
  const { servers } = await layoutOf(layout.partId)
  for (const [index, server] of to) t.equal(servers[index], server)
  t.ok((await store.read('moved')).equals(bytes))
  t.match(await findings(), { moved: { chunks: 0 }, missing: 0 })
})

t.test('fsck: rows that do not agree with each other are told', async (t) => {
  const partId = await store.put('counted', someBytes(100))
  const faultsOf = async () => (await findings('dry', 'quick')).tables
  t.same(await faultsOf(), [])
  await sql('update parts set refs = 2 where part_id = $1', [partId])
  t.match(await faultsOf(), [{ rows: 1, examples: [`${partId}: its row says 2, there are 1`] }])
  await sql('update parts set refs = 1 where part_id = $1', [partId])
  await sql('insert into doomed_parts (part_id) values ($1)', [partId])
  t.match(await faultsOf(), [{ what: /doomed/, examples: [partId] }])
  await sql('delete from doomed_parts where part_id = $1', [partId])
  await sql(`update objects set size_bytes = 101 where key = 'counted'`)
  t.match(await faultsOf(), [{ what: /not as long/, examples: ['1/counted (null)'] }])
  await sql(`update objects set size_bytes = 100 where key = 'counted'`)
  await sql('update parts set servers[3] = 99 where part_id = $1', [partId])
  t.match(await faultsOf(), [{ what: /servers that there are not/, examples: [partId] }])
})

t.test('fsck: a server that does not answer is told, and what it has is not called missing', async (t) => {
  await sql('delete from objects')
  await sql('delete from parts')
  await sql('delete from doomed_parts')
  const { servers } = await layoutOf(await store.put('a', someBytes(5_000)))
  const away = store.nodes.find(({ number }) => number === servers[0])!
  await away.stop()
  const { silentServers, unchecked, missing, unreadableParts, ok } = await findings()
  t.same(
    { silentServers, missing, unreadableParts, ok },
    { silentServers: [away.number], missing: 0, unreadableParts: 0, ok: false },
  )
  t.equal(unchecked, servers.filter((server) => server === away.number).length)
})
