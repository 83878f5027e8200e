import t from 'tap'
import { bytes, randomFrom } from '../../../conformance/support/bytes.ts'
import type { ObjectKey, PartId } from '../../../src/base/ids.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import { REPAIR_JOB } from '../../../src/upkeep/repair/repair-job.ts'
import type { ScrubProgress } from '../../../src/upkeep/scrub/scrub-job.ts'
import { live } from '../../meta/fixture.ts'
import { saveResult } from '../../support/reliability.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { eventually } from '../../support/store.ts'
import { openStore, type StoreInProcess } from '../../support/store-in-process.ts'
import { seed, sized } from '../form.ts'
import { type Blight, blights, spoilChunk } from '../nemesis/rot.ts'

/** What travels whole and lies in segments; what is streamed and lies in files. */
const SIZES = { 'in segments': 60_000, 'in files': 3_000_000 }
const PARITY = 2
const ROUNDS = sized({ short: 1, long: 200 })
const WAIT_MS = 120_000
const UPKEEP = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
}

interface Case {
  name: string
  key: string
  body: Buffer
  partId: PartId
  /** Of what the key held before. */
  olderPartId: PartId
  blight: Blight
  spoilt: number
}

const random = randomFrom(seed)
const shuffled = <T>(of: readonly T[]) =>
  of
    .map((one) => [random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)

t.test(
  'bit rot: up to m chunks are found, made up for and healed; beyond that no byte is served as good',
  async (t) => {
    t.comment(`seed ${seed}`)
    await using store = await openStore(6)
    let healed = 0
    let refused = 0
    for (let round = 0; round < ROUNDS; round++) {
      const cases = await makeCases(store, round)
      for (const one of cases) await spoil(store, one, cases)

      const [bearable, lost] = [
        cases.filter(({ spoilt }) => spoilt <= PARITY),
        cases.filter(({ spoilt }) => spoilt > PARITY),
      ]
      for (const { name, key, body } of bearable) t.ok(body.equals(await store.read(key)), `${name}: exact`)
      for (const one of lost) {
        const { failed, served } = await readAsFarAsItGoes(store, one.key)
        t.ok(failed, `${one.name}: an error`)
        t.ok(one.body.subarray(0, served.length).equals(served), `${one.name}: what came before it was right`)
        await store.delete(one.key)
        refused++
      }
      const found = await scrubAndRepair(store)
      const expected = bearable.reduce((sum, { spoilt }) => sum + spoilt, 0)
      t.equal(found, expected, 'the scrub found every spoilt chunk, and nothing else')
      t.same(await whatIsWrongNow(store), [], 'every chunk is as it was')
      for (const { name, key, body } of bearable) {
        t.ok(body.equals(await store.read(key)), `${name}: exact after repair`)
        await store.delete(key)
        healed++
      }
    }
    await saveResult({
      name: 'bit rot',
      test: 'test/chaos/scenarios/bit-rot.ts',
      promise:
        'Rot in up to m chunks of a part is found, made up for and healed; in m + 1, an error and no byte served as good',
      passed: t.passing(),
      runs: `${healed + refused} parts, in segments and in files: ${Object.keys(blights).join(', ')}; 1 to ${PARITY + 1} chunks each`,
      result: `${healed} served exactly and healed by scrub and repair, ${refused} refused`,
    })
  },
)

async function makeCases(store: StoreInProcess, round: number): Promise<Case[]> {
  const cases: Case[] = []
  for (const [place, size] of Object.entries(SIZES)) {
    for (const blight of Object.keys(blights) as Blight[]) {
      for (let spoilt = 1; spoilt <= PARITY + 1; spoilt++) {
        const key = `${round}/${place}/${blight}/${spoilt}`
        const body = bytes(size, `${seed}/${key}`)
        const name = `${spoilt} chunks ${place}, ${blight}`
        const olderPartId = await store.put(key, bytes(size, `${seed}/${key}/older`))
        cases.push({ name, key, body, blight, spoilt, olderPartId, partId: await store.put(key, body) })
      }
    }
  }
  return cases
}

/** Any chunks of the part. What is put in their place is of what the key held before, or of any part of the same size. */
async function spoil(store: StoreInProcess, one: Case, cases: readonly Case[]): Promise<void> {
  const layout = await layoutOf(store, one.partId)
  const others = cases.filter((other) => other !== one && other.body.length === one.body.length)
  const another = others[Math.floor(random() * others.length)]!
  const donor = await layoutOf(store, one.blight === "another chunk's bytes" ? another.partId : one.olderPartId)
  const where = 0.1 + 0.8 * random()
  for (const index of shuffled([0, 1, 2, 3, 4, 5, 6, 7]).slice(0, one.spoilt)) {
    await spoilChunk(store, one.blight, { chunk: { layout, index }, donor: { layout: donor, index }, where })
  }
}

async function readAsFarAsItGoes(
  { fixture, engine }: StoreInProcess,
  key: string,
): Promise<{ failed: boolean; served: Buffer }> {
  const query = { bucket: fixture.bucket.name, key: key as ObjectKey, versionId: undefined }
  const { bucket, object, layouts } = await engine.findObject(query, live)
  const whole = { first: 0, last: object!.sizeBytes - 1 }
  const pieces: Buffer[] = []
  try {
    const found = { bucket, object: object!, layouts }
    for await (const piece of engine.readObject(found, whole, live)) pieces.push(Buffer.from(piece)) // a piece's memory is used again
    return { failed: false, served: Buffer.concat(pieces) }
  } catch {
    return { failed: true, served: Buffer.concat(pieces) }
  }
}

/** One pass over everything, and all that it found repaired; answers how many chunks it found. */
async function scrubAndRepair(store: StoreInProcess): Promise<number> {
  const { sql, meta } = store.fixture
  // What reads have reported already is the scrub's to find: it must not need them.
  await sql('delete from repair_queue')
  // Nothing is healed before the pass is over, and a second pass, which may follow at once, finds the same.
  await meta.jobs.pauseJob({ name: REPAIR_JOB, isPaused: true }, live)
  await using _upkeep = store.startUpkeep(UPKEEP)
  const last = async () =>
    ((await meta.jobs.listJobs(live)).find(({ name }) => name === 'scrub')!.progress as ScrubProgress).last
  const before = await last()
  await meta.jobs.wakeJob('scrub', live)
  await eventually('a pass is over', WAIT_MS, async () => (await last())?.startedAt !== before?.startedAt)
  const { damaged } = (await last())!
  await meta.jobs.pauseJob({ name: REPAIR_JOB, isPaused: false }, live)
  await eventually('all is repaired and swept', WAIT_MS, async () => {
    const [left] = await sql(
      'select (select count(*) from repair_queue) + (select count(*) from stray_chunks) + (select count(*) from doomed_parts) as n',
    )
    return Number(left!.n) === 0
  })
  return damaged
}

async function whatIsWrongNow(store: StoreInProcess): Promise<string[]> {
  const ids = (await store.fixture.sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  const layouts = await Promise.all(ids.map((id) => layoutOf(store, id)))
  return await whatIsWrong(
    store.engineDeps.chunks,
    layouts,
    store.nodes.map(({ number }) => number),
  )
}

async function layoutOf({ fixture }: StoreInProcess, partId: PartId): Promise<PartLayout> {
  return (await fixture.meta.catalogue.findParts([partId], live))[0]!
}
