import type { Clock } from '../../base/clock.ts'
import type { BucketId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Job, JobRun } from '../job-runner.ts'
import { Pace } from '../pace.ts'
import type { Cursor, DueCandidate, ExpiryKind, LifecycleCatalogue, RuledBucket } from '../ports/lifecycle.ts'
import { judgeCandidates, keepMax, ruledKinds, ruledPrefixes } from './judge-candidate.ts'

export interface LifecycleDeps {
  catalogue: LifecycleCatalogue
  clock: Clock
  log: Log
}

export interface LifecycleSettings {
  /** What rules call a day, in ms. */
  dayMs: number
  /** Objects, versions and uploads that are looked at, at most; one that goes counts as ten. */
  objectsPerSecond: number
  /** Between two looks whether a day is over or rules have changed, in ms. */
  intervalMs: number
  /** Fewer in tests. */
  rowsInAPage?: number
}

export interface LifecycleProgress {
  pass?: LifecyclePass
  /** The last one that came to its end. */
  last?: LifecycleTally & { startedAt: string; fingerprint: string; finishedAt: string }
}

export interface LifecycleTally {
  buckets: number
  /** Looked at. */
  objects: number
  expired: Record<ExpiryKind, number>
}

export interface LifecyclePass extends LifecycleTally {
  /** By the database's clock. */
  startedAt: string
  /** Which rules were there when it began. */
  fingerprint: string
  place: Place
}

/** How far a pass is: buckets up to `done` are done with; of the next one, what stands before all this. */
interface Place {
  done: BucketId | 0
  revision?: string
  kind?: ExpiryKind
  prefix?: string
  after?: Cursor
}

export const LIFECYCLE_JOB = 'lifecycle'

const ROWS_IN_A_PAGE = 1_000
/** Deleted in one transaction: their keys are locked so long. */
const DELETED_AT_ONCE = 100
/** What a deletion costs, in looks. */
const DELETION_WEIGHT = 10

/**
 * Does what the buckets' lifecycle rules say: a pass through all that have some when a day begins, for all that is due is
 * due at midnight; and when rules have changed. What it did once is not there to be done again.
 */
export function lifecycleJob(deps: LifecycleDeps, settings: LifecycleSettings): Job {
  const pace = new Pace(deps.clock, settings.objectsPerSecond)
  return {
    name: LIFECYCLE_JOB,
    work: (run, signal) => new LifecycleRun(deps, { settings, pace, run }, signal).work(),
  }
}

class LifecycleRun {
  readonly #deps: LifecycleDeps
  readonly #order: { settings: LifecycleSettings; pace: Pace; run: JobRun }
  readonly #signal: AbortSignal
  readonly #before: LifecycleProgress

  constructor(
    deps: LifecycleDeps,
    order: { settings: LifecycleSettings; pace: Pace; run: JobRun },
    signal: AbortSignal,
  ) {
    this.#deps = deps
    this.#order = order
    this.#signal = signal
    this.#before = order.run.progress as LifecycleProgress
  }

  /** Answers when to look again, in ms. */
  async work(): Promise<number> {
    const { catalogue, log } = this.#deps
    const { intervalMs } = this.#order.settings
    const look = await catalogue.look(this.#signal)
    const begun = this.#before.pass ?? this.#begin(look)
    if (!begun) return intervalMs
    let pass = begun
    for (let bucket = await this.#next(pass); bucket; bucket = await this.#next(pass)) {
      pass = await this.#workBucket(pass, bucket)
      pass = { ...pass, buckets: pass.buckets + 1, place: { done: bucket.bucketId } }
      this.#report(pass)
    }
    const { place, ...last } = pass
    const { nowMs } = await catalogue.look(this.#signal)
    this.#order.run.report({ last: { ...last, finishedAt: new Date(nowMs).toISOString() } })
    if (Object.values(pass.expired).some((count) => count > 0)) {
      log.info(
        { ...pass.expired, buckets: pass.buckets, objects: pass.objects },
        'what was due by lifecycle rules is gone',
      )
    }
    return intervalMs
  }

  /** A pass is due when none was made today, or by other rules. */
  #begin({ nowMs, fingerprint }: { nowMs: number; fingerprint: string }): LifecyclePass | undefined {
    const { last } = this.#before
    const { dayMs } = this.#order.settings
    const isToday = last !== undefined && Math.floor(Date.parse(last.startedAt) / dayMs) === Math.floor(nowMs / dayMs)
    if (isToday && last.fingerprint === fingerprint) return undefined
    return {
      startedAt: new Date(nowMs).toISOString(),
      fingerprint,
      buckets: 0,
      objects: 0,
      expired: { current: 0, former: 0, marker: 0, upload: 0 },
      place: { done: 0 },
    }
  }

  #next({ place }: LifecyclePass): Promise<RuledBucket | undefined> {
    return this.#deps.catalogue.findRuledBucket(place.done, this.#signal)
  }

