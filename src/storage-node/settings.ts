import type { ClusterCredentials } from '../base/tls/cluster-credentials.ts'

/** What differs from node to node. */
export interface StorageNodeSettings extends Partial<StorageNodeTuning> {
  /** The address to listen on; a wildcard (0.0.0.0, ::) listens on all. */
  host: string
  /** 0 for any free one. */
  port: number
  /** A Unix socket of the same service, for gateways on this host; '' for none. */
  socketPath: string
  /** Under which gateways reach this node, `host` or `host:port`; '' for what it listens on. */
  advertisedAddress: string
  /** The disk's directory, for gateways on this host to read chunks in; '' where they may not. */
  dataDirectory: string
  /** Rack, room or the like; '' for none. */
  zone: string
  /** Of the program; absent where nobody needs to know. */
  version?: string
  /** What callers must hold; never logged. */
  credentials: ClusterCredentials
}

/** What is rarely changed. Times in ms, sizes in bytes. */
export interface StorageNodeTuning {
  heartbeatMs: number
  /** The registry's answer is waited for this long. */
  registryCallMs: number
  /** The first pause after the registry failed; doubled up to `heartbeatMs`. */
  registryRetryMs: number
  /** How long a node that was told to stop goes on with calls under way. */
  drainMs: number
  /** A PutChunk that sends nothing for so long is given up. Slow uploads make pauses of minutes: the engine sends by the stripe. */
  putIdleMs: number
  /** A quiet connection is asked this often whether it is alive, … */
  keepaliveMs: number
  /** … and dropped when it does not answer for so long. */
  keepaliveTimeoutMs: number
  /** What one stream may send ahead of its reader; memory of a stream whose disk is slow. Measured: no gain above. */
  streamWindowBytes: number
  /** The same for a whole connection; http2 frees it on arrival, so it bounds only what is on the way. */
  connectionWindowBytes: number
  /** DATA frames that a client may send; the largest size wastes the least on headers and turns. */
  frameBytesMax: number
  /** Streams of one connection at once. */
  streamsMax: number
  /** Headers of one call, and a little for each of them. */
  headerListBytesMax: number
  /** Batched calls of one stream that run at once, and what they may hold; the stream waits beyond. */
  batchCallsRunningMax: number
  batchBytesRunningMax: number
  /** Replies of one batch message are cut at about this size. */
  replyBytesMax: number
  /** What GetChunk reads and sends at once. Two such pieces are held by each download. */
  getPieceBytes: number
}

export const storageNodeDefaults: StorageNodeTuning = {
  heartbeatMs: 10_000,
  registryCallMs: 5_000,
  registryRetryMs: 250,
  drainMs: 30_000,
  putIdleMs: 15 * 60_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 10_000,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  frameBytesMax: 1024 * 1024,
  streamsMax: 4096,
  headerListBytesMax: 16 * 1024,
  batchCallsRunningMax: 256,
  batchBytesRunningMax: 16 * 1024 * 1024,
  replyBytesMax: 1024 * 1024,
  getPieceBytes: 256 * 1024,
}
