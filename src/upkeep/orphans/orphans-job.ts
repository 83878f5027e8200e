import type { Clock } from '../../base/clock.ts'
import { ChunkError } from '../../base/faults.ts'
import type { ServerNumber } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { ChunkStore, ListedChunk } from '../../engine/ports/chunk-store.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import type { Job, JobRun } from '../job-runner.ts'
import { settleMisplaced } from '../misplaced/settle-misplaced.ts'
import { nameText } from '../named-chunks.ts'
import { Pace } from '../pace.ts'
import type { OrphanCatalogue } from '../ports/orphans.ts'
import { isTouchable } from '../restores/touchable-servers.ts'
import { addUp, type ChunkSum, findOrphans } from './find-orphans.ts'

export interface OrphansDeps {
  catalogue: OrphanCatalogue
  chunks: Pick<ChunkStore, 'listChunks' | 'describeChunks' | 'verifyChunks' | 'deleteChunks' | 'statServer'>
  cluster: Pick<ClusterView, 'servers'>
  clock: Clock
  log: Log
}

export interface OrphansSettings {
  /** From the beginning of one pass to that of the next, in ms. */
  periodMs: number
  /** Younger chunks are let be, in ms: longer than any upload takes. */
  ageMs: number
  /** Looked up in the database, at most. */
  chunksPerSecond: number
}

export interface OrphansTally {
  /** Chunks that were looked at. */
  chunks: number
  deleted: ChunkSum
  /** Found elsewhere than their parts' rows had them, and not there: the rows have them where they are since. */
  moved: ChunkSum
  /** Not known to this database, which was restored. */
  kept: ChunkSum
  /** Servers that did not answer, or that have seen a later state of the database: nothing was touched there. */
  skipped: ServerNumber[]
}

export interface OrphansPass extends OrphansTally {
  startedAt: string
  /** Servers that are done with. */
  done: ServerNumber[]
}

export interface OrphansProgress {
  pass?: OrphansPass
  /** The last one that came to its end. */
  last?: OrphansTally & { startedAt: string; finishedAt: string }
}

export const ORPHANS_JOB = 'orphans'

/** A pass that had to leave servers out is made again after this, if not sooner. */
const AGAIN_MS = 3_600_000

/**
 * Goes through the chunks of one server after the other, and deletes those that no part has there: what the sweeps do not
 * find, because nothing in the database points at it any more. A copy that its part has elsewhere goes only if it is there.
 */
export function orphansJob(deps: OrphansDeps, settings: OrphansSettings): Job {
  const pace = new Pace(deps.clock, settings.chunksPerSecond)
  return {
    name: ORPHANS_JOB,
    work: (run, signal) => new OrphansRun(deps, { settings, pace, run }, signal).work(),
  }
}

class OrphansRun {
  readonly #deps: OrphansDeps
  readonly #order: { settings: OrphansSettings; pace: Pace; run: JobRun }
  readonly #signal: AbortSignal
  readonly #before: OrphansProgress
  #pass: OrphansPass

  constructor(deps: OrphansDeps, order: { settings: OrphansSettings; pace: Pace; run: JobRun }, signal: AbortSignal) {
    this.#deps = deps
    this.#order = order
    this.#signal = signal
    this.#before = order.run.progress as OrphansProgress
    this.#pass = this.#before.pass ?? { startedAt: this.#now(), done: [], ...emptyTally() }
  }

  /** Answers in how many ms the next pass is due. */
  async work(): Promise<number> {
    const { cluster, clock, log } = this.#deps
    for (const { number, status } of cluster.servers().values()) {
      if (status === 'removed' || this.#pass.done.includes(number)) continue
      const isDone = await this.#searchServer(number)
      this.#say(isDone ? {} : { skipped: [...this.#pass.skipped, number] })
      this.#say({ done: [...this.#pass.done, number] })
    }
    const { done, ...tally } = this.#pass
    this.#order.run.report({ last: { ...tally, finishedAt: this.#now() } })
    if (tally.deleted.chunks > 0) log.info({ ...tally }, 'chunks that no part refers to were deleted')
    if (tally.kept.chunks > 0)
      log.warn({ ...tally }, 'chunks that this restored database does not know are kept, until somebody releases them')
    const { periodMs } = this.#order.settings
    const pauseMs = tally.skipped.length > 0 ? Math.min(AGAIN_MS, periodMs) : periodMs
    return Math.max(0, Date.parse(tally.startedAt) + pauseMs - clock.nowMs())
  }

  /** Whether all of the server was looked at. */
  async #searchServer(server: ServerNumber): Promise<boolean> {
    const { clock, log } = this.#deps
    const createdBeforeMs = clock.nowMs() - this.#order.settings.ageMs
    try {
      // First: it is what tells whether the database is of today, and all that follows goes by that.
      if (!(await isTouchable(this.#deps, server, this.#signal))) return false
      for await (const page of findOrphans(this.#deps, { server, createdBeforeMs }, this.#signal)) {
        await this.#order.pace.take(page.chunks, this.#signal)
        const { misplaced, kept, unknown } = page
        const settled = await settleMisplaced(this.#deps, { server, misplaced, kept, adopts: true }, this.#signal)
        const deleted = await this.#delete(server, [...unknown, ...settled.redundant])
        this.#say({
          chunks: this.#pass.chunks + page.chunks,
          deleted: addUp(this.#pass.deleted, deleted),
          moved: addUp(this.#pass.moved, settled.moved),
          kept: addUp(this.#pass.kept, settled.kept),
        })
      }
      return true
    } catch (error) {
      this.#signal.throwIfAborted()
      if (!(error instanceof ChunkError)) throw error
      log.warn({ server, reason: String(error) }, 'a server could not be searched for orphans; it is tried again later')
      return false
    }
  }

  /** Answers those that are gone. */
  async #delete(server: ServerNumber, orphans: readonly ListedChunk[]): Promise<ListedChunk[]> {
    if (orphans.length === 0) return []
    const { catalogue, chunks } = this.#deps
    // Before the claim: as in sweep-strays.ts.
    const { moment } = await chunks.statServer(server, this.#signal)
    const claimed = await catalogue.claimOrphans({ server, chunks: orphans }, this.#signal)
    await chunks.deleteChunks(server, claimed, this.#signal, moment)
    const strays = claimed.filter(({ isStray }) => isStray).map(({ partId, index }) => ({ partId, index, server }))
    if (strays.length > 0) await catalogue.forgetStrays(strays, this.#signal)
    const gone = new Set(claimed.map(nameText))
    return orphans.filter((orphan) => gone.has(nameText(orphan)))
  }

  #say(more: Partial<OrphansPass>): void {
    this.#pass = { ...this.#pass, ...more }
    this.#order.run.report({ ...this.#before, pass: this.#pass })
  }

  #now(): string {
    return new Date(this.#deps.clock.nowMs()).toISOString()
  }
}

function emptyTally(): OrphansTally {
  const none = { chunks: 0, bytes: 0 }
  return { chunks: 0, deleted: none, moved: none, kept: none, skipped: [] }
}
