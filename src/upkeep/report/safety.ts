import { makePartId, NOWHERE, type ServerNumber } from '../../base/ids.ts'
import { CENSUS_JOB, type CensusProgress } from '../census/census-job.ts'
import { faultTolerance } from '../census/fault-tolerance.ts'
import type { CensusCatalogue, SurveyedPart } from '../ports/census.ts'
import type { JobState } from '../ports/jobs.ts'
import type { Queues, UpkeepReports } from '../ports/report.ts'
import { REPAIR_JOB, type RepairProgress } from '../repair/repair-job.ts'

/** How safe the data is now. */
export interface Safety {
  /** How many more servers may be lost, whichever they are, without a loss of data; -1: some is lost; null: not known. */
  tolerance: number | null
  /** In one sentence. */
  words: string
  /** Parts that the last census counted, and when it began; null: there was none under today's servers. */
  counted: { parts: number; at: string } | null
  /** Parts that wait for repair. */
  partsAtRisk: number
  /** Of their missing chunks: what is still to be made anew. */
  bytesAtRisk: number
  /** Until all that can be repaired is, at the pace of the repair under way; null: there is none, or nothing to repair. */
  secondsToSafety: number | null
}

export interface SafetySources {
  reports: UpkeepReports
  census: Pick<CensusCatalogue, 'surveyParts'>
  jobs: readonly JobState[]
  queues: Queues
  nowMs: number
}

/** Parts that are looked at for this report: of the queue, and of those written since the census. */
const PARTS_LOOKED_AT = 10_000

/** What the census counted, set right by what was queued and written since. */
export async function judgeSafety(sources: SafetySources, signal: AbortSignal): Promise<Safety> {
  const { jobs, queues, nowMs } = sources
  const { report, pass } = progressOf<CensusProgress>(jobs, CENSUS_JOB)
  const gone = await sources.reports.findGoneServers(signal)
  const isOfToday = report && !pass && isSameSet(report.gone, gone)
  const levels = isOfToday ? await tolerances(sources, { report, gone }, signal) : undefined
  const tolerance = levels && levels.length > 0 ? Math.min(...levels) : null
  return {
    tolerance,
    words: levels?.length === 0 ? 'nothing is stored yet' : inWords(tolerance),
    counted: isOfToday ? { parts: report.tally.parts, at: report.startedAt } : null,
    partsAtRisk: queues.repair.parts,
    bytesAtRisk: queues.repair.bytes,
    secondsToSafety: secondsToSafety(jobs, queues, nowMs),
  }
}

/** What the parts survive, as counted, and looked at anew where something may have changed. */
async function tolerances(
  { reports, census }: SafetySources,
  { report, gone }: { report: NonNullable<CensusProgress['report']>; gone: readonly ServerNumber[] },
  signal: AbortSignal,
): Promise<number[]> {
  const after = makePartId(Date.parse(report.startedAt), { a: 0, b: 0 }, 0)
  const [queued, written] = await Promise.all([
    reports.listQueuedParts(PARTS_LOOKED_AT, signal),
    census.surveyParts({ after, rowsMax: PARTS_LOOKED_AT }, signal),
  ])
  const isThere =
    ({ damaged }: SurveyedPart) =>
    (server: ServerNumber, index: number) =>
      server !== NOWHERE && !gone.includes(server) && !damaged.includes(index)
  const lookedAt = [...queued, ...written].map((part) => faultTolerance(part.servers.filter(isThere(part))))
  return [...Object.keys(report.tally.byTolerance).map(Number), ...new Set(lookedAt)]
}

function isSameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each))
}

function inWords(tolerance: number | null): string {
  if (tolerance === null) return 'not known yet: the parts are being counted'
  if (tolerance < 0) return 'data is lost, or out of reach: there are parts with fewer than six chunks'
  if (tolerance === 0) return 'the loss of one more node may lose data'
  return `survives the loss of ${tolerance} more node${tolerance === 1 ? '' : 's'}, whichever ${tolerance === 1 ? 'it is' : 'they are'}`
}

/** Bytes left at the pace of the repair under way; null: there is none, or nothing that can be repaired. */
export function secondsToSafety(jobs: readonly JobState[], { repair }: Queues, nowMs: number): number | null {
  const pace = writtenPerSecond(jobs, nowMs)
  return pace === null || pace === 0 || repair.bytes === 0 ? null : Math.ceil(repair.bytes / pace)
}

/** Bytes of chunks a second that the repair under way makes anew; null: there is none. */
export function writtenPerSecond(jobs: readonly JobState[], nowMs: number): number | null {
  const job = jobs.find(({ name }) => name === REPAIR_JOB)
  const { run } = progressOf<Partial<RepairProgress>>(jobs, REPAIR_JOB)
  if (job?.state !== 'running' || !run) return null
  return (run.writtenBytes * 1000) / Math.max(1, nowMs - Date.parse(run.startedAt))
}

/** What a job says of itself; empty before its first run. */
export function progressOf<P extends object>(jobs: readonly JobState[], name: string): P {
  return (jobs.find((job) => job.name === name)?.progress ?? {}) as P
}
