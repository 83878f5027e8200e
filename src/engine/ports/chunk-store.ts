import type { Encryption } from '../../base/encryption.ts'
import type { ChunkError } from '../../base/faults.ts'
import type { PartId, ServerNumber, VersionId } from '../../base/ids.ts'

/** What the engine needs of the storage nodes. src/chunk-client implements it over gRPC. */
export interface ChunkStore {
  /**
   * One whole chunk in one message, batched with what else waits for that server. Resolves when it is durable.
   * `pieces` are the payload (blocks and checksums) in order; they are read until the promise settles, never after.
   * Answers where it lies, if the node says so.
   */
  putChunk(server: ServerNumber, chunk: SmallChunk, signal: AbortSignal): Promise<ChunkPlace | undefined>
  /** A stream for one large chunk. Never throws: a server that cannot be reached shows in the first write or finish. */
  openChunk(server: ServerNumber, header: ChunkHeader, signal: AbortSignal): ChunkWriter
  /** Payload bytes [offset, offset + length), at most 1 MiB, batched with what else waits for that server. */
  getPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): Promise<Buffer>
  /** Where a chunk lies in its server's directory, batched with what else waits for that server. */
  locateChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkPlace>
  /** A long run of payload bytes, in pieces of the sender's choosing, with back-pressure. Return early to cancel. */
  streamPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): AsyncIterable<Buffer>
  /**
   * Resolves when the deletion is durable; unknown ids are no fault. With `writtenBefore`, chunks that were written since
   * are spared, even under the same ids: if there are any, it rejects when the others are gone.
   */
  deleteChunks(
    server: ServerNumber,
    chunks: readonly ChunkName[],
    signal: AbortSignal,
    writtenBefore?: Moment,
  ): Promise<void>
  /** Chunks on a server, in no order: all that pass the filter. */
  listChunks(server: ServerNumber, filter: ChunkFilter, signal: AbortSignal): AsyncIterable<ListedChunk[]>
  /** Re-reads chunks on their server and checks every block there: one verdict a chunk, as they come. */
  verifyChunks(server: ServerNumber, chunks: readonly ChunkName[], signal: AbortSignal): AsyncIterable<ChunkVerdict>
  /** Header and trailer of a stored chunk; its payload is not looked at. */
  describeChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkDescription>
  /** The same of many chunks: one answer each, as they come. */
  describeChunks(server: ServerNumber, chunks: readonly ChunkName[], signal: AbortSignal): AsyncIterable<ChunkAnswer>
  statServer(server: ServerNumber, signal: AbortSignal): Promise<ServerStat>
  /** Whether calls to this server are likely to succeed, by what the last ones did. Never blocks. */
  isReachable(server: ServerNumber): boolean
}

export interface ChunkName {
  partId: PartId
  index: number
}

/** What is given must hold. */
export interface ChunkFilter {
  /** The last 4 bytes of the part id. */
  session?: number
  /** By the part id's own time. */
  createdBeforeMs?: number
  /** Parts behind this one in the order of ids. */
  after?: PartId
  /** Parts up to and with this one. */
  until?: PartId
}

export interface ServerStat {
  chunkCount: number
  /** Heartbeats that the database had counted when it last answered one: a database that knows fewer was restored since. */
  beats: number
  /** Before whatever is written from now on. Undefined: the server is of a version that cannot tell. */
  moment: Moment | undefined
  /** Of its program, and its clock. Absent: the server is of a version that does not tell. */
  version?: string | undefined
  nowMs?: number | undefined
}

/** In the sequence of one server's writes, as that server tells it, until it is started anew: no clock is asked. */
export type Moment = Buffer

export interface ListedChunk extends ChunkName {
  payloadBytes: number
}

/** Good until the segment is compacted. */
export interface ChunkPlace {
  /** 0: a file of its own. */
  segment: number
  /** Of the payload in the segment. */
  offset: number
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

/** What a chunk says of itself, or why it does not: `not-found`, `corrupt`, `failed`. */
export type ChunkAnswer = ChunkName &
  ({ description: ChunkDescription; failure?: undefined } | { description?: undefined; failure: ChunkError })

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
  /** How the part's bytes are encrypted; the data key is sealed. */
  encryption?: Encryption | undefined
}

export interface PartSeal {
  etag: string
  checksumAlgorithm: string
  checksum: string
  /** What the client sent, of a part that was compressed; absent, or 0: it was not. */
  plainBytes?: number | undefined
}

/** A chunk being written. `abort` may be called at any time, and after `finish` does nothing. */
export interface ChunkWriter {
  /** Resolves when the pieces were copied out (they may be reused) and more may be sent: back-pressure. */
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** Resolves when the chunk is durable under its id. */
  finish(trailer: ChunkTrailer): Promise<void>
  abort(): void
}
