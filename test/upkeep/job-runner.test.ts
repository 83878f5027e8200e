import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { abortable } from '../../src/base/abortable.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { type Job, type JobRun, startJobs } from '../../src/upkeep/job-runner.ts'
import { live, openMeta } from '../meta/fixture.ts'
import { execute } from '../support/postgres.ts'
import { eventually } from '../support/store.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, sql } = fixture
/** Short enough to wait for, long enough for a busy machine. */
const INTERVAL_MS = 200
const TIMES = { intervalMs: INTERVAL_MS, leaseMs: 2_000 }

let made = 0
async function newJob(): Promise<string> {
  const name = `test/${made++}`
  await sql('insert into jobs (name) values ($1)', [name])
  return name
}

const stateOf = async (name: string) => (await meta.jobs.listJobs(live)).find((job) => job.name === name)!

/** Counts up to `goal`, a step every 10 ms, and says after each where it is. */
function counting(name: string, goal: number) {
  const steps: number[] = []
  const job: Job = {
    name,
    async work(run: JobRun, signal) {
      let { at } = { at: 0, ...(run.progress as { at?: number }) }
      for (; at < goal; at++) {
        await sleep(10, undefined, { signal })
        steps.push(at)
        run.report({ at: at + 1 })
      }
      return 3_600_000
    },
  }
  return { job, steps }
}

const start = (runner: string, jobs: Job[], catalogue = meta.jobs) =>
  startJobs({ catalogue, clock: systemClock, log: silentLog, runner }, jobs, TIMES)

t.test('a job runs to its end once across all gateways, and waits until it is due again', async (t) => {
  const name = await newJob()
  const mine = counting(name, 50)
  const theirs = counting(name, 50)
  await using _first = start('first', [mine.job])
  await using _second = start('second', [theirs.job], (await fixture.connect()).jobs)
  await eventually('the job is done', 60_000, async () => (await stateOf(name)).state === 'waiting')
  t.same(
    [...mine.steps, ...theirs.steps],
    Array.from({ length: 50 }, (_, n) => n),
  )
  t.match(await stateOf(name), { progress: { at: 50 }, error: undefined })
  t.ok((await stateOf(name)).dueAt!.getTime() > Date.now() + 3_000_000)
})

t.test('a runner that falls silent loses its job to another one, which goes on where it was', async (t) => {
  const name = await newJob()
  const silent = counting(name, 1000)
  const heir = counting(name, 1000)
  // As a process that is stopped in its tracks: it goes on with its work, and says nothing any more.
  let isSilent = false
  const catalogue = {
    ...meta.jobs,
    renewJob: (lease: Parameters<typeof meta.jobs.renewJob>[0], signal: AbortSignal) =>
      isSilent ? abortable(new Promise<never>(() => {}), signal) : meta.jobs.renewJob(lease, signal),
    releaseJob: () => Promise.reject(new Error('silent')),
  }
  const first = startJobs({ catalogue, clock: systemClock, log: silentLog, runner: 'silent' }, [silent.job], TIMES)
  await eventually('it is on its way', 60_000, async () => 'at' in (await stateOf(name)).progress)
  isSilent = true
  const { at } = (await stateOf(name)).progress as { at: number }
  await using _second = start('heir', [heir.job])
  await eventually('the heir works', 60_000, async () => heir.steps.length > 0)
  t.ok(heir.steps[0]! >= at && at > 0, `from ${heir.steps[0]} on, ${at} was written down`)
  const steps = silent.steps.length
  await sleep(INTERVAL_MS)
  t.equal(silent.steps.length, steps, 'the silent one has stopped')
  t.match(await sql('select runner from jobs where name = $1', [name]), [{ runner: 'heir' }])
  await first[Symbol.asyncDispose]()
})

t.test('paused it stops soon, keeps its place, and goes on when it is resumed', async (t) => {
  const name = await newJob()
  const { job, steps } = counting(name, 100_000)
  await using _jobs = start('mine', [job])
  await eventually('it runs', 60_000, async () => steps.length > 10)
  t.equal((await stateOf(name)).state, 'running')
  t.equal(await meta.jobs.pauseJob({ name, isPaused: true }, live), true)
  t.equal((await stateOf(name)).state, 'paused')
  await eventually(
    'it has let go',
    60_000,
    async () => (await sql('select runner from jobs where name = $1', [name]))[0]!.runner === null,
  )
  const paused = steps.length
  await meta.jobs.wakeJob(name, live)
  await sleep(2 * INTERVAL_MS)
  t.equal(steps.length, paused, 'nothing runs')
  t.match(await stateOf(name), { progress: { at: paused }, error: undefined })
  await meta.jobs.pauseJob({ name, isPaused: false }, live)
  await eventually('it goes on', 60_000, async () => steps.length > paused)
  t.same(
    steps,
    Array.from(steps, (_, n) => n),
  )
  t.equal(await meta.jobs.pauseJob({ name: 'none', isPaused: true }, live), false)
  t.equal(await meta.jobs.wakeJob('none', live), false)
})

t.test('a run that fails says why, is tried again, and says no more once it went well', async (t) => {
  const name = await newJob()
  let runs = 0
  const job: Job = {
    name,
    async work() {
      runs++
      if (runs === 1) throw new Error('no luck')
      return 3_600_000
    },
  }
  await using _jobs = start('mine', [job])
  await eventually('it failed', 60_000, async () => (await stateOf(name)).error === 'Error: no luck')
  await eventually('it went well', 60_000, async () => (await stateOf(name)).state === 'waiting' && runs === 2)
  t.equal((await stateOf(name)).error, undefined)
})

t.test('a gateway that ends hands its job over at once', async (t) => {
  const name = await newJob()
  const first = counting(name, 100_000)
  const jobs = start('first', [first.job])
  await eventually('it runs', 60_000, async () => first.steps.length > 10)
  await jobs[Symbol.asyncDispose]()
  t.match(await stateOf(name), { state: 'due', progress: { at: first.steps.length }, error: undefined })
})

t.test('a gateway that ends while it is taking a job gives it back', async (t) => {
  const name = await newJob()
  const taken = Promise.withResolvers<void>()
  const slow = {
    ...meta.jobs,
    async takeJob(...[lease, signal]: Parameters<typeof meta.jobs.takeJob>) {
      const job = await meta.jobs.takeJob(lease, live)
      taken.resolve()
      // The answer is on its way while the gateway is told to end.
      return await abortable(sleep(100, job), signal)
    },
  }
  const { job, steps } = counting(name, 3)
  const first = start('first', [job], slow)
  await taken.promise
  await first[Symbol.asyncDispose]()
  t.equal((await stateOf(name)).state, 'due', 'nobody has it')
  t.same(steps, [])
})

t.test('the database is away for a moment: the job goes on', async (t) => {
  const name = await newJob()
  const { job, steps } = counting(name, 300)
  await using _jobs = start('mine', [job])
  await eventually('it runs', 60_000, async () => steps.length > 10)
  await execute(
    fixture.db.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sextant'`,
  )
  await eventually('the job is done', 60_000, async () => (await stateOf(name)).state === 'waiting')
  t.same(
    steps,
    Array.from({ length: 300 }, (_, n) => n),
  )
})
