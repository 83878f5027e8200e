import t, { type Test } from 'tap'
import { readSettings } from '../../../src/base/config.ts'
import type { PartId, ServerNumber } from '../../../src/base/ids.ts'
import { silentLog } from '../../../src/base/log.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import { systemClock } from '../../../src/base/system.ts'
import { upkeepJobs } from '../../../src/cli/processes/upkeep.ts'
import { startJobs } from '../../../src/upkeep/job-runner.ts'
import { startSweeps } from '../../../src/upkeep/sweeps.ts'
import { live } from '../../meta/fixture.ts'
import { Mortal, type StopPoint } from '../../support/mortal.ts'
import { saveResult } from '../../support/reliability.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { openStore, someBytes } from '../../support/store-in-process.ts'

/**
 * A gateway is killed at every call that repair, drain, rebalance and the sweep of what they leave make to the database and
 * to the nodes, before the call or before its answer is heard; or it sleeps there until another one has done its work.
 */

/** At each step. `npm run test:crash-points` takes 20. */
const KILLS = Number(process.env.SEXTANT_TEST_CRASHES ?? 1)
/** Of trials for one that meets its step: what a work does depends on what lies where. */
const TRIES = 3
const WAIT_MS = 60_000
const LOOK_MS = 5
const LOOKS_UNTIL_LATER = 20
/** Between two looks of a runner. */
const INTERVAL_MS = 25
const LEASE_MS = 120_000
const NODES = 7

const store = await openStore(NODES)
t.teardown(() => store[Symbol.asyncDispose]())
const { sql, meta } = store.fixture
const { chunks } = store.engineDeps
const settings = readSettings({
  env: { SEXTANT_JOB_INTERVAL_SECONDS: '0.1', SEXTANT_DOOMED_GRACE_SECONDS: '0', SEXTANT_REPAIR_GRACE_SECONDS: '600' },
  readFile: () => '',
})
const bodies = new Map([
  ['small', someBytes(5_000)],
  ['other', someBytes(700)],
  ['large', someBytes(1_900_000)],
])
for (const [key, bytes] of bodies) await store.put(key, bytes)

const partIds = (await sql('select part_id from parts order by part_id')).map((row) => row.part_id as PartId)
const layouts = async () => (await meta.catalogue.findParts(partIds, live)) as PartLayout[]
const numbers = store.nodes.map(({ number }) => number)
const wrong = async () => whatIsWrong(chunks, await layouts(), numbers)
/** What may lie where no row has it, until it is swept. */
const isStray = (sentence: string) => sentence.endsWith('is not named')
const one = async (text: string) => Number((await sql(text))[0]!.n)

async function soon(what: string, ask: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; ) {
    if (await ask()) return
    await systemClock.sleep(LOOK_MS)
  }
  throw new Error(`not within ${WAIT_MS} ms: ${what}; ${await whatIsUnderWay()}`)
}

async function whatIsUnderWay(): Promise<string> {
  const [row] = await sql(`
    select (select json_agg(q) from repair_queue q) as queue, (select json_agg(s) from stray_chunks s) as strays,
           (select json_agg(j) from jobs j where j.name in ('repair', 'rebalance')) as jobs, clock_timestamp() as now`)
  return JSON.stringify(row)
}

/** A gateway as far as it is upkeep. */
function gateway(point?: StopPoint) {
  const mortal = new Mortal(point)
  const { repairs, census, scrubs, reports, jobs, upkeep } = meta
  const mine = {
    ...meta,
    repairs: mortal.wrap('repairs', repairs),
    census: mortal.wrap('census', census),
    scrubs: mortal.wrap('scrubs', scrubs),
    reports: mortal.wrap('reports', reports),
    jobs: mortal.wrap('jobs', jobs),
    upkeep: mortal.wrap('upkeep', upkeep),
  }
  const engine = { ...store.engineDeps, chunks: mortal.wrap('chunks', chunks), damage: { reportDamage() {} } }
  const { cluster } = store
  return {
    mortal,
    /** Runs a job until `isDone`, or until it is stopped. */
    async run(name: string, isDone: () => Promise<boolean>) {
      const jobList = upkeepJobs({ meta: mine, cluster, engine, settings }).filter((job) => job.name === name)
      const runner = { catalogue: mine.jobs, clock: systemClock, log: silentLog, runner: Math.random().toString(36) }
      if (name !== 'rebalance') await meta.jobs.wakeJob(name, live)
      await using undo = new AsyncDisposableStack()
      const running = undo.use(startJobs(runner, jobList, { intervalMs: INTERVAL_MS, leaseMs: LEASE_MS }))
      await soon(`${name} is done`, async () => mortal.isStopped || (await isDone()))
      undo.move()
      return running
    },
    async sweep() {
      const deps = { catalogue: mine.upkeep, chunks: engine.chunks, cluster, clock: systemClock, log: silentLog }
      await using sweeps = startSweeps(deps, { intervalMs: 3_600_000, doomedGraceMs: 0 })
      await sweeps.sweepNow()
    },
  }
}

