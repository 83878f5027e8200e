import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { Checksum, PartLayout } from '../../base/model.ts'
import type { ChunkDescription } from '../../engine/ports/chunk-store.ts'

/**
 * A catalogue that is made anew from what chunks say of themselves. Until `commit`, nothing of it is in the database: a
 * rebuild that was killed is begun anew.
 */
export interface RebuildCatalogue extends AsyncDisposable {
  /** Chunks that lie on a server, whole batches of them. May be called for several servers at once. */
  addChunks(server: ServerNumber, chunks: readonly ChunkDescription[], signal: AbortSignal): Promise<void>
  /** All chunks were added: puts parts together. */
  assemble(signal: AbortSignal): Promise<void>
  /** Parts that lack a chunk, whose hash nobody knows; ids > `after` ('' for the first page). */
  incompleteParts(query: { after: string; rowsMax: number }, signal: AbortSignal): Promise<PartLayout[]>
  /** What became of a part that lacks a chunk: all hashes, or undefined: its bytes cannot be read. */
  settlePart(partId: PartId, chunkHashes: Buffer | undefined, signal: AbortSignal): Promise<void>
  /** All parts are settled: decides which of them make objects and uploads. */
  decide(options: RebuildOptions, signal: AbortSignal): Promise<void>
  /** The next completed upload whose parts have checksums, by id; `after` '' for the first. */
  nextSummedUpload(after: string, signal: AbortSignal): Promise<SummedUpload | undefined>
  setChecksum(uploadId: string, checksum: Checksum, signal: AbortSignal): Promise<void>
  /** Makes it the catalogue, in one transaction. */
  commit(owner: { region: string }, signal: AbortSignal): Promise<RebuiltCatalogue>
}

export interface RebuildOptions {
  /**
   * Uploads whose last part is younger than this, by the store's last sign of life, may have been under way: they come back
   * as uploads. Older ones were completed, or they would have been aborted and swept. 0: all that can be were completed.
   */
  uploadTtlMs: number
}

export interface SummedUpload {
  uploadId: string
  parts: { etag: string; sizeBytes: number; checksum: Checksum | undefined }[]
}

/** What was found, and what became of it. */
export interface RebuiltCatalogue {
  chunks: number
  parts: {
    found: number
    /** Fewer than six chunks, or not readable: not in the catalogue. */
    unreadable: number
    /** Queued for repair. */
    withMissingChunks: number
    /** Whole, but another one is newer under the same key, or the same number of an upload. */
    superseded: number
  }
  buckets: number
  objects: number
  /** Of the objects. */
  multipartObjects: number
  /** Uploads under way, or so it seems. */
  uploads: number
  /** Keys with several whole objects, of which the one that was begun last is taken for the last. */
  contestedKeys: number
  /** Uploads that lack a part in the middle, or whose part is unreadable: they are back as uploads, if at all. */
  damagedUploads: number
  /** When the newest part was begun; null: there is none. ISO 8601. */
  lastWriteAt: string | null
  /** Gateways' sessions go on from here. */
  sessionFloor: number
  /** The first of each kind, to be looked into. */
  examples: { contested: NamedKey[]; unreadable: NamedKey[]; uploads: NamedKey[] }
}

export interface NamedKey {
  bucket: string
  key: string
}
