/** Times in ms, sizes in bytes. */
export interface ChunkClientSettings {
  /** To reach a server and be let in. */
  connectMs: number
  /** A small call (batched put or get, delete), from when it is made to its answer. */
  callMs: number
  /** A stream (large put or get, listing) without any progress while it is waited for. */
  idleMs: number
  /** How often a server that is not reached is tried again. */
  probeMs: number
  /** So many times in a row without any answer, and the server counts as unreachable for `tripMs`. */
  tripAfterTimeouts: number
  tripMs: number
  /** A quiet connection is asked this often whether it is alive, and dropped after `keepaliveTimeoutMs` of silence. */
  keepaliveMs: number
  keepaliveTimeoutMs: number
  /** What one download stream may receive ahead of its reader. */
  windowBytes: number
  /** What all streams of a connection may receive ahead; freed on arrival, so it bounds only what is on the way. */
  connectionWindowBytes: number
  /** Calls in one batch message: as many as a node takes. */
  batchCallsMax: number
  /** Payload, sent or asked for, in one batch message; one call may be larger. */
  batchBytesMax: number
  /**
   * Batch messages under way to one server without a reply. Measured: with 2 or 4, more and smaller messages cost a
   * whole PUT of 4 KiB 5 to 10 % more.
   */
  batchUnansweredMax: number
  /** A batch message that was not answered for so long holds the next ones up no longer. */
  batchStuckMs: number
  /** Small calls to one server at once, waiting ones included; more are refused. */
  callsMax: number
}

export const chunkClientDefaults: ChunkClientSettings = {
  connectMs: 3_000,
  callMs: 10_000,
  idleMs: 15_000,
  probeMs: 1_000,
  tripAfterTimeouts: 3,
  tripMs: 5_000,
  keepaliveMs: 10_000,
  keepaliveTimeoutMs: 5_000,
  windowBytes: 256 * 1024,
  connectionWindowBytes: 16 * 1024 * 1024,
  batchCallsMax: 64,
  batchBytesMax: 1024 * 1024,
  batchUnansweredMax: 1,
  batchStuckMs: 20,
  callsMax: 65_536,
}
