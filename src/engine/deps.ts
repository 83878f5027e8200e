import type { Clock, Random } from '../base/clock.ts'
import type { PartId, ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { StripePool } from '../striping/stripe-pool.ts'
import type { ChunkCache } from './chunk-cache.ts'
import type { Compression } from './compression/compression.ts'
import type { KeyRing } from './encryption/key-ring.ts'
import type { Hedging } from './hedging.ts'
import type { LateServers } from './late-servers.ts'
import type { Catalogue } from './ports/catalogue.ts'
import type { ChunkStore } from './ports/chunk-store.ts'
import type { DamageReports } from './ports/damage-reports.ts'
import type { LocalChunks } from './ports/local-chunks.ts'
import type { ReadMemory } from './read-memory.ts'
import type { Slots } from './slots.ts'
import type { SlowUploadBudget } from './stripe-filler.ts'

/** Everything that the engine touches is passed in. */
export interface EngineDeps {
  catalogue: Catalogue
  chunks: ChunkStore
  /** Told of every chunk that a read finds missing or rotten. */
  damage: DamageReports
  localChunks: LocalChunks
  chunkCache: ChunkCache
  placer: Placer
  /** What the placer and reads pass over for a while. */
  late: LateServers
  hedging: Hedging
  pool: StripePool
  /** What downloads read into. */
  readMemory: ReadMemory
  slowUploads: SlowUploadBudget
  /** One for each stripe of a large upload that is on its way: bounds the copies that are in sockets' queues. */
  sending: Slots
  /** One for each large download that reads from nodes by streams. */
  streaming: Slots
  compression: Compression
  /** Under what data keys of encrypted objects are sealed. */
  keys: KeyRing
  clock: Clock
  random: Random
  log: Log
  settings: EngineSettings
}

/** Chooses servers; made anew of the ring whenever the cluster changes (see placer.ts). */
export interface Placer {
  /** One server a chunk. Faults: ServiceUnavailable, InsufficientStorage. */
  place(partId: PartId, chunks: number): ServerNumber[]
  /** Where chunk `index` goes when its server failed, given where the part's chunks are; undefined: nowhere else. */
  replace(
    partId: PartId,
    index: number,
    servers: readonly ServerNumber[],
    failed: ReadonlySet<ServerNumber>,
  ): ServerNumber | undefined
}

export interface EngineSettings {
  /** Which gateway session writes: the last 4 bytes of every part id. */
  session: number
  /** Bytes of a block in new parts. */
  blockBytes: number
  /** Parity chunks by storage class. */
  parityChunks: Readonly<Record<string, number>>
  /** A chunk whose payload is at most this travels whole, in one batched message. */
  messageChunkBytesMax: number
  /** Stripes of one upload that may be on their way to the nodes. */
  stripesInFlightMax: number
  /** A client that takes longer to fill a stripe gives its memory back, in ms. */
  slowStripeMs: number
  /** A chunk that takes so much longer to be written than the part's others is given up, or sent elsewhere; in ms. */
  lateChunkMs: number
  /** The largest object, in bytes. */
  objectBytesMax: number
}
