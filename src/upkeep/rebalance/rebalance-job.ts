import { StoreFault } from '../../base/faults.ts'
import { LAST_PART_ID } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import { payloadBytes } from '../../striping/layout.ts'
import type { Job, JobRun } from '../job-runner.ts'
import { Pace } from '../pace.ts'
import type { ChunkMove, RepairOutcome } from '../ports/repair.ts'
import type { ScrubCatalogue } from '../ports/scrub.ts'
import type { RepairDeps } from '../repair/deps.ts'
import { writeMoves } from '../repair/write-moves.ts'
import { type Amount, type CountedMoves, countMoves, movesOf, PARTS_IN_A_COUNT } from './count-moves.ts'
import { type LookDeps, lookAtServers, type ServersToday } from './look-at-servers.ts'
import { isAsSafe } from './plan-moves.ts'

export interface RebalanceDeps extends RepairDeps, Pick<LookDeps, 'reports' | 'takes'> {
  /** What changed before it was asked for must be seen. */
  cluster: LookDeps['cluster'] & { refresh(signal: AbortSignal): Promise<void> }
  parts: Pick<ScrubCatalogue, 'listParts'>
}

export interface RebalanceSettings {
  /** How long copies that were replaced stay, in ms. */
  graceMs: number
  /** Read from and written to nodes, together. */
  bytesPerSecond: number
  /** Between two looks at servers that are down, in ms. */
  intervalMs: number
}

export interface RebalanceProgress {
  /** What is under way. */
  pass?: RebalancePass
  /** The last one that came to its end. */
  last?: RebalanceTally & { finishedAt: string }
}

export interface RebalanceTally extends CountedMoves {
  startedAt: string
  /** Of `toMove`. Bytes of chunks, each counted once. */
  moved: Amount
  /** Chunks that could not be moved. */
  failures: number
}

/** Twice through all parts: to count what is to be moved, then to move it. */
export interface RebalancePass extends RebalanceTally {
  phase: 'count' | 'move'
  /** Under which servers it was counted. */
  servers: string
  /** What was moved since a gateway took it up, for the rate. */
  run: { startedAt: string; movedBytes: number }
  /** The last part that was gone through in this phase. */
  after: string
  /** What it waits for; null: nothing. */
  waitsFor: string | null
}

export const REBALANCE_JOB = 'rebalance'

/** Parts in one page of the moving: the servers are looked at before each. */
const PARTS_IN_A_PAGE = 100
/** Parts of which chunks are moved at once: of large ones, each has about 1 MiB under way. */
const PARTS_AT_ONCE = 8

/**
 * Brings chunks to where the ring has them today: after a server was added, about 1/N of all, to that one. Runs when it
 * is asked for. The plan follows from each part's row, so whoever goes on after a crash moves nothing twice.
 */
export function rebalanceJob(deps: RebalanceDeps, settings: RebalanceSettings): Job {
  const pace = new Pace(deps.clock, settings.bytesPerSecond)
  return {
    name: REBALANCE_JOB,
    work: (run, signal) => new RebalanceRun(deps, { settings, pace, run }, signal).work(),
  }
}

class RebalanceRun {
  readonly #deps: RebalanceDeps
  readonly #order: { settings: RebalanceSettings; pace: Pace; run: JobRun }
  readonly #signal: AbortSignal
  #pass: RebalancePass

  constructor(
    deps: RebalanceDeps,
    order: { settings: RebalanceSettings; pace: Pace; run: JobRun },
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#order = order
    this.#signal = signal
    const { pass } = order.run.progress as RebalanceProgress
    this.#pass = pass ? { ...pass, run: this.#newRun() } : this.#begin()
  }

  /** Answers in how many ms to look again: Infinity when it is done. */
  async work(): Promise<number> {
    await this.#deps.cluster.refresh(this.#signal)
    for (;;) {
      const today = await lookAtServers(this.#deps, this.#signal)
      if (today.word !== this.#pass.servers) this.#countAnew(today)
      if (today.down.length > 0) return this.#waitFor(`server ${today.down.join(', ')}, which is down`)
      const isAtEnd = this.#pass.phase === 'count' ? await this.#countPage(today) : await this.#movePage(today)
      if (isAtEnd && this.#pass.phase === 'move') return this.#end()
      if (isAtEnd) this.#say({ phase: 'move', after: '', run: this.#newRun() })
    }
  }

  async #countPage(today: ServersToday): Promise<boolean> {
    const page = await this.#listParts(PARTS_IN_A_COUNT)
    this.#say(countMoves(this.#pass, page, today))
    return this.#isLast(page, PARTS_IN_A_COUNT)
  }

  async #movePage(today: ServersToday): Promise<boolean> {
    const page = await this.#listParts(PARTS_IN_A_PAGE)
    const waiting = page.values()
    const lane = async () => {
      for (const layout of waiting) {
        this.#signal.throwIfAborted()
        const moves = movesOf(today, layout) ?? []
        if (moves.length > 0) await this.#move(layout, moves, today)
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, lane))
    for (const one of lanes) if (one.status === 'rejected') throw one.reason
    return this.#isLast(page, PARTS_IN_A_PAGE)
  }

  async #listParts(rowsMax: number): Promise<PartLayout[]> {
    return await this.#deps.parts.listParts({ after: this.#pass.after, before: LAST_PART_ID, rowsMax }, this.#signal)
  }

