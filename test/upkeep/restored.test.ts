import t from 'tap'
import type { ObjectKey, PartId } from '../../src/base/ids.ts'
import { systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { checkStore } from '../../src/upkeep/fsck/check-store.ts'
import { isSound } from '../../src/upkeep/fsck/report.ts'
import { type OrphansProgress, orphansJob } from '../../src/upkeep/orphans/orphans-job.ts'
import { startSweeps } from '../../src/upkeep/sweeps.ts'
import { live } from '../meta/fixture.ts'
import { copyElsewhere } from '../support/copy-chunk.ts'
import { execute } from '../support/postgres.ts'
import { saveResult } from '../support/reliability.ts'
import { restore, snapshot } from '../support/snapshot.ts'
import { eventually } from '../support/store.ts'
import { openStore, type StoreInProcess, someBytes } from '../support/store-in-process.ts'

const WAIT_MS = 60_000
const QUICK = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.3',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
  SEXTANT_ORPHAN_AGE_SECONDS: '0',
  SEXTANT_ORPHAN_PERIOD_SECONDS: '1',
}

/** For docs/reliability.md. */
const seen = { old: 0, lost: 0, exact: 0, kept: 0, beside: 0 }

/** A store whose database was put back to an older state while it was off. */
interface RestoredStore extends AsyncDisposable {
  store: StoreInProcess
  old: Map<string, Buffer>
  /** Written after the backup was taken: by a session that the backup knows, and by one that it does not. */
  lost: PartId[]
}

async function openRestored(): Promise<RestoredStore> {
  await using unlessDone = new AsyncDisposableStack()
  const store = unlessDone.use(await openStore(6))
  const { meta, db } = store.fixture
  const old = new Map<string, Buffer>()
  const openSession = async () => (await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)).session
  const put = async (key: string) => {
    const bytes = someBytes(4_000)
    if (key.startsWith('old/')) old.set(key, bytes)
    return await store.put(key, bytes)
  }
  const before = await openSession()
  store.engineDeps.settings.session = before
  for (let n = 0; n < 5; n++) await put(`old/${n}`)
  const backup = await snapshot(db.url)

  const lost = [await put('new/1'), await put('new/2')]
  store.engineDeps.settings.session = await openSession()
  const { session: ofLost } = store.engineDeps.settings
  lost.push(await put('new/3'), await put('new/4'))
  await moveChunks(store, 'old/0', [0, 3, 7])
  await allBeat(store)
  await Promise.all(store.nodes.map((node) => node.stop()))
  await restore(db.url, backup)

  // A gateway that starts before the nodes do is given the number of a session that the database has forgotten.
  const early = await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)
  t.equal(early.session, ofLost)
  await early.close(live)
  await store.fixture.sql(`update upload_sessions set expires_at = now() where gateway_session = $1`, [before])
  // They would make anew what was moved, if they came first.
  await store.fixture.sql(`update jobs set is_paused = true where name in ('scrub', 'repair')`)
  await Promise.all(store.nodes.map((node) => node.start()))
  await store.cluster.refresh(live)
  const owned = unlessDone.move()
  return { store, old, lost, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** As repair and rebalancing do; the copies that were replaced are gone. */
async function moveChunks({ fixture, engineDeps }: StoreInProcess, key: string, indexes: number[]): Promise<void> {
  const { meta, sql } = fixture
  const [row] = await sql('select part_ids[1] as part_id from objects where key = $1', [key])
  const [layout] = await meta.catalogue.findParts([row!.part_id as PartId], live)
  for (const index of indexes) {
    const to = await copyElsewhere(engineDeps.chunks, layout!, index)
    await sql('update parts set servers[$2] = $3 where part_id = $1', [layout!.partId, index + 1, to])
    await engineDeps.chunks.deleteChunks(layout!.servers[index]!, [{ partId: layout!.partId, index }], live)
  }
}

/** Every node has been answered a heartbeat since. */
async function allBeat({ fixture, nodes }: StoreInProcess): Promise<void> {
  const beats = async () => (await fixture.sql('select beats from storage_servers')).map((row) => Number(row.beats))
  const start = Math.max(...(await beats()))
  await eventually('all nodes have beaten', WAIT_MS, async () => {
    const now = await beats()
    return now.length === nodes.length && Math.min(...now) > start + 1
  })
}

async function chunksOf({ nodes, engineDeps }: StoreInProcess, parts: readonly PartId[]): Promise<number> {
  let count = 0
  for (const { number } of nodes) {
    for await (const found of engineDeps.chunks.listChunks(number, {}, live)) {
      count += found.filter(({ partId }) => parts.includes(partId)).length
    }
  }
  return count
}

async function fsck({ fixture, engineDeps, cluster }: StoreInProcess) {
  const options = { readsHeaders: false, mends: false, partsAtOnce: 1_000, onProgress() {} }
  const deps = { catalogue: fixture.meta.fsck, chunks: engineDeps.chunks, cluster }
  const report = await checkStore(deps, options, live)
  return { ...report, ok: isSound(report) }
}

/** A pass of the search for orphans that began since. */
async function wholePass({ fixture: { meta } }: StoreInProcess): Promise<NonNullable<OrphansProgress['last']>> {
  const last = async () => {
    const job = (await meta.jobs.listJobs(live)).find(({ name }) => name === 'orphans')!
    return (job.progress as OrphansProgress).last
  }
  const before = await last()
  await meta.jobs.wakeJob('orphans', live)
  await eventually('a pass is over', WAIT_MS, async () => (await last())?.startedAt !== before?.startedAt)
  return (await last())!
}

/** Chunks that a gateway of after the restore leaves behind, until the sweep has deleted them: so it was at work. */
async function sweepsOnce(store: StoreInProcess): Promise<void> {
  const { meta, sql } = store.fixture
  const session = await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)
  store.engineDeps.settings.session = session.session
  const part = await store.put('left', someBytes(500))
  await sql(`delete from objects where key = 'left'`)
  await sql('delete from parts where part_id = $1', [part])
  await session.close(live)
  await eventually('what was left is swept', WAIT_MS, async () => (await chunksOf(store, [part])) === 0)
}