  async #workBucket(begun: LifecyclePass, bucket: RuledBucket): Promise<LifecyclePass> {
    const { rules, revision } = bucket.lifecycle
    const { done } = begun.place
    // Other rules than those that it was begun by: from the start.
    let pass = begun.place.revision === revision ? begun : { ...begun, place: { done, revision } }
    const { kind: kindBegun, prefix: prefixBegun, after } = pass.place
    for (const kind of from(ruledKinds(rules), kindBegun)) {
      for (const prefix of from(ruledPrefixes(rules), kind === kindBegun ? prefixBegun : undefined)) {
        const isBegun = kind === kindBegun && prefix === prefixBegun
        const place = { done, revision, kind, prefix, ...(isBegun && after && { after }) }
        pass = await this.#workPrefix({ ...pass, place }, bucket, kind)
      }
    }
    return pass
  }

  async #workPrefix(begun: LifecyclePass, bucket: RuledBucket, kind: ExpiryKind): Promise<LifecyclePass> {
    const { bucketId, nowMs, lifecycle } = bucket
    const { rules } = lifecycle
    const { dayMs, rowsInAPage: rowsMax = ROWS_IN_A_PAGE } = this.#order.settings
    const judging = { kind, rules, nowMs, dayMs }
    let pass = begun
    for (;;) {
      const { prefix = '', after } = pass.place
      const query = { bucketId, kind, prefix, after, keepMax: keepMax(rules), rowsMax }
      const page = await this.#deps.catalogue.listCandidates(query, this.#signal)
      await this.#order.pace.take(page.length, this.#signal)
      const expired = await this.#expire(bucket, kind, judgeCandidates(page, judging))
      const last = page.at(-1)
      pass = {
        ...pass,
        objects: pass.objects + page.length,
        expired: { ...pass.expired, [kind]: pass.expired[kind] + expired },
        ...(last && {
          place: { ...pass.place, after: { key: last.key, id: last.id, seq: last.seq, madeMs: last.madeAt.getTime() } },
        }),
      }
      this.#report(pass)
      if (page.length < rowsMax) return pass
    }
  }

  async #expire({ bucketId, lifecycle }: RuledBucket, kind: ExpiryKind, all: readonly DueCandidate[]): Promise<number> {
    let expired = 0
    for (let at = 0; at < all.length; at += DELETED_AT_ONCE) {
      const due = all.slice(at, at + DELETED_AT_ONCE)
      await this.#order.pace.take(due.length * DELETION_WEIGHT, this.#signal)
      const order = { bucketId, revision: lifecycle.revision, kind, due }
      expired += await this.#deps.catalogue.expire(order, this.#signal)
    }
    return expired
  }

  #report(pass: LifecyclePass): void {
    this.#order.run.report({ ...this.#before, pass })
  }
}

/** From this one on; all, where none is named or it is not there. */
function from<T>(all: readonly T[], first: T | undefined): readonly T[] {
  return first === undefined ? all : all.slice(Math.max(0, all.indexOf(first)))
}