  #isLast(page: readonly PartLayout[], rowsMax: number): boolean {
    if (page.length > 0) this.#say({ after: page.at(-1)!.partId })
    return page.length < rowsMax
  }

  /** Moves chunks of one part, if it is still as it was read; what hinders that is told, and left to the next time. */
  async #move(layout: PartLayout, moves: readonly ChunkMove[], today: ServersToday): Promise<void> {
    const { catalogue, log } = this.#deps
    const { partId } = layout
    let moved = 0
    let failures = moves.length
    try {
      const written = await this.#write(layout, moves, today)
      const outcome = await this.#commit(layout, written, today)
      if (outcome === 'ok') moved = written.length
      failures = outcome === 'gone' ? 0 : moves.length - moved
    } catch (error) {
      this.#signal.throwIfAborted()
      log.warn({ partId, reason: String(error) }, 'chunks were not moved to another server')
      await catalogue.failRepair({ partId, error: String(error) }, this.#signal)
    }
    const { moved: sum, run } = this.#pass
    const movedBytes = moved * payloadBytes(layout)
    this.#say({
      moved: { chunks: sum.chunks + moved, bytes: sum.bytes + movedBytes },
      failures: this.#pass.failures + failures,
      run: { ...run, movedBytes: run.movedBytes + movedBytes },
    })
  }

  /** Answers the chunks that are durable where they should be; nothing names them there yet. */
  async #write(layout: PartLayout, moves: readonly ChunkMove[], today: ServersToday): Promise<ChunkMove[]> {
    const wanted = new Map(moves.map(({ index }) => [index, 'leaving' as const]))
    const pace = (bytes: number, signal: AbortSignal) => this.#order.pace.take(bytes, signal)
    const order = { moves, held: [], pace }
    const { written, failure } = await writeMoves(this.#deps, { layout, wanted }, order, this.#signal)
    if (written.length === 0) throw failure
    if (isAsSafe(today, layout.servers, written)) return written
    throw new StoreFault('ServiceUnavailable', {
      reason: 'Of its chunks those alone that were written make it less safe.',
    })
  }

  async #commit(
    { partId, servers: before }: PartLayout,
    moves: readonly ChunkMove[],
    { lost, leaving }: ServersToday,
  ): Promise<RepairOutcome> {
    const settled = moves.map(({ index }) => index)
    const { graceMs } = this.#order.settings
    return await this.#deps.catalogue.commitRepair(
      { partId, before, moves, settled, lost, leaving, graceMs },
      this.#signal,
    )
  }

  #begin(): RebalancePass {
    const none = { chunks: 0, bytes: 0 }
    const sums = { parts: 0, toMove: none, leftOut: 0, moved: none, failures: 0 }
    const startedAt = this.#now()
    return { phase: 'count', servers: '', startedAt, run: this.#newRun(), after: '', waitsFor: null, ...sums }
  }

  /** What was moved stays counted, and what is to be moved is counted again. */
  #countAnew({ word }: ServersToday): void {
    const { startedAt, moved, failures } = this.#pass
    this.#say({ ...this.#begin(), startedAt, servers: word, moved, toMove: moved, failures })
  }

  #waitFor(waitsFor: string): number {
    this.#say({ waitsFor })
    return this.#order.settings.intervalMs
  }

  #end(): number {
    const { phase, servers, run, after, waitsFor, ...tally } = this.#pass
    this.#order.run.report({ last: { ...tally, finishedAt: this.#now() } })
    this.#deps.log.info({ ...tally }, 'chunks are where the ring has them')
    return Number.POSITIVE_INFINITY
  }

  #newRun(): RebalancePass['run'] {
    return { startedAt: this.#now(), movedBytes: 0 }
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString()
  }

  #say(more: Partial<RebalancePass>): void {
    this.#pass = { ...this.#pass, waitsFor: null, ...more }
    this.#order.run.report({ ...this.#order.run.progress, pass: this.#pass })
  }
}
