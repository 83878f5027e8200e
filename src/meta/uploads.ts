import { abortable } from '../base/abortable.ts'
import { StoreFault } from '../base/faults.ts'
import type { ObjectKey } from '../base/ids.ts'
import type { Upload, UploadPage } from '../base/model.ts'
import type { Catalogue } from '../engine/ports/catalogue.ts'
import type { Databases } from './databases.ts'
import * as sql from './queries/uploads.ts'
import { refusal } from './refusal.ts'
import type { Statement } from './statement.ts'
import { LostConnection, toFault } from './trouble.ts'

type Uploads = Pick<
  Catalogue,
  | 'createUpload'
  | 'findUpload'
  | 'commitPart'
  | 'listParts'
  | 'listUploads'
  | 'completeUpload'
  | 'findCompletion'
  | 'abortUpload'
>

export function uploads({ general }: Databases, settings: { uploadTtlMs: number; resolveMs: number }): Uploads {
  const ttlMs = settings.uploadTtlMs

  /** For what recognises its own repetition: a lost answer is asked for again. */
  async function known<P, R>(statement: Statement<P, R>, params: P, signal: AbortSignal): Promise<R> {
    signal.throwIfAborted()
    try {
      const rows = await abortable(general.runUntilKnown(statement, params, settings), signal)
      return rows[0]!
    } catch (error) {
      throw toFault(error, error instanceof LostConnection && error.sent)
    }
  }

  return {
    async createUpload(upload, signal) {
      const initiatedAt = await known(sql.createUpload, { upload, ttlMs }, signal)
      if (!initiatedAt) throw refusal('no-bucket', { key: upload.key, condition: {} })
      return { initiatedAt }
    },
    async findUpload(query, signal) {
      return (await general.run(sql.findUpload, query, { signal, repeatable: true }))[0]
    },
    async commitPart(commit, signal) {
      // A part without bytes has no id to be recognised by.
      const { outcome, modifiedAt } = commit.part
        ? await known(sql.commitPart, { commit, ttlMs }, signal)
        : (await general.run(sql.commitPart, { commit, ttlMs }, { signal, repeatable: false }))[0]!
      if (outcome === 'ok' || outcome === 'repeated') return { modifiedAt }
      throw refusal(outcome, { key: '' as ObjectKey, condition: {}, uploadId: commit.uploadId })
    },
    async listParts(query, signal) {
      if (query.rowsMax === 0) return { parts: [], isTruncated: false, nextNumber: query.after }
      const oneMore = { ...query, rowsMax: query.rowsMax + 1 }
      const rows = await general.run(sql.listParts, oneMore, { signal, repeatable: true })
      const parts = rows.slice(0, query.rowsMax)
      return { parts, isTruncated: rows.length > query.rowsMax, nextNumber: parts.at(-1)?.number ?? query.after }
    },
    async listUploads(query, signal) {
      if (query.rowsMax === 0) return toPage([], 0)
      const oneMore = { ...query, rowsMax: query.rowsMax + 1 }
      return toPage(await general.run(sql.listUploads, oneMore, { signal, repeatable: true }), query.rowsMax)
    },
    async completeUpload(complete, signal) {
      const { outcome, badPart, object } = await known(sql.completeUpload, { complete, ttlMs }, signal)
      if (outcome === 'ok' || outcome === 'repeated') return { object }
      const { key, uploadId } = complete.upload
      const { condition } = complete
      throw refusal(outcome, { key, uploadId, condition, ...(badPart !== undefined && { badPart }) })
    },
    async findCompletion(uploadId, signal) {
      return (await general.run(sql.findCompletion, uploadId, { signal, repeatable: true }))[0]
    },
    async abortUpload(query, signal) {
      const [wasThere] = await general.run(sql.abortUpload, query, { signal, repeatable: false })
      if (!wasThere) throw new StoreFault('NoSuchUpload', { uploadId: query.uploadId })
    },
  }
}

function toPage(rows: readonly (string | Upload)[], rowsMax: number): UploadPage {
  const shown = rows.slice(0, rowsMax)
  const isTruncated = rows.length > rowsMax
  const last = isTruncated ? shown.at(-1) : undefined
  return {
    uploads: shown.filter((row) => typeof row !== 'string'),
    commonPrefixes: shown.filter((row) => typeof row === 'string'),
    isTruncated,
    nextKey: typeof last === 'string' ? last : last?.key,
    nextUploadId: typeof last === 'string' ? '' : last?.uploadId,
  }
}
