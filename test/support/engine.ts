import { createHash } from 'node:crypto'
import type { Clock } from '../../src/base/clock.ts'
import {
  type AccountId,
  type BucketId,
  type BucketName,
  NULL_VERSION,
  type ObjectKey,
  type ServerId,
  type ServerNumber,
} from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Bucket, ObjectVersion, PartLayout } from '../../src/base/model.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { ChunkCache } from '../../src/engine/chunk-cache.ts'
import { createCompression } from '../../src/engine/compression/compression.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import type { BodyClaims, FoundObject } from '../../src/engine/engine.ts'
import { Hedging } from '../../src/engine/hedging.ts'
import { createLateServers } from '../../src/engine/late-servers.ts'
import { createPlacer } from '../../src/engine/placer.ts'
import type { Catalogue } from '../../src/engine/ports/catalogue.ts'
import type { StorageServer } from '../../src/engine/ports/cluster.ts'
import type { ChunkDamage } from '../../src/engine/ports/damage-reports.ts'
import { noLocalChunks } from '../../src/engine/ports/local-chunks.ts'
import { ReadMemory } from '../../src/engine/read-memory.ts'
import { Slots } from '../../src/engine/slots.ts'
import { SlowUploadBudget } from '../../src/engine/stripe-filler.ts'
import { plainBytesOf } from '../../src/engine/write-part.ts'
import { loadRingHash, virtualNodePoints } from '../../src/placement/ring.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'
import { testKeyRing } from './key-ring.ts'
import type { MemoryNodes } from './memory-nodes.ts'

export const bucket: Bucket = {
  id: 1 as BucketId,
  name: 'bucket' as BucketName,
  ownerId: 'f'.repeat(64) as AccountId,
  region: 'us-east-1',
  createdAt: new Date(0),
  versioning: '',
  settings: {},
}

/** An engine's dependencies over nodes in memory; the catalogue is what the test gives. `damages`: what reads reported. */
export async function engineOver(
  nodes: MemoryNodes,
  catalogue: Partial<Catalogue> = {},
  settings: Partial<EngineDeps['settings']> = {},
  clock: Clock = systemClock,
): Promise<EngineDeps & { damages: ChunkDamage[] }> {
  await loadRingHash()
  const damages: ChunkDamage[] = []
  const servers = new Map([...nodes.stored.keys()].map((number) => [number, server(number)]))
  const late = createLateServers({ clock, restMs: 10_000 })
  const pool = new StripePool({ bytesMax: 32 * 1024 * 1024 })
  return {
    catalogue: { noteStrays: async () => {}, ...catalogue } as Catalogue,
    chunks: nodes,
    damages,
    damage: { reportDamage: (damage) => void damages.push(damage) },
    localChunks: noLocalChunks,
    chunkCache: new ChunkCache({ bytesMax: 0 }),
    placer: createPlacer({
      cluster: { servers: () => servers, onChange: () => ({ [Symbol.dispose]() {} }) },
      chunks: nodes,
      late,
    }),
    late,
    hedging: new Hedging({ clock, late: late.reads, settings: { delayMsMin: 10, share: 0.1 } }),
    slowUploads: new SlowUploadBudget(1024 * 1024),
    sending: new Slots(4),
    streaming: new Slots(4),
    pool,
    readMemory: new ReadMemory(pool, clock),
    compression: createCompression({ byDefault: 'off', bytesMax: 4 * 1024 * 1024 }),
    keys: testKeyRing(),
    clock,
    random: systemRandom,
    log: silentLog,
    settings: {
      session: 7,
      blockBytes: 4096,
      parityChunks: { STANDARD: 2, REDUCED_REDUNDANCY: 1, NONE: 0 },
      messageChunkBytesMax: 8 * 1024,
      stripesInFlightMax: 3,
      slowStripeMs: 2_000,
      lateChunkMs: 2_000,
      objectBytesMax: 10 * 1024 ** 3,
      ...settings,
    },
  }
}

function server(number: ServerNumber): StorageServer {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as ServerId
  return {
    number,
    id,
    grpcAddress: '',
    socketPath: '',
    dataDirectory: '',
    zone: '',
    status: 'up',
    availableBytes: 2 ** 40,
    capacityBytes: 2 ** 40,
    lastHeartbeatAt: new Date(0),
    isStale: false,
    points: virtualNodePoints(id),
  }
}

/** Bytes that look random and are the same every time. */
export function patterned(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0, n = 0; at < sizeBytes; at += 32, n++) {
    createHash('sha256').update(`${seed}/${n}`).digest().copy(bytes, at)
  }
  return bytes
}

/** A body in pieces of any size. */
export async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

export function claimsOf(sizeBytes: number): BodyClaims {
  return { sizeBytes, md5: undefined, checksum: undefined }
}

/** What a look-up answers for an object of one part. */
export function foundObject(layout: PartLayout): FoundObject & { object: ObjectVersion } {
  return {
    bucket,
    layouts: [layout],
    object: {
      bucketId: bucket.id,
      key: 'key' as ObjectKey,
      versionId: NULL_VERSION,
      sizeBytes: plainBytesOf(layout),
      etag: '',
      committedAt: new Date(0),
      attributes: { headers: {}, userMetadata: {}, storageClass: 'STANDARD' },
      checksum: undefined,
      isMultipart: false,
      parts: [{ number: 1, partId: layout.partId, sizeBytes: plainBytesOf(layout), checksum: undefined }],
    },
  }
}

export const label = {
  bucket: 'bucket',
  key: 'key',
  versionId: NULL_VERSION,
  uploadId: '',
  partNumber: 1,
  storageClass: 'STANDARD',
  headers: {},
  userMetadata: {},
}
