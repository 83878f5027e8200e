import { StoreFault } from '../../../src/base/faults.ts'
import type { BucketId, ObjectKey } from '../../../src/base/ids.ts'
import type { WriteCondition } from '../../../src/base/model.ts'
import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import { type Refusal, refusal } from '../../../src/meta/refusal.ts'
import { insertPart, judge, retainParts, standingOf } from './parts.ts'
import { rollUp } from './roll-up.ts'
import { type MemoryDatabase, strayName } from './tables.ts'
import { asObject, committedVersion, currentOf, deleteOne, newestFirst, partIds, putVersion } from './versions.ts'

type Objects = Pick<
  Catalogue,
  | 'findObject'
  | 'findParts'
  | 'commitObject'
  | 'copyObject'
  | 'renameObject'
  | 'deleteObjects'
  | 'listObjects'
  | 'doomUncommitted'
  | 'noteStrays'
>

/** As LAYOUTS_MAX of src/meta/queries/find-object.ts. */
const LAYOUTS_MAX = 16
/** As note_strays_v1. */
const STRAY_REST_MS = 60_000

export function objects(db: MemoryDatabase): Objects {
  const current = (bucketId: BucketId, key: ObjectKey) => currentOf(db, bucketId, key)

  return {
    async findObject(query) {
      const bucket = [...db.rows.buckets.values()].find(({ name }) => name === query.bucket)
      const { versionId } = query
      const all = bucket ? newestFirst(db, bucket.id, query.key) : []
      const row = versionId === undefined ? all[0] : all.find((each) => each.versionId === versionId)
      if (row?.isDeleteMarker) {
        const { versionId, committedAt } = row
        return { bucket, object: undefined, marker: { versionId, committedAt }, layouts: [] }
      }
      const object = row && asObject(row)
      const ids = query.withLayouts ? (object?.parts ?? []).slice(0, LAYOUTS_MAX).map(({ partId }) => partId) : []
      const layouts = ids.flatMap((id) => (id && db.rows.parts.get(id)?.layout) ?? [])
      return { bucket, object, marker: undefined, layouts }
    },
    findParts: async (ids) => ids.map((id) => db.rows.parts.get(id)?.layout),

    async commitObject({ bucketId, key, part, condition, sizeBytes, ...row }) {
      const standing = standingOf(db, part?.partId)
      if (standing === 'repeated') {
        const { committedAt } = db.rows.parts.get(part!.partId)!
        return { versionId: committedVersion(db, { bucketId, key, part: part! }), committedAt: committedAt! }
      }
      refuseUnless(standing === 'new' ? 'ok' : standing, { key, condition })
      refuseUnless(db.rows.buckets.has(bucketId) ? 'ok' : 'no-bucket', { key, condition })
      const old = current(bucketId, key)
      refuseUnless(judge(old?.etag, condition), { key, condition })
      if (part) insertPart(db, part)
      const parts = [{ number: 1, partId: part?.partId, sizeBytes, checksum: undefined }]
      const made = putVersion(db, { bucketId, key, sizeBytes, ...row, isMultipart: false, parts }, part?.partId)
      db.synced()
      return { versionId: made.versionId, committedAt: db.now() }
    },
    async copyObject({ source, bucketId, key, attributes, extras, condition }) {
      refuseUnless(db.rows.buckets.has(bucketId) ? 'ok' : 'no-bucket', { key, condition })
      const from = newestFirst(db, source.bucketId, source.key).find(({ versionId }) => versionId === source.versionId)
      if (!from || from.isDeleteMarker) throw new StoreFault('NoSuchKey', { key: source.key })
      const isSame = from.etag === source.etag && from.committedAt.getTime() === source.committedAt.getTime()
      refuseUnless(isSame ? 'ok' : 'source-changed', { key, condition })
      refuseUnless(judge(current(bucketId, key)?.etag, condition), { key, condition })
      retainParts(db, partIds(from.parts))
      const { extras: _, ...copied } = asObject(from)
      const made = putVersion(db, { ...copied, bucketId, key, attributes, ...(extras && { extras }) }, undefined)
      db.synced()
      return { versionId: made.versionId, committedAt: db.now() }
    },
    async renameObject({ source, key, condition: { ifNoneMatch, ifMatch } }) {
      const { bucketId } = source
      const condition = { ...(ifNoneMatch && { ifNoneMatch }), ...(ifMatch !== undefined && { ifMatch }) }
      refuseUnless(db.rows.buckets.has(bucketId) ? 'ok' : 'no-bucket', { key, condition })
      const from = current(bucketId, source.key)
      if (!from) throw new StoreFault('NoSuchKey', { key: source.key })
      if (from.versionId !== source.versionId || from.etag !== source.etag) return undefined
      if (from.committedAt.getTime() !== source.committedAt.getTime()) return undefined
      const verdict = judge(current(bucketId, key)?.etag, condition)
      refuseUnless(verdict === 'ok' ? 'ok' : 'precondition-failed', { key, condition })
      retainParts(db, partIds(from.parts))
      const made = putVersion(db, { ...from, key }, undefined)
      deleteOne(db, bucketId, { key: source.key })
      db.synced()
      return { versionId: made.versionId }
    },
    async deleteObjects(bucketId, targets) {
      const deleted = targets.map((target) => deleteOne(db, bucketId, target))
      db.synced()
      return deleted
    },
    async listObjects({ bucketId, ...roll }) {
      const inBucket = Array.from(db.rows.objects.values(), ([latest]) => latest!).filter(
        (row) => row.bucketId === bucketId && !row.isDeleteMarker,
      )
      const { rows, prefixes, isTruncated, next } = rollUp(inBucket, roll)
      const listed = rows.map(({ key, sizeBytes, etag, committedAt, attributes, checksum }) => ({
        key,
        sizeBytes,
        etag,
        committedAt,
        storageClass: attributes.storageClass,
        checksumAlgorithm: checksum?.algorithm,
        checksumType: checksum?.type,
      }))
      return { objects: listed, commonPrefixes: prefixes, isTruncated, next }
    },
    async doomUncommitted(layouts) {
      for (const layout of layouts) {
        if (db.rows.parts.has(layout.partId)) continue
        db.put('parts', layout.partId, { layout, refs: 0, committedAt: undefined })
        db.put('doomed', layout.partId, db.nowMs())
      }
      db.synced()
    },
    async noteStrays(partId, strays) {
      for (const stray of strays) {
        const name = strayName({ partId, ...stray })
        if (db.rows.strays.has(name)) continue
        const deleteAfterMs = db.nowMs() + STRAY_REST_MS
        db.put('strays', name, { partId, ...stray, state: 'left over', deleteAfterMs })
      }
    },
  }
}

export function refuseUnless(
  outcome: Refusal | 'ok',
  of: { key: ObjectKey; condition: WriteCondition } & Omit<Parameters<typeof refusal>[1], 'key' | 'condition'>,
): void {
  if (outcome !== 'ok') throw refusal(outcome, of)
}