t.test('a restored database: what it has forgotten is kept, told, and deleted by order alone', async (t) => {
  await using restored = await openRestored()
  const { store, old, lost } = restored
  const { meta, sql } = store.fixture
  {
    await using _upkeep = store.startUpkeep(QUICK)
    const known = async () => new Set((await meta.restores.listRestores(live)).flatMap(({ servers }) => servers)).size
    await eventually('each node has told', WAIT_MS, async () => (await known()) === store.nodes.length)
    await sweepsOnce(store)
    const pass = await wholePass(store)
    t.match(pass, { kept: { chunks: 8 * lost.length }, deleted: { chunks: 0 }, skipped: [] })
    t.ok((await store.read('old/0')).equals(old.get('old/0')!), 'chunks that were moved are found where they are')
    await sweepsOnce(store)
    seen.kept = await chunksOf(store, lost)
    t.equal(seen.kept, 8 * lost.length, 'all of it is there')
    const [told, ...more] = await meta.restores.listRestores(live)
    t.match(told, { kind: 'recognised', restoredAt: Date, takenAt: undefined })
    const found = await fsck(store)
    t.match(found, { ok: false, kept: { chunks: 8 * lost.length }, orphans: { chunks: 0 }, missing: 0, tables: [] })
    t.match(found.problems[0], { kind: 'kept', why: /restored/ })

    t.equal(await meta.restores.releaseRestores(live), 1 + more.length)
    await eventually('what was kept is deleted', WAIT_MS, async () => (await chunksOf(store, lost)) === 0)
    t.match(await fsck(store), { ok: true, kept: { chunks: 0 } })
  }
  for (const [key, bytes] of old) {
    const isExact = (await store.read(key)).equals(bytes)
    t.ok(isExact, key)
    if (isExact) seen.exact += 1
  }
  Object.assign(seen, { old: old.size, lost: lost.length })
  t.equal(await meta.restores.releaseRestores(live), 0)
  t.same(await sql('select from catalogue_restores where released_at is null'), [])
})

t.test('without that rule, sweeps and search delete what the database has forgotten', async (t) => {
  await using restored = await openRestored()
  const { store, lost } = restored
  await store.fixture.sql('create or replace function session_floor_v1() returns int language sql stable return 0')
  await using _upkeep = store.startUpkeep(QUICK)
  await eventually('it is deleted', WAIT_MS, async () => (await chunksOf(store, lost)) === 0)
  t.pass('so the test above can fail')
})

t.test('a copy of the database that somebody tries out beside it: nothing of the nodes is touched', async (t) => {
  await using store = await openStore(6)
  const { meta, db, bucket } = store.fixture
  const { chunks, clock, log } = store.engineDeps
  const session = await meta.openGatewaySession({ ttlMs: 3_600_000 }, live)
  store.engineDeps.settings.session = session.session
  const parts = [await store.put('doomed', someBytes(1_000)), await store.put('forgotten', someBytes(1_000))]
  const url = await snapshot(db.url)
  await allBeat(store)
  parts.push(await store.put('new', someBytes(1_000)))

  await using copy = await connectMeta({ url, clock, random: systemRandom, log })
  await copy.catalogue.deleteObjects(bucket.id, [{ key: 'doomed' as ObjectKey }], live)
  await execute(url, `delete from objects where key = 'forgotten'`)
  await execute(url, 'delete from parts where part_id = $1', [parts[1]])
  await execute(url, `update upload_sessions set expires_at = now()`)
  const { cluster } = store
  const deps = { chunks, cluster, clock, log }
  await using sweeps = startSweeps({ ...deps, catalogue: copy.upkeep }, { intervalMs: 3_600_000, doomedGraceMs: 0 })
  await sweeps.sweepNow()
  await sweeps.sweepNow()
  t.equal(await chunksOf(store, parts), 8 * parts.length)
  t.match(await execute(url, 'select from doomed_parts'), { length: 1 }, 'what is doomed waits')

  const job = orphansJob({ ...deps, catalogue: copy.orphans }, { periodMs: 1, ageMs: 0, chunksPerSecond: 1e6 })
  let progress: OrphansProgress = {}
  const report = (next: object) => {
    progress = next
  }
  await job.work({ progress, report }, live)
  t.match(progress.last, { deleted: { chunks: 0 }, skipped: store.nodes.map(({ number }) => number) })
  seen.beside = await chunksOf(store, parts)
  t.equal(seen.beside, 8 * parts.length)
})

t.test('a restored database: all of the above', async () => {
  await saveResult({
    name: 'PostgreSQL restored',
    test: 'test/upkeep/restored.test.ts',
    promise:
      'A database that is put back to before the chunks: all of the backup is read, also what was moved since, and what it has forgotten is told, kept, and deleted by order alone',
    passed: t.passing(),
    runs: `a database put back under sweeps, repair and the search for orphans: ${seen.old} objects of before, ${seen.lost} written since, some by a gateway session that the database has forgotten; a copy of a database tried out beside its store`,
    result: `${seen.exact} read exactly; ${seen.kept} chunks of what was forgotten kept, 0 left once released; without the rule that keeps them, all were deleted (so it would be seen); beside a copy, ${seen.beside} chunks kept`,
  })
})
