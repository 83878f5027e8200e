import type { Clock } from '../../base/clock.ts'
import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { Log } from '../../base/log.ts'
import type { Job, JobRun } from '../job-runner.ts'
import type { CensusCatalogue, EndangeredPart, ServerConditions, SurveyedPart } from '../ports/census.ts'
import { faultTolerance } from './fault-tolerance.ts'

export interface CensusDeps {
  catalogue: CensusCatalogue
  clock: Clock
  log: Log
}

export interface CensusSettings {
  /** How long a server may be down before its chunks are rebuilt, in ms. */
  graceMs: number
  /** Between two looks at the servers, in ms. */
  intervalMs: number
}

/** What was counted. */
export interface Tally {
  parts: number
  /** Parts that were found with chunks missing. */
  endangered: number
  /** Parts by how many more servers they survive the loss of; '-1': those that cannot be read. */
  byTolerance: Record<string, number>
  /** Parts that have chunks on servers that are to be emptied. */
  leaving: number
}

export interface CensusProgress {
  /** The count under way. */
  pass?: CensusPass
  /** The last one that came to its end. */
  report?: Omit<CensusPass, 'after'> & { finishedAt: string }
}

export interface CensusPass {
  /** How the servers are, in one word: a count that began under another one is of no use. */
  conditions: string
  /** Servers whose chunks do not count. */
  gone: ServerNumber[]
  /** Servers that are to be emptied. */
  draining: ServerNumber[]
  /** What repair had done when it began. */
  repairedParts: number
  startedAt: string
  /** The last part that was counted. */
  after: string
  tally: Tally
}

export const CENSUS_JOB = 'census'

/** Parts in one page: their rows are read and judged in a few milliseconds. */
const PARTS_AT_ONCE = 1_000
const RETRIES_AT_ONCE = 5_000
/** Without any cause, parts are counted this often; so the repair queue mends itself. */
const PASS_EVERY_MS = 3_600_000

/**
 * Watches the servers, and goes through the rows of all parts whenever something changed: parts with chunks on servers
 * that are lost are queued for repair, page by page, and counted by what they still survive.
 */
export function censusJob(deps: CensusDeps, settings: CensusSettings): Job {
  return {
    name: CENSUS_JOB,
    async work(run, signal) {
      await new CensusRun(deps, settings, run, signal).work()
      return settings.intervalMs
    },
  }
}

class CensusRun {
  readonly #deps: CensusDeps
  readonly #settings: CensusSettings
  readonly #run: JobRun
  readonly #signal: AbortSignal
  #progress: CensusProgress

  constructor(deps: CensusDeps, settings: CensusSettings, run: JobRun, signal: AbortSignal) {
    this.#deps = deps
    this.#settings = settings
    this.#run = run
    this.#signal = signal
    this.#progress = run.progress as CensusProgress
  }

  /** Ends when there is nothing to count. */
  async work(): Promise<void> {
    const { catalogue, clock } = this.#deps
    for (;;) {
      const conditions = await catalogue.observeServers({ graceMs: this.#settings.graceMs }, this.#signal)
      const pass = await this.#passUnder(conditions)
      if (!pass) return
      // The servers are looked at again while the count goes on.
      const lookAgainMs = clock.nowMs() + this.#settings.intervalMs
      while (this.#progress.pass && clock.nowMs() < lookAgainMs) await this.#countPage(this.#progress.pass, conditions)
    }
  }

  /** The count that is to go on, or to begin. */
  async #passUnder(conditions: ServerConditions): Promise<CensusPass | undefined> {
    const { catalogue, clock, log } = this.#deps
    const word = wordOf(conditions)
    const { pass, report } = this.#progress
    const hasChanged = word !== (pass ?? report)?.conditions
    if (pass && !hasChanged) return pass
    const { repairedParts, isQueueEmpty } = await catalogue.readRepairs(this.#signal)
    if (hasChanged) {
      log.info({ ...conditions }, 'the storage servers have changed: all parts are looked through')
      await this.#retryRepairs()
    } else if (report) {
      const isRepaired = isQueueEmpty && report.repairedParts !== repairedParts
      if (!isRepaired && clock.nowMs() - Date.parse(report.finishedAt) < PASS_EVERY_MS) return undefined
    }
    const tally = { parts: 0, endangered: 0, leaving: 0, byTolerance: {} }
    const gone = [...conditions.down, ...conditions.lost]
    const { draining } = conditions
    const begun = { conditions: word, gone, draining, repairedParts, startedAt: this.#now(), after: '', tally }
    this.#say({ ...this.#progress, pass: begun })
    return begun
  }

  /** What could not be repaired before may be possible now. */
  async #retryRepairs(): Promise<void> {
    for (let count = RETRIES_AT_ONCE; count === RETRIES_AT_ONCE; ) {
      count = await this.#deps.catalogue.retryRepairs(RETRIES_AT_ONCE, this.#signal)
    }
  }

  async #countPage(pass: CensusPass, { lost, draining }: ServerConditions): Promise<void> {
    const { catalogue, log } = this.#deps
    const parts = await catalogue.surveyParts({ after: pass.after, rowsMax: PARTS_AT_ONCE }, this.#signal)
    const queued = parts.flatMap((part) => partToQueue(part, new Set(lost), new Set(draining)))
    if (queued.length > 0) await catalogue.queueParts(queued, this.#signal)
    const tally = addUp(pass.tally, parts, queued, new Set(pass.gone))
    if (parts.length === PARTS_AT_ONCE) {
      this.#say({ ...this.#progress, pass: { ...pass, after: parts.at(-1)!.partId, tally } })
      return
    }
    const { after, ...counted } = pass
    this.#say({ report: { ...counted, tally, finishedAt: this.#now() } })
    if (tally.endangered > 0)
      log.warn({ ...tally, servers: pass.conditions }, 'parts have chunks missing, and wait for repair')
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString()
  }

  #say(progress: CensusProgress): void {
    this.#progress = progress
    this.#run.report(progress)
  }
}

function wordOf({ up, draining, down, lost }: ServerConditions): string {
  return `up ${up.join(' ')}, draining ${draining.join(' ')}, down ${down.join(' ')}, lost ${lost.join(' ')}`
}

/** Chunks on servers that are merely down are not missing yet. */
function partToQueue(
  { partId, servers, damaged }: SurveyedPart,
  lost: ReadonlySet<ServerNumber>,
  draining: ReadonlySet<ServerNumber>,
): EndangeredPart[] {
  const isMissing = (server: ServerNumber, index: number) =>
    server === NOWHERE || lost.has(server) || damaged.includes(index)
  const missing = servers.filter(isMissing).length
  const isQueued = missing > 0 || servers.some((server) => draining.has(server))
  return isQueued ? [{ partId, missing, spare: servers.length - missing - DATA_CHUNKS }] : []
}

function addUp(
  { parts, endangered, leaving, byTolerance }: Tally,
  page: readonly SurveyedPart[],
  queued: readonly EndangeredPart[],
  gone: ReadonlySet<ServerNumber>,
): Tally {
  const sums = { ...byTolerance }
  for (const { servers, damaged } of page) {
    const holders = servers.filter(
      (server, index) => server !== NOWHERE && !gone.has(server) && !damaged.includes(index),
    )
    const tolerance = faultTolerance(holders)
    sums[tolerance] = (sums[tolerance] ?? 0) + 1
  }
  const inDanger = queued.filter(({ missing }) => missing > 0).length
  return {
    parts: parts + page.length,
    endangered: endangered + inDanger,
    leaving: leaving + queued.length - inDanger,
    byTolerance: sums,
  }
}
