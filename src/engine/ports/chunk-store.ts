import type { ChunkError } from '../../base/faults.ts'
import type { PartId, ServerNumber, VersionId } from '../../base/ids.ts'

/** What the engine needs of the storage nodes. src/chunk-client implements it over gRPC. */
export interface ChunkStore {
  /**
   * One whole chunk in one message, batched with what else waits for that server. Resolves when it is durable.
   * `pieces` are the payload (blocks and checksums) in order; they are read until the promise settles, never after.
   */
  putChunk(server: ServerNumber, chunk: SmallChunk, signal: AbortSignal): Promise<void>
  /** A stream for one large chunk. Never throws: a server that cannot be reached shows in the first write or finish. */
  openChunk(server: ServerNumber, header: ChunkHeader, signal: AbortSignal): ChunkWriter
  /** Payload bytes [offset, offset + length), at most 1 MiB, batched with what else waits for that server. */
  getPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): Promise<Buffer>
  /** A long run of payload bytes, in pieces of the sender's choosing, with back-pressure. Return early to cancel. */
  streamPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): AsyncIterable<Buffer>
  /** Resolves when the deletion is durable; unknown ids are no fault. */
  deleteChunks(server: ServerNumber, chunks: readonly ChunkName[], signal: AbortSignal): Promise<void>
  /** Chunks on a server whose part id ends in `session` and is older than `createdBeforeMs`, where given. */
  listChunks(
    server: ServerNumber,
    filter: { session?: number; createdBeforeMs?: number },
    signal: AbortSignal,
  ): AsyncIterable<ChunkName[]>
  /** Re-reads chunks on their server and checks every block there: one verdict a chunk, as they come. */
  verifyChunks(server: ServerNumber, chunks: readonly ChunkName[], signal: AbortSignal): AsyncIterable<ChunkVerdict>
  /** Header and trailer of a stored chunk; its payload is not looked at. */
  describeChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkDescription>
  /** Whether calls to this server are likely to succeed, by what the last ones did. Never blocks. */
  isReachable(server: ServerNumber): boolean
}

export interface ChunkName {
  partId: PartId
  index: number
}

export interface PayloadRange extends ChunkName {
  offset: number
  length: number
}

export interface ChunkHeader extends ChunkName {
  dataChunks: number
  parityChunks: number
  blockBytes: number
  label: PartLabel
}

export interface ChunkTrailer {
  partBytes: number
  /** SHA-256 over the chunk's block checksums, in order. */
  chunkHash: Buffer
  seal: PartSeal
}

export interface SmallChunk {
  header: ChunkHeader
  pieces: readonly Uint8Array[]
  trailer: ChunkTrailer
}

/** With its hash as recomputed, or with what is wrong: `not-found`, `corrupt`, `failed` (the disk does not give it back). */
export type ChunkVerdict = ChunkName &
  ({ chunkHash: Buffer; failure?: undefined } | { chunkHash?: undefined; failure: ChunkError })

export interface ChunkDescription {
  header: ChunkHeader
  trailer: ChunkTrailer
}

/** Kept with every chunk, so that a catalogue can be rebuilt from the nodes alone. */
export interface PartLabel {
  bucket: string
  key: string
  versionId: VersionId
  uploadId: string
  partNumber: number
  storageClass: string
  headers: Readonly<Record<string, string>>
  userMetadata: Readonly<Record<string, string>>
  createdMs: number
}

export interface PartSeal {
  etag: string
  checksumAlgorithm: string
  checksum: string
}

/** A chunk being written. `abort` may be called at any time, and after `finish` does nothing. */
export interface ChunkWriter {
  /** Resolves when the pieces were copied out (they may be reused) and more may be sent: back-pressure. */
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** Resolves when the chunk is durable under its id. */
  finish(trailer: ChunkTrailer): Promise<void>
  abort(): void
}