const isQueueEmpty = async () => (await one('select count(*) as n from repair_queue')) === 0
const isIdle = async () =>
  (await one(`select count(*) as n from jobs where name = 'rebalance' and due_at = 'infinity'`)) === 1
/** Time passes: leases run out, attempts are made again, copies may be deleted. */
const later = {
  leases: () => sql(`update jobs set lease_until = '-infinity'`),
  attempts: () => sql('update repair_queue set next_attempt_at = now()'),
  graces: () => sql('update stray_chunks set delete_after = now()'),
}

/** Something to be done, and the job that does it. */
interface Work {
  name: string
  job: string
  prepare(round: number): Promise<unknown>
  isDone(): Promise<boolean>
  /** Brings back what was before. */
  restore(): Promise<unknown>
}

/** One that has chunks of the large part, and of a small one. */
const serverOf = async (round: number) => {
  const [small, other, large] = (await layouts()).toSorted((a, b) => a.sizeBytes - b.sizeBytes)
  const holds = (number: ServerNumber) => (part: PartLayout | undefined) => part!.servers.includes(number)
  const fit = numbers.filter((number) => holds(number)(large) && [small, other].some(holds(number)))
  return fit[round % fit.length]!
}
const queueOf = async (server: ServerNumber, missing: number) => {
  const named = (await layouts()).filter(({ servers }) => servers.includes(server))
  await meta.census.queueParts(
    named.map(({ partId, servers }) => {
      const chunksThere = servers.filter((each) => each === server).length
      return { partId, missing: missing * chunksThere, spare: 2 - missing * chunksThere }
    }),
    live,
  )
}
const setStatus = async (server: ServerNumber, status: 'up' | 'draining') => {
  await meta.servers.setServerStatus({ server, status }, live)
  await store.cluster.refresh(live)
}
let leaving = numbers[0]!

const works: Work[] = [
  {
    name: 'repair of lost chunks',
    job: 'repair',
    async prepare(round) {
      const damages = (await layouts()).map(({ partId, servers }, n) => {
        const index = (round + 3 * n) % servers.length
        return { partId, index, server: servers[index]!, why: 'a test' }
      })
      for (const { partId, index, server } of damages) await chunks.deleteChunks(server, [{ partId, index }], live)
      await meta.repairs.queueDamage(damages, live)
    },
    isDone: isQueueEmpty,
    restore: async () => {},
  },
  {
    name: 'repair of a lost server',
    job: 'repair',
    async prepare(round) {
      const server = await serverOf(round)
      await sql(
        `insert into server_absences (server_number, seen_at, is_lost) values ($1, now() + interval '1 day', true)`,
        [server],
      )
      await queueOf(server, 1)
    },
    isDone: isQueueEmpty,
    restore: () => sql('delete from server_absences'),
  },
  {
    name: 'drain',
    job: 'repair',
    async prepare(round) {
      leaving = await serverOf(round)
      await setStatus(leaving, 'draining')
      await queueOf(leaving, 0)
    },
    isDone: isQueueEmpty,
    restore: () => setStatus(leaving, 'up'),
  },
  {
    name: 'rebalance',
    job: 'rebalance',
    async prepare(round) {
      // Emptied, and up again.
      const server = await serverOf(round)
      await setStatus(server, 'draining')
      await queueOf(server, 0)
      await finish('repair', isQueueEmpty)
      // Or the old copies are still there, and need not be written again.
      if (round % 3 !== 1) await sweepAll()
      await setStatus(server, 'up')
      await meta.jobs.wakeJob('rebalance', live)
    },
    isDone: isIdle,
    restore: async () => {},
  },
]

/** By a gateway that nothing befalls. */
async function finish(job: string, isDone: () => Promise<boolean>): Promise<void> {
  const { run } = gateway()
  let looks = 0
  const running = await run(job, async () => {
    if (await isDone()) return true
    looks += 1
    // What the one before it left behind may be in the way, until it is swept; but not what is being written.
    const isWriting = async () =>
      (await one(`select count(*) as n from stray_chunks where state = 'being written'`)) > 0
    if (looks % LOOKS_UNTIL_LATER === 0 && !(await isWriting())) {
      await sweepAll()
      await later.attempts()
    }
    return false
  })
  await running[Symbol.asyncDispose]()
}

async function sweepAll(): Promise<void> {
  await later.graces()
  await gateway().sweep()
}

/** How often a work takes each step, undisturbed. */
async function stepsOf(work: Work): Promise<Map<string, number>> {
  await work.prepare(0)
  const { mortal, run } = gateway()
  const running = await run(work.job, work.isDone)
  await running[Symbol.asyncDispose]()
  await work.restore()
  await sweepAll()
  return mortal.steps
}

interface Trial {
  work: Work
  round: number
  point: StopPoint
  /** Whether what may be deleted is deleted before the next gateway comes, and before the sleeper wakes. */
  isSweptBetween: boolean
  /** Whether the sleeper wakes before another one has come. */
  isAlone: boolean
}

