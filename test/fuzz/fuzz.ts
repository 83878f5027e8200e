import { createHash } from 'node:crypto'
import { deliver, type Outcome } from './deliver.ts'
import { Field, type Target } from './field.ts'
import { judge } from './judge.ts'
import { makeCase } from './make-case.ts'
import type { Case, World } from './world.ts'

export interface FuzzOptions {
  /** A whole number of 32 bits. */
  seed: number
  /** The number of the first case. */
  from: number
  requests: number
  /** At once. */
  connections: number
  /** Between two looks at the state of the store. */
  roundRequests: number
  /** How long an answer may take, where not as long as on a busy machine. */
  answerMs?: number
  /** Called after each round; what it says is a failure of all. */
  afterRound?: (report: Report) => Promise<string[]>
}

export interface Failure {
  /** Of the case; absent: of a round as a whole. */
  case?: Case
  outcome?: Outcome
  problem: string
}

export interface Report {
  requests: number
  seconds: number
  /** How many cases of each theme, and of each status that was answered; 0: none was. */
  themes: Map<string, number>
  statuses: Map<number, number>
  failures: Failure[]
}

/** With as many failures, more would tell nothing new. */
const FAILURES_MAX = 20

/** Sends cases until all are sent, or enough have failed. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Report> {
  const startedMs = performance.now()
  using field = new Field(target, secretOf(options.seed))
  const report: Report = { requests: 0, seconds: 0, themes: new Map(), statuses: new Map(), failures: [] }
  const end = options.from + options.requests
  for (let from = options.from; from < end && report.failures.length < FAILURES_MAX; from += options.roundRequests) {
    const round = { from, end: Math.min(end, from + options.roundRequests) }
    const cases = await runRound(await field.prepare(), round, options, report)
    const problems = [...(await field.check(cases)), ...((await options.afterRound?.(report)) ?? [])]
    report.failures.push(
      ...problems.map((problem) => ({ problem: `after cases ${round.from} to ${round.end - 1}: ${problem}` })),
    )
    await field.clear()
    report.seconds = (performance.now() - startedMs) / 1000
  }
  return report
}

/** Several at once; resolves to what was sent. */
async function runRound(
  world: World,
  { from, end }: { from: number; end: number },
  { seed, connections, answerMs }: FuzzOptions,
  report: Report,
): Promise<Case[]> {
  const cases: Case[] = []
  let next = from
  const sendOn = async () => {
    while (next < end && report.failures.length < FAILURES_MAX) {
      const made = makeCase(seed, next++, world)
      cases.push(made)
      const { outcome, problem } = await runCase({ ...made, ...(answerMs && { answerMs }) }, world)
      count(report.themes, made.theme)
      count(report.statuses, outcome?.status ?? 0)
      report.requests++
      if (problem !== undefined) report.failures.push({ case: made, problem, ...(outcome && { outcome }) })
    }
  }
  await Promise.all(Array.from({ length: connections }, sendOn))
  return cases
}

async function runCase(
  made: Case & { answerMs?: number },
  world: World,
): Promise<{ outcome?: Outcome; problem: string | undefined }> {
  try {
    const outcome = await deliver({ host: '127.0.0.1', port: world.port }, made)
    return { outcome, problem: judge(made, outcome, world) }
  } catch (error) {
    return { problem: String(error) }
  }
}

/** Of a seed, so that a case is the same when it is made again. */
export function secretOf(seed: number): string {
  return createHash('sha256').update(`secret of ${seed}`).digest('hex').slice(0, 32)
}

function count<T>(counts: Map<T, number>, what: T): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}
