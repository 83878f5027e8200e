import type { Clock } from '../base/clock.ts'
import { deadline } from '../base/deadline.ts'
import type { Log } from '../base/log.ts'
import type { JobCatalogue, Progress } from './ports/jobs.ts'

/** Something that runs behind, on one gateway at a time; its row in the catalogue is there already. */
export interface Job {
  readonly name: string
  /**
   * Works until there is nothing left to do for now, and answers when to look again, in ms; Infinity: not before it
   * is asked for. Goes on from what `run`
   * knows: after a kill -9 that is a little old, so whatever it does it must be able to do again. Rejects with the
   * signal's reason when it is paused, or this process ends.
   */
  work(run: JobRun, signal: AbortSignal): Promise<number>
}

/** One run of a job. */
export interface JobRun {
  /** What it said of itself last, by whichever process. */
  readonly progress: Progress
  /** Replaces it; kept in the catalogue every few seconds, and when the run ends. */
  report(progress: Progress): void
}

export interface JobRunnerDeps {
  catalogue: JobCatalogue
  clock: Clock
  log: Log
  /** Unique to this process. */
  runner: string
}

export interface JobTimes {
  /** Between two looks whether a job is due; and between two words of a job that runs. */
  intervalMs: number
  /** How long a word counts. Of several, so that one that is late, or lost with its connection, costs nothing. */
  leaseMs: number
}

/** How long the end of a run may take to be written down when the process ends; else the lease runs out by itself. */
const RELEASE_MS_MAX = 2_000

/** Looks every now and then whether one of the jobs is due, and runs it. A run that fails is logged, and tried again. */
export function startJobs(deps: JobRunnerDeps, jobs: readonly Job[], times: JobTimes): AsyncDisposable {
  const stop = new AbortController()
  const loops = jobs.map((job) => new JobLoop(deps, job, times).loop(stop.signal))
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the gateway stops'))
      await Promise.all(loops)
    },
  }
}

class JobLoop {
  readonly #deps: JobRunnerDeps
  readonly #job: Job
  readonly #times: JobTimes

  constructor(deps: JobRunnerDeps, job: Job, times: JobTimes) {
    this.#deps = deps
    this.#job = job
    this.#times = times
  }

  async loop(stop: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!stop.aborted) {
      try {
        await this.#look(stop)
      } catch (error) {
        if (!stop.aborted) log.warn({ job: this.#job.name, err: error }, 'a job could not be looked at')
      }
      await clock.sleep(this.#times.intervalMs, stop).catch(() => {}) // woken by the end
    }
  }

  async #look(stop: AbortSignal): Promise<void> {
    const taken = await this.#take(stop)
    if (!taken) return
    if (!stop.aborted) return await this.#run(taken.progress, stop)
    await this.#release({ progress: taken.progress, report() {} }, { dueInMs: 0, error: undefined })
  }

  /** The end does not break it off at once: a job that was taken, and nobody heard of it, would wait for its lease to run out. */
  async #take(stop: AbortSignal): Promise<{ progress: Progress } | undefined> {
    const { catalogue, clock } = this.#deps
    const tooLate = new AbortController()
    using undo = new DisposableStack()
    const onStop = () => undo.use(clock.after(RELEASE_MS_MAX, () => tooLate.abort(stop.reason)))
    stop.addEventListener('abort', onStop, { once: true })
    undo.defer(() => stop.removeEventListener('abort', onStop))
    return await catalogue.takeJob(this.#lease(), tooLate.signal)
  }

  async #run(progress: Progress, stop: AbortSignal): Promise<void> {
    const { log } = this.#deps
    const run = {
      progress,
      report(next: Progress) {
        this.progress = next
      },
    }
    const halt = new AbortController()
    const signal = AbortSignal.any([stop, halt.signal])
    const keeping = this.#keepLease(run, signal, (reason) => halt.abort(reason))
    let dueInMs = 0
    let error: unknown
    try {
      dueInMs = await this.#job.work(run, signal)
    } catch (caught) {
      error = caught
    }
    const wasHalted = signal.aborted
    halt.abort(new Error('the run is over'))
    await keeping
    if (error !== undefined && !wasHalted) {
      log.warn({ job: this.#job.name, err: error }, 'a job failed; it is tried again')
      dueInMs = this.#times.intervalMs
    }
    await this.#release(run, { dueInMs, error: wasHalted ? undefined : error })
  }

  /** Until the signal. Calls `halt` when the run must stop: it is to pause, or the lease is lost. */
  async #keepLease(run: JobRun, signal: AbortSignal, halt: (reason: Error) => void): Promise<void> {
    const { catalogue, clock, log } = this.#deps
    const { name } = this.#job
    const runOut = () => halt(new Error(`the lease of the job ${name} has run out`))
    let expiry = clock.after(this.#times.leaseMs, runOut)
    try {
      while (await sleeps(clock, this.#times.intervalMs, signal)) {
        const next = clock.after(this.#times.leaseMs, runOut)
        try {
          const state = await catalogue.renewJob({ ...this.#lease(), progress: run.progress }, signal)
          if (state !== 'running') halt(new Error(`the job ${name} is ${state}`))
          expiry[Symbol.dispose]()
          expiry = next
        } catch (error) {
          next[Symbol.dispose]()
          if (!signal.aborted) log.warn({ job: name, reason: String(error) }, 'the lease of a job was not prolonged')
        }
      }
    } finally {
      expiry[Symbol.dispose]()
    }
  }

  async #release(run: JobRun, { dueInMs, error }: { dueInMs: number; error: unknown }): Promise<void> {
    const { catalogue, clock, log, runner } = this.#deps
    const { name } = this.#job
    using release = deadline(clock, RELEASE_MS_MAX)
    const sentence = error === undefined ? undefined : String(error)
    try {
      await catalogue.releaseJob({ name, runner, progress: run.progress, dueInMs, error: sentence }, release.signal)
    } catch (failure) {
      log.debug({ job: name, reason: String(failure) }, 'a job was not released: its lease runs out by itself')
    }
  }

  #lease() {
    return { name: this.#job.name, runner: this.#deps.runner, leaseMs: this.#times.leaseMs }
  }
}

/** False when it was woken by the signal. */
async function sleeps(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return await clock.sleep(ms, signal).then(
    () => true,
    () => false,
  )
}
