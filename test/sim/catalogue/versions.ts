import { hash } from 'node:crypto'
import type { StoreFault } from '../../../src/base/faults.ts'
import {
  type BucketId,
  NULL_VERSION,
  type ObjectKey,
  type PartId,
  type UploadId,
  type VersionId,
  versionIdOf,
} from '../../../src/base/ids.ts'
import type { ObjectPart, ObjectVersion, PartLayout } from '../../../src/base/model.ts'
import type { DeleteCondition, DeletedObject, DeleteTarget } from '../../../src/engine/ports/catalogue.ts'
import { deleteRefusal } from '../../../src/meta/refusal.ts'
import { releaseParts } from './parts.ts'
import { type MemoryDatabase, objectName, type VersionRow } from './tables.ts'

/** What delete_objects_v4 and its like do with the versions of a key. */

export function newestFirst(db: MemoryDatabase, bucketId: BucketId, key: ObjectKey): readonly VersionRow[] {
  return db.rows.objects.get(objectName(bucketId, key)) ?? []
}

/** undefined: there is none, or a delete marker. */
export function currentOf(db: MemoryDatabase, bucketId: BucketId, key: ObjectKey): ObjectVersion | undefined {
  const [latest] = newestFirst(db, bucketId, key)
  return latest && !latest.isDeleteMarker ? asObject(latest) : undefined
}

export function asObject({ isDeleteMarker: _, ...object }: VersionRow): ObjectVersion {
  return object
}

export function partIds(parts: readonly ObjectPart[]) {
  return parts.map(({ partId }) => partId)
}

/** Makes it the latest version, as the bucket's versioning says; what it replaces loses its references. */
export function putVersion(
  db: MemoryDatabase,
  object: Omit<ObjectVersion, 'versionId' | 'committedAt'>,
  namedAfter: PartId | UploadId | undefined,
): VersionRow {
  return insertLatest(db, { ...object, isDeleteMarker: false }, namedAfter)
}

export function deleteOne(
  db: MemoryDatabase,
  bucketId: BucketId,
  { key, versionId, condition }: DeleteTarget,
): DeletedObject | StoreFault {
  const all = newestFirst(db, bucketId, key)
  const known = versionId === undefined ? all[0] : all.find((each) => each.versionId === versionId)
  const verdict = deleteVerdict(currentOf(db, bucketId, key), condition)
  if (verdict !== 'ok') return deleteRefusal(verdict, key)
  if (versionId === undefined && db.rows.buckets.get(bucketId)?.versioning) {
    const made = insertLatest(db, { ...NOTHING, bucketId, key }, undefined)
    return { versionId: made.versionId, isDeleteMarker: true }
  }
  if (known) {
    putAll(
      db,
      known,
      all.filter((each) => each !== known),
    )
    releaseParts(db, partIds(known.parts))
  }
  return { versionId, isDeleteMarker: known?.isDeleteMarker ?? false }
}

/** delete_verdict_v1 */
function deleteVerdict(latest: ObjectVersion | undefined, { etag, sizeBytes, modified }: DeleteCondition = {}) {
  if (!latest) return etag === undefined ? 'ok' : 'no-key'
  if (etag !== undefined && etag !== '*' && etag !== latest.etag) return 'etag-differs'
  if (sizeBytes !== undefined && sizeBytes !== latest.sizeBytes) return 'size-differs'
  const seconds = (date: Date) => Math.floor(date.getTime() / 1000)
  return modified && seconds(modified) !== seconds(latest.committedAt) ? 'time-differs' : 'ok'
}

/** Of a part that was committed before. */
export function committedVersion(
  db: MemoryDatabase,
  { bucketId, key, part }: { bucketId: BucketId; key: ObjectKey; part: PartLayout },
): VersionId {
  const all = newestFirst(db, bucketId, key)
  return all.findLast(({ parts }) => parts.length === 1 && parts[0]!.partId === part.partId)?.versionId ?? NULL_VERSION
}

const NOTHING = {
  isDeleteMarker: true,
  isMultipart: false,
  sizeBytes: 0,
  etag: '',
  attributes: { headers: {}, userMetadata: {}, storageClass: 'STANDARD' },
  checksum: undefined,
  parts: [],
}

function insertLatest(
  db: MemoryDatabase,
  row: Omit<VersionRow, 'versionId' | 'committedAt'>,
  namedAfter: PartId | UploadId | undefined,
): VersionRow {
  const { bucketId, key } = row
  const versioning = db.rows.buckets.get(bucketId)?.versioning
  const versionId = versioning !== 'Enabled' ? NULL_VERSION : namedAfter ? versionIdOf(namedAfter) : newId(db)
  const all = newestFirst(db, bucketId, key)
  const made = { ...row, versionId, committedAt: db.now() }
  putAll(db, made, [made, ...all.filter((each) => each.versionId !== versionId)])
  for (const { parts } of all.filter((each) => each.versionId === versionId)) releaseParts(db, partIds(parts))
  return made
}

function putAll(db: MemoryDatabase, { bucketId, key }: VersionRow, all: readonly VersionRow[]): void {
  const name = objectName(bucketId, key)
  if (all.length === 0) db.remove('objects', [name])
  else db.put('objects', name, all)
}

/** Another one each time, and the same in every run of a seed. */
function newId(db: MemoryDatabase): VersionId {
  db.versionsMade += 1
  return hash('md5', `version ${db.versionsMade}`) as VersionId
}
