import type { BucketId, ObjectKey, PartId, ServerId, ServerNumber, UploadId } from '../../../src/base/ids.ts'
import type { Bucket, ObjectVersion, PartLayout, Upload, UploadedPart } from '../../../src/base/model.ts'
import type { CompletedObject } from '../../../src/engine/ports/catalogue.ts'
import type { StorageServer } from '../../../src/engine/ports/cluster.ts'
import type { Progress } from '../../../src/upkeep/ports/jobs.ts'
import type { ChunkMove } from '../../../src/upkeep/ports/repair.ts'

/** The rows of schema.sql, as far as the simulation needs them. A row is never changed, only replaced. */
export class Tables {
  buckets: ReadonlyMap<BucketId, Bucket> = new Map()
  /** The versions of each key, newest first; never none. */
  objects: ReadonlyMap<string, readonly VersionRow[]> = new Map()
  parts: ReadonlyMap<PartId, PartRow> = new Map()
  /** When each was doomed, ms. */
  doomed: ReadonlyMap<PartId, number> = new Map()
  uploads: ReadonlyMap<UploadId, UploadRow> = new Map()
  sessions: ReadonlyMap<number, SessionRow> = new Map()
  queue: ReadonlyMap<PartId, QueueRow> = new Map()
  strays: ReadonlyMap<string, StrayRow> = new Map()
  servers: ReadonlyMap<ServerNumber, ServerRow> = new Map()
  absences: ReadonlyMap<ServerNumber, AbsenceRow> = new Map()
  jobs: ReadonlyMap<string, JobRow> = new Map()
}

/** A delete marker has neither bytes nor attributes. */
export interface VersionRow extends ObjectVersion {
  readonly isDeleteMarker: boolean
}

export interface PartRow {
  readonly layout: PartLayout
  readonly refs: number
  /** undefined: given up before it was committed, and can never be. */
  readonly committedAt: Date | undefined
}

export interface UploadRow {
  readonly upload: Upload
  readonly expiresMs: number
  readonly parts: ReadonlyMap<number, UploadedPart>
  readonly completed: CompletedObject | undefined
}

export interface SessionRow {
  readonly state: 'open' | 'closed' | 'forgotten'
  readonly expiresMs: number
}

export interface QueueRow {
  readonly missing: number
  readonly spare: number
  /** A bit a chunk. */
  readonly damaged: number
  readonly attempts: number
  readonly nextAttemptMs: number
  readonly error: string | undefined
}

export interface StrayRow {
  readonly partId: PartId
  readonly index: number
  readonly server: ServerNumber
  readonly state: 'being written' | 'left over' | 'being deleted'
  readonly deleteAfterMs: number
}

export interface ServerRow extends Omit<StorageServer, 'isStale' | 'lastHeartbeatAt'> {
  readonly id: ServerId
  readonly lastHeartbeatMs: number
  /** Heartbeats so far. */
  readonly beats: number
}

export interface AbsenceRow {
  readonly sinceMs: number
  readonly seenMs: number
  readonly isLost: boolean
}

export interface JobRow {
  readonly isPaused: boolean
  readonly dueMs: number
  readonly runner: string | undefined
  readonly leaseUntilMs: number
  readonly progress: Progress
  readonly error: string | undefined
}

export function objectName(bucketId: BucketId, key: ObjectKey): string {
  return `${bucketId}/${key}`
}

export function strayName({ partId, index, server }: Pick<StrayRow, 'partId' | 'index' | 'server'>): string {
  return `${partId}/${index}/${server}`
}

/** The database: its rows, its clock, and what of its commits the disk has surely seen. */
export class MemoryDatabase {
  readonly rows = new Tables()
  readonly nowMs: () => number
  versionsMade = 0
  onPart: (layout: PartLayout) => void = () => {}
  onMoves: (partId: PartId, moves: readonly ChunkMove[]) => void = () => {}
  /** As rows were when the last commit that waits for the disk was made: what a crash may go back to. */
  #durable: Tables | undefined

  constructor(nowMs: () => number) {
    this.nowMs = nowMs
    const job = { isPaused: false, dueMs: nowMs(), runner: undefined, leaseUntilMs: 0, progress: {}, error: undefined }
    this.rows.jobs = new Map(['census', 'repair', 'scrub'].map((name) => [name, job]))
    this.put('jobs', 'rebalance', { ...job, dueMs: Number.POSITIVE_INFINITY })
  }

  now(): Date {
    return new Date(this.nowMs())
  }

  put<T extends keyof Tables>(table: T, key: KeyOf<T>, row: RowOf<T>): void {
    const rows = this.rows as unknown as Record<T, ReadonlyMap<KeyOf<T>, RowOf<T>>>
    rows[table] = new Map(rows[table]).set(key, row)
  }

  remove<T extends keyof Tables>(table: T, keys: Iterable<KeyOf<T>>): void {
    const rows = this.rows as unknown as Record<T, ReadonlyMap<KeyOf<T>, RowOf<T>>>
    const left = new Map(rows[table])
    for (const key of keys) left.delete(key)
    rows[table] = left
  }

  /** To be called before the changes of a transaction with synchronous_commit off. */
  beginUnsynced(): void {
    this.#durable ??= Object.assign(new Tables(), this.rows)
  }

  /** To be called at the end of every other transaction: what was committed before it is durable with it. */
  synced(): void {
    this.#durable = undefined
  }

  /**
   * PostgreSQL dies and recovers: commits that did not wait for the disk may be gone, never any other. Answers the places
   * of chunks that it knew of and has forgotten.
   */
  crash(isLost: boolean): ChunkAt[] {
    const before = isLost && this.#durable ? placesIn(this.rows) : new Map<string, ChunkAt>()
    if (isLost && this.#durable) Object.assign(this.rows, this.#durable)
    this.#durable = undefined
    const known = placesIn(this.rows)
    return [...before].filter(([name]) => !known.has(name)).map(([, place]) => place)
  }
}

export type ChunkAt = Pick<StrayRow, 'partId' | 'index' | 'server'>

/** Where parts have their chunks, and where others may lie; by name. */
function placesIn({ parts, strays }: Tables): Map<string, ChunkAt> {
  const ofParts = [...parts.values()].flatMap(({ layout: { partId, servers } }) =>
    servers.map((server, index) => ({ partId, index, server })),
  )
  return new Map([...ofParts, ...strays.values()].map((place) => [strayName(place), place]))
}

type KeyOf<T extends keyof Tables> = Tables[T] extends ReadonlyMap<infer K, unknown> ? K : never
type RowOf<T extends keyof Tables> = Tables[T] extends ReadonlyMap<unknown, infer R> ? R : never
