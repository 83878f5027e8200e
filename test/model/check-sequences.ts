import { type Ask, type OwnedStore, Owner } from './owner.ts'
import { type Divergence, runSteps } from './run-steps.ts'
import { shrink } from './shrink.ts'
import { makeSteps, type Step } from './steps.ts'

export interface CheckOptions {
  /** The first seed; the others follow it. */
  from: number
  sequences: number
  /** At once. */
  jobs: number
  /** No sequence is begun later, by performance.now(). */
  untilMs?: number
  /** With as many, more would tell nothing new: then it ends. */
  failuresMax?: number
  /** Stands between the model and the store, anew for each sequence. */
  twist?: (ask: Ask) => Ask
  /** Whether steps that do not matter are looked for. */
  shrinks?: boolean
  onFailure?: (failure: Failure) => void
}

export interface Failure {
  seed: number
  /** What is left of them when those are left out that it does not need. */
  steps: readonly Step[]
  divergence: Divergence
}

export interface Report {
  sequences: number
  /** Answers that were held against the model's, of each operation. */
  answers: Map<string, number>
  failures: Failure[]
}

const FAILURES_MAX = 10
let serial = 0

/** Sequences, one a seed, each in a bucket of its own, until all are done or enough have failed. */
export async function checkSequences(
  target: OwnedStore,
  options: CheckOptions,
  report: Report = { sequences: 0, answers: new Map(), failures: [] },
): Promise<Report> {
  const {
    from,
    sequences,
    jobs,
    untilMs = Infinity,
    failuresMax = FAILURES_MAX,
    shrinks = true,
    twist = (ask) => ask,
  } = options
  let next = from
  const isOver = () => next >= from + sequences || report.failures.length >= failuresMax || performance.now() >= untilMs
  const onStep = ({ name }: Step) => void report.answers.set(name, (report.answers.get(name) ?? 0) + 1)
  const work = async () => {
    await using owner = new Owner(target)
    while (!isOver()) {
      const seed = next++
      const ask = twist(owner.ask)
      // A store that was there before has buckets of other runs.
      const newBucket = () => `model-${seed}-${process.pid}-${serial++}`
      const steps = makeSteps(seed)
      const divergence = await runSteps(steps, newBucket(), ask, onStep)
      report.sequences++
      if (!divergence) continue
      const found = { steps, divergence }
      const failure = { seed, ...(shrinks ? await shrink(found, newBucket, ask) : found) }
      report.failures.push(failure)
      options.onFailure?.(failure)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs, sequences) }, work))
  return report
}
