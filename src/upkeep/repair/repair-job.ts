import type { PartId } from '../../base/ids.ts'
import { payloadBytes } from '../../striping/layout.ts'
import type { Job, JobRun } from '../job-runner.ts'
import { Pace } from '../pace.ts'
import type { RepairEntry } from '../ports/repair.ts'
import type { RepairDeps } from './deps.ts'
import { type RepairOptions, repairPart } from './repair-part.ts'

export interface RepairSettings {
  /** How long copies that were replaced stay, in ms. */
  graceMs: number
  /** Read from and written to nodes, together. */
  bytesPerSecond: number
  /** Between two looks at an empty queue, in ms. */
  intervalMs: number
}

/** Since the store was made; but `run`, which is of the run under way, or the last one. */
export interface RepairProgress {
  parts: number
  chunks: number
  /** Read from and written to nodes, together. */
  movedBytes: number
  /** Bytes of chunks that were made anew. */
  writtenBytes: number
  failures: number
  run: { parts: number; movedBytes: number; writtenBytes: number; startedAt: string }
}

export const REPAIR_JOB = 'repair'

/** What is under repair at once, by weight: of large parts 6, of about 3 MiB each; of small ones 30. */
const WEIGHT_MAX = 30
const LARGE_WEIGHT = 5
/** A part whose chunks are larger is read and written by streams. */
const SMALL_CHUNK_BYTES_MAX = 512 * 1024
/** Claimed in one go; few, so that what becomes more urgent does not wait behind them. */
const ENTRIES_AT_ONCE = 32

/** Works the repair queue until nothing in it is due. A part that cannot be repaired holds no other one up. */
export function repairJob(deps: RepairDeps, settings: RepairSettings): Job {
  const pace = new Pace(deps.clock, settings.bytesPerSecond)
  return {
    name: REPAIR_JOB,
    async work(run, signal) {
      await new RepairRun(deps, { settings, pace, run }, signal).work()
      return settings.intervalMs
    },
  }
}

interface RunOrder {
  settings: RepairSettings
  pace: Pace
  run: JobRun
}

class RepairRun {
  readonly #deps: RepairDeps
  readonly #order: RunOrder
  readonly #signal: AbortSignal
  readonly #progress: RepairProgress
  /** Claimed, and not begun. */
  #waiting: RepairEntry[] = []
  readonly #underWay = new Map<PartId, Promise<void>>()
  #weight = 0
  #options: RepairOptions

  constructor(deps: RepairDeps, order: RunOrder, signal: AbortSignal) {
    this.#deps = deps
    this.#order = order
    this.#signal = signal
    const before = {
      parts: 0,
      chunks: 0,
      movedBytes: 0,
      writtenBytes: 0,
      failures: 0,
      ...(order.run.progress as Partial<RepairProgress>),
    }
    const startedAt = new Date(deps.clock.nowMs()).toISOString()
    this.#progress = { ...before, run: { parts: 0, movedBytes: 0, writtenBytes: 0, startedAt } }
    this.#options = { lost: [], leaving: [], graceMs: order.settings.graceMs, pace: (bytes) => this.#move(bytes) }
  }

  async work(): Promise<void> {
    try {
      while (await this.#refill()) {
        this.#signal.throwIfAborted()
        while (this.#hasRoom()) this.#begin(this.#waiting.shift()!)
        await Promise.race(this.#underWay.values())
      }
    } finally {
      await Promise.all(this.#underWay.values())
    }
  }

  /** Whether there is anything to do. */
  async #refill(): Promise<boolean> {
    if (this.#waiting.length > 0 || this.#weight >= WEIGHT_MAX) return true
    const query = { rowsMax: ENTRIES_AT_ONCE, inHand: [...this.#underWay.keys()] }
    this.#waiting = await this.#deps.catalogue.claimRepairs(query, this.#signal)
    if (this.#waiting.length > 0) {
      this.#report()
      this.#options = { ...this.#options, ...(await this.#deps.catalogue.findUnwantedServers(this.#signal)) }
    }
    return this.#waiting.length + this.#underWay.size > 0
  }

  #hasRoom(): boolean {
    const [next] = this.#waiting
    return next !== undefined && this.#weight + weightOf(next) <= WEIGHT_MAX
  }

  #begin(entry: RepairEntry): void {
    const weight = weightOf(entry)
    this.#weight += weight
    const repaired = this.#repair(entry).finally(() => {
      this.#weight -= weight
      this.#underWay.delete(entry.partId)
    })
    this.#underWay.set(entry.partId, repaired)
  }

  async #repair(entry: RepairEntry): Promise<void> {
    const { partId } = entry
    try {
      const { chunks, writtenBytes, left } = await repairPart(this.#deps, entry, this.#options, this.#signal)
      this.#progress.chunks += chunks
      this.#progress.writtenBytes += writtenBytes
      this.#progress.run.writtenBytes += writtenBytes
      if (left !== undefined) return await this.#fail(partId, left)
      this.#progress.parts += 1
      this.#progress.run.parts += 1
      this.#report()
    } catch (error) {
      if (!this.#signal.aborted) await this.#fail(partId, String(error))
    }
  }

  async #fail(partId: PartId, error: string): Promise<void> {
    const { catalogue, log } = this.#deps
    this.#progress.failures += 1
    this.#report()
    log.warn({ partId, reason: error }, 'a part could not be repaired; it is tried again later')
    await catalogue.failRepair({ partId, error }, this.#signal).catch(() => {}) // its plan is found by its age, too
  }

  async #move(bytes: number): Promise<void> {
    await this.#order.pace.take(bytes, this.#signal)
    this.#progress.movedBytes += bytes
    this.#progress.run.movedBytes += bytes
  }

  #report(): void {
    this.#order.run.report(structuredClone(this.#progress))
  }
}

function weightOf({ layout }: RepairEntry): number {
  return layout && payloadBytes(layout) > SMALL_CHUNK_BYTES_MAX ? LARGE_WEIGHT : 1
}
