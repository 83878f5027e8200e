import type { Clock } from '../../base/clock.ts'
import { makePartId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { ChunkDamage } from '../../engine/ports/damage-reports.ts'
import { payloadBytes } from '../../striping/layout.ts'
import type { Job, JobRun } from '../job-runner.ts'
import { Pace } from '../pace.ts'
import type { ScrubCatalogue } from '../ports/scrub.ts'
import { verifyParts } from './verify-parts.ts'

export interface ScrubDeps {
  catalogue: ScrubCatalogue
  chunks: Pick<ChunkStore, 'verifyChunks'>
  clock: Clock
  log: Log
}

export interface ScrubSettings {
  /** From the beginning of one pass to that of the next, in ms. */
  periodMs: number
  /** What all nodes together re-read, at most. */
  bytesPerSecond: number
}

export interface ScrubProgress {
  pass?: ScrubPass
  /** The last one that came to its end. */
  last?: ScrubTally & { startedAt: string; finishedAt: string }
}

export interface ScrubTally {
  parts: number
  chunks: number
  bytes: number
  damaged: number
  /** Chunks on servers that did not answer. */
  skipped: number
}

export interface ScrubPass extends ScrubTally {
  startedAt: string
  /** The last part that was verified. */
  after: string
}

export const SCRUB_JOB = 'scrub'

const PARTS_IN_A_PAGE = 500
/** Parts are verified in groups of about so many bytes: a group is what a kill repeats, and what a pause waits for. */
const GROUP_BYTES = 64 * 1024 * 1024
/** Damaged chunks that one line of the log names. */
const LOGGED_MAX = 20
/** A pass that had to leave chunks out is made again after this, if not sooner. */
const AGAIN_MS = 86_400_000

/** Verifies every chunk that was written before the pass began; what is damaged goes to the repair queue. */
export function scrubJob(deps: ScrubDeps, settings: ScrubSettings): Job {
  const pace = new Pace(deps.clock, settings.bytesPerSecond)
  return {
    name: SCRUB_JOB,
    work: (run, signal) => new ScrubRun(deps, { settings, pace, run }, signal).work(),
  }
}

class ScrubRun {
  readonly #deps: ScrubDeps
  readonly #order: { settings: ScrubSettings; pace: Pace; run: JobRun }
  readonly #signal: AbortSignal

  constructor(deps: ScrubDeps, order: { settings: ScrubSettings; pace: Pace; run: JobRun }, signal: AbortSignal) {
    this.#deps = deps
    this.#order = order
    this.#signal = signal
  }

  /** Answers in how many ms the next pass is due. */
  async work(): Promise<number> {
    const { catalogue, clock, log } = this.#deps
    const progress = this.#order.run.progress as ScrubProgress
    let pass = progress.pass ?? { startedAt: this.#now(), after: '', ...emptyTally() }
    const startedMs = Date.parse(pass.startedAt)
    const before = makePartId(startedMs, { a: 0, b: 0 }, 0)
    for (;;) {
      const page = await catalogue.listParts({ after: pass.after, before, rowsMax: PARTS_IN_A_PAGE }, this.#signal)
      for (const group of groupsOf(page)) {
        pass = await this.#verify(pass, group)
        this.#order.run.report({ ...progress, pass })
      }
      if (page.length < PARTS_IN_A_PAGE) break
    }
    const { after, ...tally } = pass
    this.#order.run.report({ last: { ...tally, finishedAt: this.#now() } })
    log.info({ ...tally }, 'all chunks were verified')
    const periodMs =
      pass.skipped > 0 ? Math.min(AGAIN_MS, this.#order.settings.periodMs) : this.#order.settings.periodMs
    return Math.max(0, startedMs + periodMs - clock.nowMs())
  }

  async #verify(pass: ScrubPass, group: readonly PartLayout[]): Promise<ScrubPass> {
    const { chunks } = this.#deps
    const bytes = group.reduce((sum, layout) => sum + layout.servers.length * payloadBytes(layout), 0)
    await this.#order.pace.take(bytes, this.#signal)
    const verified = await verifyParts(chunks, group, this.#signal)
    const damaged = await this.#queue(verified.damages)
    return {
      startedAt: pass.startedAt,
      after: group.at(-1)!.partId,
      parts: pass.parts + group.length,
      chunks: pass.chunks + verified.chunks,
      bytes: pass.bytes + bytes,
      damaged: pass.damaged + damaged,
      skipped: pass.skipped + verified.skipped,
    }
  }

  /** What was deleted or moved while it was looked at does not count. */
  async #queue(damages: readonly ChunkDamage[]): Promise<number> {
    if (damages.length === 0) return 0
    const count = await this.#deps.catalogue.queueDamage(damages, this.#signal)
    if (count > 0)
      this.#deps.log.error({ count, chunks: damages.slice(0, LOGGED_MAX) }, 'the scrub found damaged chunks')
    return count
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString()
  }
}

function emptyTally(): ScrubTally {
  return { parts: 0, chunks: 0, bytes: 0, damaged: 0, skipped: 0 }
}

/** In order, each of about GROUP_BYTES, or of one part. */
function* groupsOf(page: readonly PartLayout[]): Generator<PartLayout[]> {
  let group: PartLayout[] = []
  let bytes = 0
  for (const layout of page) {
    group.push(layout)
    bytes += layout.servers.length * payloadBytes(layout)
    if (bytes < GROUP_BYTES) continue
    yield group
    group = []
    bytes = 0
  }
  if (group.length > 0) yield group
}
