import { type PartId, sessionOfPart } from '../../../src/base/ids.ts'
import type { PartLayout, WriteCondition } from '../../../src/base/model.ts'
import type { MemoryDatabase, UploadRow } from './tables.ts'

export type Verdict = 'ok' | 'no-key' | 'precondition-failed'

/** verdict_v1 */
export function judge(etag: string | undefined, { ifNoneMatch, ifMatch }: WriteCondition): Verdict {
  if (ifNoneMatch && etag !== undefined) return 'precondition-failed'
  if (!ifMatch) return 'ok'
  if (etag === undefined) return 'no-key'
  return ifMatch === '*' || ifMatch === etag ? 'ok' : 'precondition-failed'
}

/** Of commit_objects_v2 and commit_part_v1: what is known of a part before it is committed. */
export function standingOf(
  { rows, nowMs }: MemoryDatabase,
  partId: PartId | undefined,
): 'new' | 'repeated' | 'given-up' | 'session-over' {
  if (partId === undefined) return 'new'
  const known = rows.parts.get(partId)
  if (known) return known.committedAt ? 'repeated' : 'given-up'
  const session = rows.sessions.get(sessionOfPart(partId))
  return session && (session.state !== 'open' || session.expiresMs <= nowMs()) ? 'session-over' : 'new'
}

export function insertPart(db: MemoryDatabase, layout: PartLayout): void {
  db.put('parts', layout.partId, { layout, refs: 1, committedAt: db.now() })
  db.onPart(layout)
  const missing = layout.servers.filter((server) => server === 0).length
  if (missing === 0) return
  const row = { missing, spare: 1, damaged: 0, attempts: 0, nextAttemptMs: db.nowMs(), error: undefined }
  db.put('queue', layout.partId, row)
}

export function retainParts(db: MemoryDatabase, ids: Iterable<PartId | undefined>): void {
  for (const id of ids) changeRefs(db, id, 1)
}

/** release_parts_v1: at 0 the part is doomed. */
export function releaseParts(db: MemoryDatabase, ids: Iterable<PartId | undefined>): void {
  for (const id of ids) if (changeRefs(db, id, -1) === 0) db.put('doomed', id!, db.nowMs())
}

function changeRefs(db: MemoryDatabase, id: PartId | undefined, by: number): number | undefined {
  const part = id && db.rows.parts.get(id)
  if (!part) return undefined
  if (part.refs + by < 0) throw new Error(`references of part ${id} fell below 0`)
  db.put('parts', id, { ...part, refs: part.refs + by })
  return part.refs + by
}

/** drop_uploads_v1 */
export function dropUploads(db: MemoryDatabase, uploads: readonly UploadRow[]): void {
  db.remove(
    'uploads',
    uploads.map(({ upload }) => upload.uploadId),
  )
  for (const { parts } of uploads)
    releaseParts(
      db,
      [...parts.values()].map(({ partId }) => partId),
    )
}
