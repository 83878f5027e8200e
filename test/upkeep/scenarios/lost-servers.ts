import { rm } from 'node:fs/promises'
import t from 'tap'
import type { PartId } from '../../../src/base/ids.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import type { CensusProgress } from '../../../src/upkeep/census/census-job.ts'
import { live } from '../../meta/fixture.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { eventually } from '../../support/store.ts'
import { openStore, someBytes } from '../../support/store-in-process.ts'

const WAIT_MS = 60_000
const QUICK = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_REPAIR_GRACE_SECONDS: '3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
}
const SIZES = [1, 700, 5_000, 300_000, 2_500_000]

const store = await openStore(6)
const { sql, meta } = store.fixture
const { nodes, engineDeps } = store

const allLayouts = async () => {
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  return (await meta.catalogue.findParts(ids, live)) as PartLayout[]
}
const isEmpty = async (table: string) => (await sql(`select from ${table} limit 1`)).length === 0
const census = async () => {
  const job = (await meta.jobs.listJobs(live)).find(({ name }) => name === 'census')
  return job!.progress as CensusProgress
}
/** The last count was made of how things are, and found nothing that is missing. */
const isSafe = async (tolerance: string) => {
  const { report, pass } = await census()
  return !pass && Object.keys(report?.tally.byTolerance ?? {}).join() === tolerance && (await isEmpty('repair_queue'))
}

const bodies = new Map<string, Buffer>()
for (const size of SIZES) {
  for (let n = 0; n < 4; n++) {
    bodies.set(`${size}/${n}`, someBytes(size))
    await store.put(`${size}/${n}`, bodies.get(`${size}/${n}`)!)
  }
}
const allRead = async (t: { ok(value: boolean, name: string): unknown }) => {
  for (const [key, bytes] of bodies) t.ok((await store.read(key)).equals(bytes), key)
}

const upkeep = store.startUpkeep(QUICK)
t.teardown(async () => {
  await upkeep[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})

t.test('all is well: every part survives the loss of any one server', async (t) => {
  await eventually('all is counted', WAIT_MS, () => isSafe('1'))
  t.match((await census()).report!.tally, { parts: bodies.size, endangered: 0, byTolerance: { 1: bodies.size } })
})

t.test('a node that is down for less than the grace: its chunks stay its own', async (t) => {
  const before = await allLayouts()
  await nodes[1]!.stop()
  await eventually('it is seen down', WAIT_MS, async () => (await census()).report!.conditions.includes('down 2'))
  t.ok((await census()).report!.tally.byTolerance['0']! > 0, 'and what that means is counted')
  await nodes[1]!.start()
  await eventually('it is back', WAIT_MS, () => isSafe('1'))
  t.same(await allLayouts(), before)
  t.ok(await isEmpty('stray_chunks'))
})

t.test(
  'a node that is down for longer: its chunks are rebuilt elsewhere, and deleted when it comes back',
  async (t) => {
    const { number } = nodes[2]!
    await nodes[2]!.stop()
    const left = nodes.filter((node) => node.number !== number).map((node) => node.number)
    const isOn = async () => (await allLayouts()).some(({ servers }) => servers.includes(number))
    await eventually('no row names it', WAIT_MS, async () => !(await isOn()))
    await eventually('all is safe', WAIT_MS, () => isSafe('1'))
    t.same(await whatIsWrong(engineDeps.chunks, await allLayouts(), left), [])
    await allRead(t)
    t.notOk(await isEmpty('stray_chunks'), 'what lies on it is not forgotten')
    await nodes[2]!.start()
    await store.cluster.refresh(live)
    await eventually('its old chunks are deleted', WAIT_MS, () => isEmpty('stray_chunks'))
    t.same(
      await whatIsWrong(
        engineDeps.chunks,
        await allLayouts(),
        nodes.map((node) => node.number),
      ),
      [],
    )
  },
)

t.test('a node whose disk was emptied comes back as another one: what it had is rebuilt', async (t) => {
  const { number, directory } = nodes[4]!
  await nodes[4]!.stop()
  await rm(directory, { recursive: true })
  await nodes[4]!.start()
  await store.cluster.refresh(live)
  t.not(nodes[4]!.number, number)
  await eventually('no row names the old one', WAIT_MS, async () => {
    return !(await allLayouts()).some(({ servers }) => servers.includes(number))
  })
  await eventually('all is safe', WAIT_MS, () => isSafe('1'))
  const servers = nodes.map((node) => node.number)
  t.same(await whatIsWrong(engineDeps.chunks, await allLayouts(), servers), [])
  await allRead(t)
  await sql(`update storage_servers set status = 'removed' where server_number = $1`, [number])
  await store.cluster.refresh(live)
  await eventually('a removed server is not waited for', WAIT_MS, () => isEmpty('stray_chunks'))
})
