const KIB = 1024
const MIB = 1024 * KIB

/**
 * What one gRPC message or call between gateway and storage node may hold. The client keeps to it, the node insists.
 * Sizes in bytes.
 */
export const wireBounds = {
  /** Calls in one BatchRequest. */
  batchCallsMax: 64,
  /** A whole batch message, and with it any message: larger ones are refused before they are read. */
  messageBytesMax: 8 * MIB,
  /** Payload in one PutChunkRequest; a sender cuts longer pieces. */
  pieceBytesMax: MIB,
  /** What one batched get may ask for. */
  getBytesMax: MIB,
  /** Chunk ids in one DeleteChunks or VerifyChunks. */
  idsMax: 10_000,
  /** An encoded PartLabel: bucket and key of 1 KiB, S3's 8 KiB of headers, and room. */
  labelBytesMax: 64 * KIB,
  /** An encoded PartSeal. */
  sealBytesMax: 4 * KIB,
} as const

/** A call's metadata entry that names the server it means; another one that has taken over the address refuses. */
export const SERVER_ID_METADATA = 'sextant-server-id'

/**
 * Of proto/: fields and methods may be added to it, for both sides pass over what they do not know; anything else makes a
 * new one, and is a service of that name.
 */
export const PROTOCOL_VERSION = 1
export const CHUNK_STORE = `/sextant.chunk.v${PROTOCOL_VERSION}.ChunkStore` as const
