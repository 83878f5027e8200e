import { hash } from 'node:crypto'
import { chunkIdBytes, NULL_VERSION, type PartId, type ServerNumber } from '../../src/base/ids.ts'
import type { ChunkHeader } from '../../src/engine/ports/chunk-store.ts'
import { blockChecksum, CHECKSUM_BYTES, chunkHasher, chunkSeed } from '../../src/striping/checksum.ts'
import type { Inside } from '../store/inside.ts'
import { bodyOf } from './objects.ts'
import type { Bench, Plan, Scale, Workload } from './workload.ts'

/** A sixth of 4 KiB, as a gateway sends it; eight of them make an object. */
const SMALL_BYTES = 683
const BLOCK_BYTES = 64 * 1024
const SMALL_AT_ONCE = 256
const LARGE_AT_ONCE = 12
/** Made ready where the PUTs did not run before. */
const COUNT_MIN = 100
const SEAL = { etag: 'd41d8cd98f00b204e9800998ecf8427e', checksumAlgorithm: '', checksum: '' }
const { signal } = new AbortController()

interface StoredChunk {
  server: ServerNumber
  partId: PartId
  index: number
  sizeBytes: number
}

/** Chunks of a size, and how they travel. */
interface ChunkKind {
  sizeBytes: number
  stored: StoredChunk[]
  put(inside: Inside, chunk: StoredChunk): Promise<void>
  get(inside: Inside, chunk: StoredChunk): Promise<void>
}

/** The storage nodes alone: their chunks over gRPC, from one process, without gateway and database. */
export function nodeWorkloads({ objectBytesMax }: Scale): Workload[] {
  /** A sixth of the largest objects. */
  const sizeBytes = Math.ceil(objectBytesMax / 6 / BLOCK_BYTES) * BLOCK_BYTES
  const small: ChunkKind = { sizeBytes: SMALL_BYTES, stored: [], put: putSmall, get: getSmall }
  const large: ChunkKind = { sizeBytes, stored: [], put: putLarge, get: getLarge }
  const ofSmall = { group: 'nodes', unit: 'operation', clients: SMALL_AT_ONCE } as const
  const ofLarge = { group: 'nodes', unit: 'GiB', clients: LARGE_AT_ONCE } as const
  return [
    { ...ofSmall, name: 'node-put-small', writes: true, plan: (bench) => planPuts(bench, small) },
    { ...ofSmall, name: 'node-get-small', writes: false, plan: (bench) => planGets(bench, small) },
    { ...ofLarge, name: 'node-put-large', writes: true, plan: (bench) => planPuts(bench, large) },
    { ...ofLarge, name: 'node-get-large', writes: false, plan: (bench) => planGets(bench, large) },
  ]
}

async function planPuts(bench: Bench, kind: ChunkKind): Promise<Plan> {
  const inside = await bench.inside()
  const call = async (n: number) => {
    await putNew(inside, kind, n)
    return { bytesIn: 0, bytesOut: kind.sizeBytes }
  }
  const operationsMax = Math.floor(bench.scale.writtenBytesMax / kind.sizeBytes)
  return { warmUp: () => ({ call }), timed: () => () => ({ call }), operationsMax }
}

async function planGets(bench: Bench, kind: ChunkKind): Promise<Plan> {
  const inside = await bench.inside()
  const { stored, sizeBytes } = kind
  for (let n = stored.length; n < COUNT_MIN; n++) await putNew(inside, kind, n)
  const call = async (n: number) => {
    await kind.get(inside, stored[n % stored.length]!)
    return { bytesIn: sizeBytes, bytesOut: 0 }
  }
  return { warmUp: () => ({ call }), timed: () => () => ({ call }) }
}

/** Round the servers: a gateway's ring spreads as evenly. */
async function putNew(inside: Inside, { put, sizeBytes, stored }: ChunkKind, n: number): Promise<void> {
  const servers = [...inside.cluster.servers().keys()]
  const chunk = { server: servers[n % servers.length]!, partId: inside.newPartId(), index: n % 8, sizeBytes }
  await put(inside, chunk)
  stored.push(chunk)
}

async function putSmall({ chunks }: Inside, chunk: StoredChunk): Promise<void> {
  const data = bodyOf(chunk.sizeBytes)
  const checksum = checksumOf(chunkSeedOf(chunk), 0, data)
  const trailer = { partBytes: 6 * data.length, chunkHash: hash('sha256', checksum, 'buffer'), seal: SEAL }
  await chunks.putChunk(chunk.server, { header: headerOf(chunk), pieces: [data, checksum], trailer }, signal)
}

async function getSmall({ chunks }: Inside, { server, partId, index, sizeBytes }: StoredChunk): Promise<void> {
  await chunks.getPayload(server, { partId, index, offset: 0, length: sizeBytes + CHECKSUM_BYTES }, signal)
}

async function putLarge({ chunks }: Inside, chunk: StoredChunk): Promise<void> {
  const body = bodyOf(chunk.sizeBytes)
  const seed = chunkSeedOf(chunk)
  const hasher = chunkHasher()
  const writer = chunks.openChunk(chunk.server, headerOf(chunk), signal)
  for (let block = 0; block < body.length / BLOCK_BYTES; block++) {
    const data = body.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
    const checksum = checksumOf(seed, block, data)
    hasher.update(checksum.readUInt32LE())
    await writer.write([data, checksum])
  }
  await writer.finish({ partBytes: 6 * body.length, chunkHash: hasher.digest(), seal: SEAL })
}

async function getLarge({ chunks }: Inside, { server, partId, index, sizeBytes }: StoredChunk): Promise<void> {
  const length = sizeBytes + (sizeBytes / BLOCK_BYTES) * CHECKSUM_BYTES
  let received = 0
  const range = { partId, index, offset: 0, length }
  for await (const piece of chunks.streamPayload(server, range, signal)) received += piece.length
  if (received !== length) throw new Error(`${length} bytes were asked for, ${received} came`)
}

function headerOf({ partId, index }: StoredChunk): ChunkHeader {
  const label = {
    bucket: 'bench-load',
    key: 'alone',
    versionId: NULL_VERSION,
    uploadId: '',
    partNumber: 1,
    storageClass: 'STANDARD',
    headers: {},
    userMetadata: {},
    createdMs: 0,
  }
  return { partId, index, dataChunks: 6, parityChunks: 2, blockBytes: BLOCK_BYTES, label }
}

function chunkSeedOf({ partId, index }: StoredChunk): number {
  return chunkSeed(chunkIdBytes(partId, index))
}

function checksumOf(seed: number, block: number, data: Buffer): Buffer {
  const checksum = Buffer.allocUnsafe(CHECKSUM_BYTES)
  checksum.writeUInt32LE(blockChecksum(seed, block, data))
  return checksum
}
