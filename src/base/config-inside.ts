import { bytes, choice, filePath, flag, integer, matching, port, seconds } from './config-kinds.ts'
import { everyone, GIB, inGroup, KIB, MIB, s3Side } from './config-setting.ts'
import { PARITY_CHUNKS_MAX } from './limits.ts'

const host = matching(/^[0-9A-Za-z.:_-]{1,255}$/, 'a host name or an address')
const data = inGroup('Cutting and placing')
const upkeep = inGroup('Upkeep')
const node = inGroup('Storage node')
const process = inGroup('Processes')
const DAY = 86_400

/** Settings of what goes on inside: cutting and placing, upkeep, storage nodes, processes. */
export const insideSettings = {
  parityChunks: data({
    name: 'SEXTANT_PARITY',
    kind: integer({ min: 0, max: PARITY_CHUNKS_MAX }),
    default: '2',
    readBy: s3Side,
    about: 'Parity chunks of objects of class STANDARD: as many servers may be lost without a loss of data.',
  }),
  reducedParityChunks: data({
    name: 'SEXTANT_REDUCED_REDUNDANCY_PARITY',
    kind: integer({ min: 0, max: PARITY_CHUNKS_MAX }),
    default: '1',
    readBy: s3Side,
    about: 'Parity chunks of objects of class REDUCED_REDUNDANCY.',
  }),
  blockBytes: data({
    name: 'SEXTANT_BLOCK_BYTES',
    kind: bytes({ min: 4 * KIB, max: 512 * KIB, multipleOf: 4 * KIB }),
    default: '32 KiB',
    readBy: s3Side,
    about: 'What a chunk is cut into. Recorded with every part: a change affects new parts only.',
  }),
  stripePoolBytes: data({
    name: 'SEXTANT_STRIPE_POOL_BYTES',
    kind: bytes({ min: 8 * MIB, max: 4 * GIB - MIB }),
    default: '56 MiB',
    readBy: s3Side,
    about:
      'Memory for what is under way in one gateway process; uploads, and downloads, may take three quarters of it. The more downloads there are, the less each reads at once, down to a block that is sent by copies of 8 KiB. Of what downloads may take, those whose clients have not yet taken 4 MiB share a quarter: they may never read. Uploads that find nothing free wait.',
  }),
  slowUploadBytes: data({
    name: 'SEXTANT_SLOW_UPLOAD_BYTES',
    kind: bytes({ min: MIB, max: 4 * GIB }),
    default: '32 MiB',
    readBy: s3Side,
    about:
      'Memory of one gateway process for what slow clients have sent of a stripe; when it is used up, they are told to slow down (503).',
  }),
  slowStripeMs: data({
    name: 'SEXTANT_SLOW_STRIPE_SECONDS',
    kind: seconds({ min: 0.1, max: 3600 }),
    default: '2',
    readBy: s3Side,
    about: 'A client that takes longer to fill one stripe (192 KiB) is slow: it no longer holds memory of the pool.',
  }),
  compressionBytes: data({
    name: 'SEXTANT_COMPRESSION_BYTES',
    kind: bytes({ min: MIB, max: 64 * GIB }),
    default: '64 MiB',
    readBy: s3Side,
    about:
      'Memory of one gateway process for what is compressed and decompressed at once, half for each. Uploads that find nothing left are stored as they come; downloads hold less, and take more CPU.',
  }),
  chunkCacheBytes: data({
    name: 'SEXTANT_CHUNK_CACHE_BYTES',
    kind: bytes({ min: 0, max: 64 * GIB }),
    default: '64 MiB',
    readBy: s3Side,
    about:
      'Memory in which one gateway process keeps small parts: what was just written (up to 64 KiB each), and what is read more than once (up to 64 KiB each, or 1.5 MiB where chunks come from other hosts); 0 keeps none.',
  }),
  messageChunkBytesMax: data({
    name: 'SEXTANT_MESSAGE_CHUNK_BYTES',
    kind: bytes({ min: 4 * KIB, max: 512 * KIB }),
    default: '256 KiB',
    readBy: s3Side,
    about: 'A chunk of at most this size travels whole, batched with others; a larger one gets a stream of its own.',
  }),
  stripesInFlightMax: data({
    name: 'SEXTANT_STRIPES_IN_FLIGHT',
    kind: integer({ min: 1, max: 64 }),
    default: '3',
    readBy: s3Side,
    about: 'Stripes of one upload that may be on their way to the nodes at once.',
  }),
  stripesSendingMax: data({
    name: 'SEXTANT_STRIPES_SENDING_MAX',
    kind: integer({ min: 1, max: 4096 }),
    default: '16',
    readBy: s3Side,
    about:
      'Stripes of all large uploads together that one gateway process sends at once: about 1 MiB of memory each. More do not go faster.',
  }),
  streamedDownloadsMax: data({
    name: 'SEXTANT_STREAMED_DOWNLOADS_MAX',
    kind: integer({ min: 1, max: 4096 }),
    default: '24',
    readBy: s3Side,
    about:
      'Large downloads that one gateway process reads from storage nodes by streams at once, about 3 MiB of memory each; more go block by block.',
  }),
  lateChunkMs: data({
    name: 'SEXTANT_LATE_CHUNK_SECONDS',
    kind: seconds({ min: 0.05, max: 60 }),
    default: '2',
    readBy: s3Side,
    about:
      "How much longer than the others of its part a chunk may take to be written. After that its server is taken to hang: the chunk goes to another one, or is repaired later. Longer than a healthy disk's worst stall, shorter than clients' patience.",
  }),
  lateRestMs: data({
    name: 'SEXTANT_LATE_REST_SECONDS',
    kind: seconds({ min: 0.1, max: 3600 }),
    default: '10',
    readBy: s3Side,
    about:
      'How long a gateway passes over a storage server that was late, or refused a chunk; then one request tries it, and the others follow if that goes well.',
  }),
  hedgeDelayMsMin: data({
    name: 'SEXTANT_HEDGE_DELAY_SECONDS',
    kind: seconds({ min: 0.001, max: 0.5 }),
    default: '0.01',
    readBy: s3Side,
    about:
      'A download asks for parity when a data chunk takes twice as long as 95 of 100 do on a typical server, but not before this: what a busy machine makes of the best disk.',
  }),
  hedgePercent: data({
    name: 'SEXTANT_HEDGE_PERCENT',
    kind: integer({ min: 0, max: 100 }),
    default: '10',
    readBy: s3Side,
    about:
      'How many in 100 stripes may be asked for twice because a chunk is late, on the whole: what hedging costs the nodes at most. Beyond that, parity is asked for after half a second.',
  }),
  ringRefreshMs: data({
    name: 'SEXTANT_RING_REFRESH_SECONDS',
    kind: seconds({ min: 0.1, max: 3600 }),
    default: '30',
    readBy: s3Side,
    about:
      'How often a gateway reads the storage servers and their ring anew, beside the notices that PostgreSQL sends.',
  }),

  sweepIntervalMs: upkeep({
    name: 'SEXTANT_SWEEP_INTERVAL_SECONDS',
    kind: seconds({ min: 0.1, max: DAY }),
    default: '300',
    readBy: s3Side,
    about: 'How often expired uploads, doomed parts and what crashed gateways left are looked for.',
  }),
  uploadTtlMs: upkeep({
    name: 'SEXTANT_UPLOAD_TTL_SECONDS',
    kind: seconds({ min: 1, max: 365 * DAY }),
    default: '86400',
    readBy: s3Side,
    about: 'A multipart upload is given up this long after its last part.',
  }),
  putTtlMs: upkeep({
    name: 'SEXTANT_PUT_TTL_SECONDS',
    kind: seconds({ min: 1, max: 30 * DAY }),
    default: '3600',
    readBy: s3Side,
    about: 'Chunks that no committed part owns are deleted this long after the gateway that wrote them was last seen.',
  }),
  doomedGraceMs: upkeep({
    name: 'SEXTANT_DOOMED_GRACE_SECONDS',
    kind: seconds({ min: 0, max: 30 * DAY }),
    default: '3600',
    readBy: s3Side,
    about: 'How long the chunks of a deleted or overwritten object stay, for downloads that are under way.',
  }),
  jobIntervalMs: upkeep({
    name: 'SEXTANT_JOB_INTERVAL_SECONDS',
    kind: seconds({ min: 0.1, max: 60 }),
    default: '10',
    readBy: s3Side,
    about:
      'How often a gateway looks whether a job has something to do. A job whose gateway died goes on elsewhere after three times as long, and at least 5 s.',
  }),
  repairGraceMs: upkeep({
    name: 'SEXTANT_REPAIR_GRACE_SECONDS',
    kind: seconds({ min: 1, max: 30 * DAY }),
    default: '600',
    readBy: s3Side,
    about: 'How long a storage node may be down before its chunks are rebuilt on others.',
  }),
  repairBytesPerSecond: upkeep({
    name: 'SEXTANT_REPAIR_BYTES_PER_SECOND',
    kind: bytes({ min: MIB, max: 64 * GIB }),
    default: '128 MiB',
    readBy: s3Side,
    about: 'What repair reads from and writes to all storage nodes together, at most.',
  }),
  rebalanceBytesPerSecond: upkeep({
    name: 'SEXTANT_REBALANCE_BYTES_PER_SECOND',
    kind: bytes({ min: MIB, max: 64 * GIB }),
    default: '64 MiB',
    readBy: s3Side,
    about: 'What `sextant rebalance` reads from and writes to all storage nodes together, at most.',
  }),
  scrubPeriodMs: upkeep({
    name: 'SEXTANT_SCRUB_PERIOD_SECONDS',
    kind: seconds({ min: 1, max: 365 * DAY }),
    default: '2592000',
    readBy: ['up', 'gateway', 'command'],
    about: 'Every chunk is read again and verified once in so long.',
  }),
  scrubBytesPerSecond: upkeep({
    name: 'SEXTANT_SCRUB_BYTES_PER_SECOND',
    kind: bytes({ min: MIB, max: 64 * GIB }),
    default: '32 MiB',
    readBy: s3Side,
    about:
      'What the scrub has read on all storage nodes together, at most: 32 MiB are 79 TiB in 30 days. `sextant scrub --status` tells if it is too little.',
  }),
  orphanPeriodMs: upkeep({
    name: 'SEXTANT_ORPHAN_PERIOD_SECONDS',
    kind: seconds({ min: 1, max: 365 * DAY }),
    default: '86400',
    readBy: s3Side,
    about: 'Once in so long all storage nodes are searched for chunks that no part refers to.',
  }),
  orphanAgeMs: upkeep({
    name: 'SEXTANT_ORPHAN_AGE_SECONDS',
    kind: seconds({ min: 0, max: 365 * DAY }),
    default: '86400',
    readBy: ['up', 'gateway', 'command'],
    about:
      'Chunks that no part refers to are left alone for so long: longer than the longest upload of one part takes.',
  }),
  orphanChunksPerSecond: upkeep({
    name: 'SEXTANT_ORPHAN_CHUNKS_PER_SECOND',
    kind: integer({ min: 100, max: 10_000_000 }),
    default: '20000',
    readBy: s3Side,
    about: 'How many chunks the search for orphans looks up in PostgreSQL, at most.',
  }),
  lifecycleObjectsPerSecond: upkeep({
    name: 'SEXTANT_LIFECYCLE_OBJECTS_PER_SECOND',
    kind: integer({ min: 10, max: 10_000_000 }),
    default: '10000',
    readBy: s3Side,
    about:
      'How many objects, versions and uploads the execution of lifecycle rules looks at, at most; one that it deletes counts as ten.',
  }),
  lifecycleDayMs: upkeep({
    name: 'SEXTANT_LIFECYCLE_DAY_SECONDS',
    kind: seconds({ min: 1, max: DAY }),
    default: '86400',
    readBy: s3Side,
    about: 'What lifecycle rules call a day. For tests.',
  }),

  nodeHost: node({
    name: 'SEXTANT_NODE_HOST',
    kind: host,
    default: '127.0.0.1',
    readBy: ['storage-node'],
    about: 'The address that a storage node listens on.',
  }),
  nodePort: node({
    name: 'SEXTANT_NODE_PORT',
    kind: port,
    default: '0',
    readBy: ['storage-node'],
    about: "A storage node's port; 0 for any free one.",
  }),
  nodeAddress: node({
    name: 'SEXTANT_NODE_ADDRESS',
    kind: matching(/^(\[[0-9A-Fa-f:]+\]|[0-9A-Za-z._-]{1,255})(:\d{1,5})?$/, 'host or host:port'),
    default: undefined,
    readBy: ['storage-node'],
    about: 'Under which gateways reach the node, where it differs from what it listens on.',
  }),
  nodeSocket: node({
    name: 'SEXTANT_NODE_SOCKET',
    kind: filePath(104),
    default: undefined,
    readBy: ['storage-node'],
    about:
      'A Unix socket of the same service, for gateways on the same host. `sextant up` sets one where the path fits.',
  }),
  localReads: node({
    name: 'SEXTANT_LOCAL_READS',
    kind: flag,
    default: 'true',
    readBy: ['up', 'gateway', 'storage-node'],
    about:
      'Whether a storage node lets gateways on its host read chunks from its directory, and whether a gateway does so. What is read is verified all the same; where it fails, gRPC is used.',
  }),
  nodeReserveBytes: node({
    name: 'SEXTANT_NODE_RESERVE_BYTES',
    kind: bytes({ min: 0, max: 1024 * GIB }),
    default: undefined,
    readBy: ['up', 'storage-node'],
    about:
      'Free space of its disk that a storage node leaves: deletes and compaction need some to set more free. At twice as much it is given no new chunks. Not set: 1 % of the disk, at most 256 MiB.',
  }),
  zone: node({
    name: 'SEXTANT_ZONE',
    kind: matching(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, ., _ or -'),
    default: undefined,
    readBy: ['storage-node'],
    about: "The node's zone (rack, room): the spread limit applies to each zone too.",
  }),
  heartbeatMs: node({
    name: 'SEXTANT_HEARTBEAT_SECONDS',
    kind: seconds({ min: 0.1, max: 10 }),
    default: '10',
    readBy: ['storage-node'],
    about: 'How often a storage node makes itself known; after 30 s without, gateways pass it over.',
  }),

  nodes: process({
    name: 'SEXTANT_NODES',
    kind: integer({ min: 1, max: 64 }),
    default: '6',
    readBy: ['up'],
    about: 'Storage nodes that `sextant up` starts.',
  }),
  workers: process({
    name: 'SEXTANT_WORKERS',
    kind: integer({ min: 1, max: 64 }),
    default: '1',
    readBy: ['up'],
    about: 'Gateway processes that `sextant up` starts; they share the S3 port.',
  }),
  drainMs: process({
    name: 'SEXTANT_DRAIN_SECONDS',
    kind: seconds({ min: 0, max: 3600 }),
    default: '30',
    readBy: ['up', 'gateway', 'storage-node'],
    about: 'How long a process that was told to stop goes on with what is under way.',
  }),
  stopNoticeMs: process({
    name: 'SEXTANT_STOP_NOTICE_SECONDS',
    kind: seconds({ min: 0, max: 600 }),
    default: '5',
    readBy: ['gateway'],
    about:
      'How long a gateway that was told to stop takes requests yet, while its health says 503: longer than the balancer in front of it needs to notice. SEXTANT_DRAIN_SECONDS begin then. Under `sextant up` there is no notice.',
  }),
  logLevel: process({
    name: 'SEXTANT_LOG_LEVEL',
    kind: choice(['debug', 'info', 'warn', 'error']),
    default: 'info',
    readBy: everyone,
    about: 'The least severe lines of the log (JSON on standard error). Under `sextant up` the default is warn.',
  }),
} as const
