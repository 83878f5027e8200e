import type { ServerId, ServerNumber } from '../base/ids.ts'

/** A chunk's header as the node keeps it; `label` is opaque. */
export interface StoredHeader {
  /** 17 bytes: part id and index. */
  chunkId: Uint8Array
  dataChunks: number
  parityChunks: number
  blockBytes: number
  label: Uint8Array
}

export interface StoredTrailer {
  partBytes: number
  /** SHA-256 over the chunk's block checksums in order; checked against what arrived before anything is acknowledged. */
  chunkHash: Uint8Array
  seal: Uint8Array
}

export interface StoredDescription {
  header: StoredHeader
  trailer: StoredTrailer
}

/**
 * The chunks on one node's disk. Failures are ChunkErrors (src/base/faults.ts).
 * A chunk is immutable: putting an id that is there already, with the same hash, succeeds; with another hash, `invalid`.
 */
export interface ChunkDisk extends AsyncDisposable {
  /** Checks every block against its checksum; resolves when durable. Puts that wait together share one fdatasync. */
  put(header: StoredHeader, payload: Uint8Array, trailer: StoredTrailer): Promise<void>
  /** A large chunk. Nothing of it can be read, and nothing stays after a crash or a dispose, before `commit` resolves. */
  create(header: StoredHeader): Promise<ChunkSink>
  /**
   * Payload bytes [offset, offset + length): at most 1 MiB; `invalid` beyond the end. Not verified: the reader verifies.
   * In `into`, if that is given and long enough, so that memory can be used again.
   */
  read(chunkId: Uint8Array, offset: number, length: number, into?: Buffer): Promise<Buffer>
  /** Where the payload lies: for who reads the disk past the node. A place is good until its segment is compacted. `not-found`. */
  locate(chunkId: Uint8Array): ChunkPlace
  /**
   * Resolves when durable. How many were there. With a moment of `stat`, what was written since is spared: if there is
   * any, it rejects with `failed` when all the others are deleted; so it does at once if the moment is of an earlier run.
   */
  delete(chunkIds: readonly Uint8Array[], writtenBefore?: Uint8Array): Promise<number>
  list(filter: ListFilter): AsyncIterable<StoredChunk[]>
  /** Re-reads the chunk, checks header, trailer and every block; answers its recomputed hash. `corrupt`, `not-found`. */
  verify(chunkId: Uint8Array): Promise<Buffer>
  /** Header and trailer as they were written, checked; the payload is not looked at. `corrupt`, `not-found`. */
  describe(chunkId: Uint8Array): Promise<StoredDescription>
  stat(): Promise<DiskStat>
  /** Keeps what the registry answered to a heartbeat, and tidies up. Resolves when durable. */
  noteBeats(beats: number): Promise<void>
}

export interface ChunkPlace {
  /** 0: a file of its own. */
  segment: number
  /** Of the payload in the segment. */
  offset: number
}

export interface ChunkSink extends AsyncDisposable {
  /**
   * Takes the piece before it returns: it may be reused then. Waiting for what it answers, if anything, is back-pressure.
   * Throws or rejects with what went wrong, in this or an earlier piece.
   */
  write(piece: Uint8Array): Promise<void> | undefined
  /** Checks all blocks and the hash; resolves when durable under its id. */
  commit(trailer: StoredTrailer): Promise<void>
}

export interface ListFilter {
  /** The last 4 bytes of the part id, big endian. */
  session?: number
  /** By the UUIDv7's own time. */
  createdBeforeMs?: number
  /** 16 bytes: only parts behind this one. */
  afterPart?: Uint8Array
  /** 16 bytes: only parts up to and with this one. */
  untilPart?: Uint8Array
}

export interface StoredChunk {
  chunkId: Buffer
  payloadBytes: number
}

export interface DiskStat {
  serverId: ServerId
  capacityBytes: number
  /** What new chunks may take, the reserve left out; 0: it is full. */
  availableBytes: number
  chunkCount: number
  storedBytes: number
  /** False when the disk refused a write, and has not taken one since. That it is full is no such refusal. */
  writable: boolean
  diskFormat: number
  /** As noted last; 0: never. */
  beats: number
  /** In the sequence of this disk's writes: for `delete`. */
  moment: Buffer
}

/** Where a node makes itself known. src/meta implements it. */
export interface Registry {
  /** Inserts or refreshes the server and its points on the ring; the same id gets the same number for ever. */
  register(server: ServerRegistration, signal: AbortSignal): Promise<ServerNumber>
  /** Answers how many heartbeats of this server it has counted: to be told with the next one. */
  heartbeat(beat: ServerHeartbeat, signal: AbortSignal): Promise<number>
}

export interface ServerRegistration {
  id: ServerId
  grpcAddress: string
  socketPath: string
  /** For gateways on this host to read chunks in; '': they may not. */
  dataDirectory: string
  zone: string
  capacityBytes: number
  availableBytes: number
  /** xxh64(server id, index) for each virtual node: unsigned 64 bits. */
  points: readonly bigint[]
}

export interface ServerHeartbeat {
  id: ServerId
  capacityBytes: number
  availableBytes: number
  chunkCount: number
  writable: boolean
  /** What the last one was answered; 0: there was none. A registry that knows less was restored from an older state. */
  beatsSeen: number
}
