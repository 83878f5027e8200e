import { StoreFault } from '../../../src/base/faults.ts'
import type { AccountId, BucketName, VersionId } from '../../../src/base/ids.ts'
import type { Bucket } from '../../../src/base/model.ts'
import type { GatewaySession } from '../../../src/meta/connect.ts'
import { live } from '../../meta/fixture.ts'
import type { Move } from './draws.ts'
import { type MemoryCatalogue, memoryCatalogue } from './memory-catalogue.ts'
import { MemoryDatabase, type VersionRow } from './tables.ts'

/** One of two databases that are asked the same. */
export interface Side extends Omit<MemoryCatalogue, 'sessions' | 'cluster'> {
  bucket: Bucket
  registry: Pick<MemoryCatalogue['cluster'], 'register' | 'heartbeat'>
  servers: Pick<MemoryCatalogue['cluster'], 'setServerStatus'>
  openGatewaySession(options: { ttlMs: number }): Promise<GatewaySession>
  /** By number. */
  sessions: Map<number, GatewaySession>
  /** Version ids are not the same on both sides: what one is called that both know by an alias. */
  realId(alias: VersionId): VersionId
  aliasOf(id: string): string
  /** Its clock stands still but for this. */
  advance(ms: number): Promise<void>
  /** All rows, without times, in some order. */
  dump(): Promise<Record<string, string[]>>
}

export const UPLOAD_TTL_MS = 600_000
/** As plan_repair_v1. */
const PLAN_MS = 3_600_000
/** When every comparison begins. */
export const START_MS = 1_800_000_000_000

export async function memorySide(ownerId: AccountId): Promise<Side> {
  let nowMs = START_MS
  const db = new MemoryDatabase(() => nowMs)
  const made = memoryCatalogue(db, { uploadTtlMs: UPLOAD_TTL_MS, planMs: PLAN_MS, notify() {} })
  const bucket = await made.catalogue.createBucket({ name: 'photos' as BucketName, ownerId, region: 'us-east-1' }, live)
  const { rows } = db
  return {
    ...made,
    bucket,
    ...aliasing(new Map()),
    registry: made.cluster,
    servers: made.cluster,
    openGatewaySession: made.sessions.openGatewaySession,
    sessions: new Map(),
    async advance(ms) {
      nowMs += ms
    },
    dump: async () => ({
      objects: sorted([...rows.objects.values()].flatMap(withPlaces), ({ row, place }) => [
        row.key,
        place,
        row.isDeleteMarker,
        row.etag,
        row.isMultipart,
        row.parts.map(({ partId }) => partId),
        row.extras?.tags ?? null,
      ]),
      parts: sorted(rows.parts.values(), (p) => [p.layout.partId, p.refs, p.layout.servers, !p.committedAt]),
      doomed: sorted(rows.doomed.keys(), (id) => id),
      uploads: sorted(rows.uploads.values(), (u) => [u.upload.uploadId, u.upload.state, [...u.parts.keys()].sort()]),
      sessions: sorted(rows.sessions, ([number, { state }]) => [number, state]),
      queue: sorted(rows.queue, ([id, q]) => [id, q.missing, q.spare, q.damaged, q.attempts, q.error ?? null]),
      strays: sorted(rows.strays.values(), (s) => [s.partId, s.index, s.server, s.state]),
      servers: sorted(rows.servers.values(), (s) => [s.number, s.status, s.availableBytes]),
      absences: sorted(rows.absences, ([number, { isLost }]) => [number, isLost]),
      jobs: sorted(rows.jobs, ([name, j]) => [name, j.isPaused, j.runner ?? null, j.progress, j.error ?? null]),
    }),
  }
}

/** 0: the latest version. */
function withPlaces(all: readonly VersionRow[]): { row: VersionRow; place: number }[] {
  return all.map((row, place) => ({ row, place }))
}

/** Rows as text, in an order that both sides give. */
export function sorted<T>(rows: Iterable<T>, columns: (row: T) => unknown): string[] {
  return Array.from(rows, (row) => JSON.stringify(columns(row), (_, value) => value ?? null)).sort()
}

/** Numbered in the order in which they were heard of; `aliases` may be emptied. */
export function aliasing(aliases: Map<string, string>): Pick<Side, 'realId' | 'aliasOf'> {
  return {
    realId: (alias) => ([...aliases].find(([, each]) => each === alias)?.[0] ?? alias) as VersionId,
    aliasOf(id) {
      const alias = id === 'null' ? id : (aliases.get(id) ?? `version ${aliases.size}`)
      aliases.set(id, alias)
      return alias
    },
  }
}

/** What was answered, without times and without order; of a refusal, what a client can tell. */
export async function answerOf(side: Side, move: Move): Promise<unknown> {
  try {
    return plain(side, await move.ask(side))
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error
    return refusalOf(error)
  }
}

function refusalOf({ code, detail }: StoreFault): unknown {
  const { condition, partNumber } = detail as { condition?: string; partNumber?: number }
  return { refused: code, condition, partNumber }
}

function plain(side: Side, value: unknown): unknown {
  if (value instanceof StoreFault) return refusalOf(value)
  if (value instanceof Date) return 'a time'
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (typeof value === 'function' || value === undefined || value === null) return null
  if (Array.isArray(value)) return value.map((each) => plain(side, each)).sort(byText)
  if (typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.sort(byText).map(([name, each]) => [name, plainMember(side, name, each)]))
}

function plainMember(side: Side, name: string, value: unknown): unknown {
  return name === 'versionId' && typeof value === 'string' ? side.aliasOf(value) : plain(side, value)
}

function byText(a: unknown, b: unknown): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)]
  return x < y ? -1 : Number(x > y)
}
