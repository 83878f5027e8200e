import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { ChunkError, ChunkFailure } from '../../../src/base/faults.ts'
import { chunkIdBytes, makePartId } from '../../../src/base/ids.ts'
import { silentLog } from '../../../src/base/log.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { type ChunkDiskDeps, openChunkDisk } from '../../../src/storage-node/disk/open.ts'
import type { ChunkDiskOptions } from '../../../src/storage-node/disk/settings.ts'
import type { StoredHeader, StoredTrailer } from '../../../src/storage-node/ports.ts'
import { blockChecksum, CHECKSUM_BYTES, chunkHasher, chunkSeed } from '../../../src/striping/checksum.ts'

/** A chunk as a gateway sends it, its bytes made of `seed`. */
export interface TestChunk {
  id: Buffer
  header: StoredHeader
  payload: Buffer
  trailer: StoredTrailer
}

export interface ChunkShape {
  /** Of the chunk's data, checksums not counted; 1 or more. */
  dataBytes: number
  blockBytes?: number
  labelBytes?: number
  sealBytes?: number
  session?: number
  timeMs?: number
  index?: number
  /** Makes id and bytes; equal seeds make equal chunks. */
  seed: number
}

export function makeChunk(shape: ChunkShape): TestChunk {
  const {
    dataBytes,
    blockBytes = 4096,
    labelBytes = 90,
    sealBytes = 40,
    session = 7,
    timeMs = 1_700_000_000_000,
  } = shape
  const { seed } = shape
  const partId = makePartId(timeMs + seed, { a: seed, b: Math.imul(seed + 1, 0x9e37_79b1) >>> 0 }, session)
  const id = chunkIdBytes(partId, shape.index ?? seed % 8)
  const { payload, chunkHash } = makePayload(id, { dataBytes, blockBytes, seed })
  return {
    id,
    header: { chunkId: id, dataChunks: 6, parityChunks: 2, blockBytes, label: fill(labelBytes, seed + 1) },
    payload,
    trailer: { partBytes: dataBytes * 6, chunkHash, seal: fill(sealBytes, seed + 2) },
  }
}

/** The same id with other bytes. */
export function otherBytes(chunk: TestChunk, shape: ChunkShape): TestChunk {
  const blockBytes = shape.blockBytes ?? 4096
  const made = makePayload(chunk.id, { dataBytes: shape.dataBytes, blockBytes, seed: shape.seed + 1_000_003 })
  return { ...chunk, payload: made.payload, trailer: { ...chunk.trailer, chunkHash: made.chunkHash } }
}

function makePayload(
  id: Buffer,
  { dataBytes, blockBytes, seed }: { dataBytes: number; blockBytes: number; seed: number },
) {
  const pieces: Buffer[] = []
  const hasher = chunkHasher()
  for (let done = 0, block = 0; done < dataBytes; block++) {
    const data = fill(Math.min(blockBytes, dataBytes - done), seed * 31 + block)
    const checksum = Buffer.alloc(CHECKSUM_BYTES)
    const value = blockChecksum(chunkSeed(id), block, data)
    checksum.writeUInt32LE(value)
    hasher.update(value)
    pieces.push(data, checksum)
    done += data.length
  }
  return { payload: Buffer.concat(pieces), chunkHash: hasher.digest() }
}

/** Bytes that do not repeat soon (xorshift), the same for the same seed. */
function fill(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = (Math.imul(seed, 0x85eb_ca6b) ^ 0x1234_5678) | 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/** Real files, system clock; `t`'s directory goes when `t` ends. */
export async function temporaryDirectory(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-disk-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'node')
}

export const testDeps: ChunkDiskDeps = { clock: systemClock, random: systemRandom, log: silentLog }

export function openTestDisk(options: ChunkDiskOptions, deps: Partial<ChunkDiskDeps> = {}) {
  return openChunkDisk({ reserveBytes: 0, writeBuffersMax: 4, ...options }, { ...testDeps, ...deps })
}

type Disk = Awaited<ReturnType<typeof openTestDisk>>

export async function put(disk: Disk, chunk: TestChunk): Promise<void> {
  await disk.put(chunk.header, chunk.payload, chunk.trailer)
}

/** Through `create`, in pieces of `pieceBytes`. */
export async function stream(disk: Disk, chunk: TestChunk, pieceBytes: number): Promise<void> {
  await using sink = await disk.create(chunk.header)
  for (let done = 0; done < chunk.payload.length; done += pieceBytes) {
    const piece = Buffer.from(chunk.payload.subarray(done, done + pieceBytes))
    await sink.write(piece)
    piece.fill(0xee) // it may be reused
  }
  await sink.commit(chunk.trailer)
}

/** All of a payload. */
export async function readAll(disk: Disk, chunk: TestChunk): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; offset < chunk.payload.length; offset += 1024 * 1024) {
    pieces.push(await disk.read(chunk.id, offset, Math.min(1024 * 1024, chunk.payload.length - offset)))
  }
  return Buffer.concat(pieces)
}

export async function listAll(disk: Disk, filter = {}): Promise<string[]> {
  const names: string[] = []
  for await (const batch of disk.list(filter)) for (const { chunkId } of batch) names.push(chunkId.toString('hex'))
  return names.sort()
}

/** What `t.rejects` compares a ChunkError with. */
export function refused(failure: ChunkFailure): ChunkError {
  return { name: 'ChunkError', failure } satisfies Partial<ChunkError> as ChunkError
}