/** Answers what is wrong in the end, in words, and whether the gateway came to where it was to be stopped. */
async function stopAt({
  work,
  round,
  point,
  isSweptBetween,
  isAlone,
}: Trial): Promise<{ wrong: string[]; isMet: boolean }> {
  await work.prepare(round)
  const before = (await wrong()).filter((sentence) => !isStray(sentence)).length
  const first = gateway(point)
  let looks = 0
  const running = await first.run(work.job, async () => {
    looks += 1
    // What failed, as on a busy machine a write can, is not waited for as long as in life.
    if (looks % LOOKS_UNTIL_LATER === 0) await later.attempts()
    return await work.isDone()
  })
  const damaged = (await wrong()).filter((sentence) => !isStray(sentence))
  await later.leases()
  if (isSweptBetween) await sweepAll()
  if (isAlone) await wakeUp(first.mortal)
  await later.attempts()
  await finish(work.job, work.isDone)
  await work.restore()
  if (isSweptBetween) await sweepAll()
  await wakeUp(first.mortal)
  await running[Symbol.asyncDispose]()
  // It may have come to its step only now, with the work done: killed when it had just taken the job.
  await later.leases()
  await later.attempts()
  await finish(work.job, work.isDone)
  await sweepAll()
  const left = await whatIsLeft()
  return {
    wrong: [...(damaged.length > before ? ['less safe than it was:', ...damaged] : []), ...left],
    isMet: first.mortal.isStopped,
  }
}

/** So many times no, as many times yes, and so on. */
function turnsOf(round: number, length: number): boolean {
  return Math.floor(round / length) % 2 === 1
}

/** What it was about to do it does now, whatever others have done meanwhile. */
async function wakeUp(mortal: Mortal): Promise<void> {
  mortal.wake()
  let quiet = 0
  await soon('it is done', async () => {
    quiet = mortal.underWay === 0 ? quiet + 1 : 0
    return quiet >= 3
  })
}

async function whatIsLeft(): Promise<string[]> {
  const rows = await one('select (select count(*) from repair_queue) + (select count(*) from stray_chunks) as n')
  return [...(await wrong()), ...(rows > 0 ? [`${rows} rows of what is queued or left over`] : [])]
}

const allRead = async (t: Test) => {
  for (const [key, bytes] of bodies) t.ok((await store.read(key)).equals(bytes), key)
}

t.test(
  'repair, drain, rebalance: killed or asleep at any step, all is whole in the end, nothing left over',
  async (t) => {
    const taken = new Map<string, { work: Work; calls: number }[]>()
    for (const work of works) {
      for (const [step, calls] of await stepsOf(work)) {
        taken.set(step, [...(taken.get(step) ?? []), { work, calls }])
      }
    }
    let round = 1
    let kills = 0
    for (const [step, takers] of taken) {
      let met = 0
      // How often a lease is prolonged, and so whether, is a matter of time.
      const isSure = step !== 'jobs.renewJob'
      for (let n = 0; met < KILLS && n < TRIES * KILLS; n++) {
        // In each work in turn; before and after, swept and not, asleep and killed: every choice with every other.
        const { work, calls } = takers[round % takers.length]!
        const when = turnsOf(round, 4) ? 'before' : 'after'
        const how = round % 5 === 0 ? 'asleep' : 'killed'
        const isAlone = how === 'asleep' && !turnsOf(round, 20)
        const call = 1 + ((n * 7) % calls)
        const trial = {
          work,
          round,
          point: { step, call, when, how },
          isSweptBetween: turnsOf(round, 8) || isAlone,
          isAlone,
        } as const
        const outcome = await stopAt(trial)
        t.same(outcome.wrong, [], `${work.name}, ${how} ${when} ${step}, call ${call}`)
        met += outcome.isMet ? 1 : 0
        round += 1
      }
      kills += met
      t.ok(met === KILLS || !isSure, `${step}: stopped there ${met} times of ${KILLS}`)
    }
    await allRead(t)
    await saveResult({
      name: 'crash points of upkeep',
      test: 'test/upkeep/scenarios/crash-points.ts',
      promise:
        'Killed or put to sleep at any step of repair, drain and rebalance: all is whole in the end, and nothing left over',
      passed: t.passing(),
      runs: `${kills} gateways stopped, ${KILLS} at each of ${taken.size} steps, on real nodes and PostgreSQL`,
      result: '0 chunks lost, 0 rows or chunks left over, every object read',
    })
  },
)

t.test('sweep of what is left over: killed at any step, the next one deletes it', async (t) => {
  const drain = works.find(({ name }) => name === 'drain')!
  const leaveOver = async (round: number) => {
    await drain.prepare(round)
    await finish('repair', isQueueEmpty)
    await drain.restore()
    await later.graces()
  }
  await leaveOver(0)
  const { mortal, sweep } = gateway()
  await sweep()
  let round = 1
  for (const [step, calls] of mortal.steps) {
    for (let n = 0; n < KILLS; n++) {
      await leaveOver(round)
      const when = n % 2 === 0 ? 'before' : 'after'
      await gateway({ step, call: 1 + ((n >> 1) % calls), when, how: 'killed' }).sweep()
      round += 1
      await sweepAll()
      t.same(await whatIsLeft(), [], `killed ${when} ${step}`)
    }
  }
  await allRead(t)
})
