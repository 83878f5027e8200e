import { StoreFault } from '../../../src/base/faults.ts'
import type { ObjectKey, UploadId } from '../../../src/base/ids.ts'
import type { Upload } from '../../../src/base/model.ts'
import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import { refuseUnless } from './objects.ts'
import { dropUploads, insertPart, judge, releaseParts, standingOf } from './parts.ts'
import type { MemoryDatabase, UploadRow } from './tables.ts'
import { currentOf, putVersion } from './versions.ts'

type Uploads = Pick<
  Catalogue,
  'createUpload' | 'findUpload' | 'commitPart' | 'listParts' | 'completeUpload' | 'findCompletion' | 'abortUpload'
>

export function uploads(db: MemoryDatabase, { uploadTtlMs }: { uploadTtlMs: number }): Uploads {
  const find = ({ uploadId, bucketId, key }: Pick<Upload, 'uploadId' | 'bucketId' | 'key'>): UploadRow | undefined => {
    const row = db.rows.uploads.get(uploadId)
    return row?.upload.bucketId === bucketId && row.upload.key === key ? row : undefined
  }
  const isOpen = (row: UploadRow | undefined): row is UploadRow =>
    row?.upload.state === 'open' && row.expiresMs > db.nowMs()

  return {
    async createUpload(upload) {
      refuseUnless(db.rows.buckets.has(upload.bucketId) ? 'ok' : 'no-bucket', { key: upload.key, condition: {} })
      const known = db.rows.uploads.get(upload.uploadId)
      if (known) return { initiatedAt: known.upload.initiatedAt }
      const expiresMs = db.nowMs() + uploadTtlMs
      const made: Upload = { ...upload, initiatedAt: db.now(), state: 'open' }
      db.put('uploads', upload.uploadId, { upload: made, expiresMs, parts: new Map(), completed: undefined })
      db.synced()
      return { initiatedAt: made.initiatedAt }
    },
    async findUpload(query) {
      const row = find(query)
      return row && (row.completed || isOpen(row)) ? row.upload : undefined
    },
    async commitPart({ uploadId, number, part, ...rest }) {
      const of = { key: '' as ObjectKey, condition: {}, uploadId }
      const standing = standingOf(db, part?.partId)
      if (standing === 'repeated') return { modifiedAt: db.rows.parts.get(part!.partId)!.committedAt! }
      refuseUnless(standing === 'new' ? 'ok' : standing, of)
      const row = db.rows.uploads.get(uploadId)
      if (!isOpen(row)) throw new StoreFault('NoSuchUpload', { uploadId })
      if (part) insertPart(db, part)
      const modifiedAt = db.now()
      const parts = new Map(row.parts).set(number, { number, partId: part?.partId, modifiedAt, ...rest })
      db.put('uploads', uploadId, { ...row, parts, expiresMs: prolonged(row.expiresMs) })
      releaseParts(db, [row.parts.get(number)?.partId])
      db.synced()
      return { modifiedAt }
    },
    async listParts({ uploadId, after, rowsMax }) {
      if (rowsMax === 0) return { parts: [], isTruncated: false, nextNumber: after }
      const all = [...(db.rows.uploads.get(uploadId)?.parts.values() ?? [])].sort((a, b) => a.number - b.number)
      const later = all.filter(({ number }) => number > after)
      const parts = later.slice(0, rowsMax)
      return { parts, isTruncated: later.length > rowsMax, nextNumber: parts.at(-1)?.number ?? after }
    },
    async completeUpload({ upload: { uploadId, bucketId, key, attributes }, parts, condition, ...made }) {
      const row = find({ uploadId, bucketId, key })
      if (row?.completed) return { object: row.completed }
      const of = { key, condition, uploadId }
      if (!isOpen(row)) throw new StoreFault('NoSuchUpload', { uploadId })
      refuseUnless(db.rows.buckets.has(bucketId) ? 'ok' : 'no-bucket', of)
      const isOther = ({ number, partId }: (typeof parts)[number]) =>
        !row.parts.has(number) || row.parts.get(number)!.partId !== partId
      const wrong = parts.filter(isOther).map(({ number }) => number)
      refuseUnless(wrong.length > 0 ? 'invalid-part' : 'ok', { ...of, badPart: Math.min(...wrong) })
      refuseUnless(judge(currentOf(db, bucketId, key)?.etag, condition), of)
      const named = parts.map(({ number, partId, sizeBytes, checksum }) => ({ number, partId, sizeBytes, checksum }))
      const { extras } = row.upload
      const object = { ...made, bucketId, key, attributes, isMultipart: true, parts: named, ...(extras && { extras }) }
      const { versionId } = putVersion(db, object, uploadId)
      const listed = new Set(parts.map(({ number }) => number))
      releaseParts(
        db,
        Array.from(row.parts.values(), ({ number, partId }) => (listed.has(number) ? undefined : partId)),
      )
      const { etag, checksum } = made
      const completed = { versionId, committedAt: db.now(), etag, checksum }
      const upload = { ...row.upload, state: 'completed' as const }
      db.put('uploads', uploadId, { upload, completed, parts: new Map(), expiresMs: db.nowMs() + uploadTtlMs })
      db.synced()
      return { object: completed }
    },
    findCompletion: async (uploadId: UploadId) => db.rows.uploads.get(uploadId)?.completed,
    async abortUpload(query) {
      const row = find(query)
      if (!isOpen(row)) throw new StoreFault('NoSuchUpload', { uploadId: query.uploadId })
      dropUploads(db, [row])
      db.synced()
    },
  }

  /** commit_part_v1: not with every part. */
  function prolonged(expiresMs: number): number {
    const nowMs = db.nowMs()
    return expiresMs < nowMs + uploadTtlMs * 0.99 ? nowMs + uploadTtlMs : expiresMs
  }
}
