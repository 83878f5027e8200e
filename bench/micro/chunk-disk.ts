/**
 * What one node's chunk store costs on a real disk: durable puts of small chunks at 1, 8, 32 and 256 waiting (a second,
 * and µs of CPU each) and of chunks of 1 MiB objects at 16 waiting, reads of them, and streamed large chunks and reads
 * of them (CPU seconds per GiB).
 * `node bench/micro/chunk-disk.ts [directory]`, some 30 seconds; the directory's disk is the one that is measured.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chunkIdBytes, makePartId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { openChunkDisk } from '../../src/storage-node/disk/open.ts'
import type { StoredHeader, StoredTrailer } from '../../src/storage-node/ports.ts'
import { blockChecksum, chunkHasher, chunkSeed } from '../../src/striping/checksum.ts'

const MIB = 1024 * 1024
const GIB = 1024 * MIB
const BLOCK_BYTES = 64 * 1024
/** A sixth of a 4 KiB object, and labels as gateways write them. */
const SMALL_BYTES = 683
const LABEL_BYTES = 160
const SEAL_BYTES = 34
const SMALL_CHUNKS = 40_000
/** A sixth of a 1 MiB object: the whole chunk is one block. */
const MEDIUM_BYTES = Math.ceil(MIB / 6)
const MEDIUM_CHUNKS = 768
/** A sixth of a 64 MiB object. */
const LARGE_BYTES = 11 * MIB
const LARGE_CHUNKS = 48
/** As they come in from gRPC. */
const PIECE_BYTES = 256 * 1024
const READ_BYTES = MIB

interface Chunk {
  header: StoredHeader
  payload: Buffer
  trailer: StoredTrailer
}

const label = Buffer.alloc(LABEL_BYTES, 'label')
const seal = Buffer.alloc(SEAL_BYTES, 'seal')
let made = 0

function makeChunk(dataBytes: number, blockBytes = BLOCK_BYTES): Chunk {
  made += 1
  const partId = makePartId(1_700_000_000_000 + made, { a: made, b: Math.imul(made, 0x9e37_79b1) >>> 0 }, 1)
  const chunkId = chunkIdBytes(partId, made % 8)
  const hasher = chunkHasher()
  const blocks = Math.ceil(dataBytes / blockBytes)
  const payload = Buffer.alloc(dataBytes + 4 * blocks, made)
  for (let block = 0, at = 0; block < blocks; block++) {
    const data = payload.subarray(at, at + Math.min(blockBytes, dataBytes - block * blockBytes))
    const checksum = blockChecksum(chunkSeed(chunkId), block, data)
    hasher.update(checksum)
    at = payload.writeUInt32LE(checksum, at + data.length)
  }
  const header = { chunkId, dataChunks: 6, parityChunks: 2, blockBytes, label }
  return { header, payload, trailer: { partBytes: dataBytes * 6, chunkHash: hasher.digest(), seal } }
}

interface Cost {
  seconds: number
  cpuSeconds: number
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work()
  const { user, system } = process.cpuUsage(cpu)
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
}

/** `atOnce` callers, each with one call under way. */
async function forEach<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = items.values()
  const caller = async () => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
}

function printEach(name: string, count: number, { seconds, cpuSeconds }: Cost): void {
  console.log(`${name}: ${Math.round(count / seconds)}/s, ${((cpuSeconds * 1e6) / count).toFixed(1)} µs CPU each`)
}

function printBytes(name: string, bytes: number, { seconds, cpuSeconds }: Cost): void {
  const perGib = (cpuSeconds / (bytes / GIB)).toFixed(2)
  console.log(`${name}: ${Math.round(bytes / MIB / seconds)} MiB/s, ${perGib} CPU-s/GiB`)
}

const parent = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'sextant-bench-'))
try {
  const deps = { clock: systemClock, random: systemRandom, log: silentLog }
  const directory = join(parent, 'node')
  {
    await using disk = await openChunkDisk({ directory }, deps)
    const put = (chunk: Chunk) => disk.put(chunk.header, chunk.payload, chunk.trailer)
    const read = (chunk: Chunk) => disk.read(chunk.header.chunkId, 0, chunk.payload.length)
    await forEach(
      Array.from({ length: 5000 }, () => makeChunk(SMALL_BYTES)),
      32,
      put,
    ) // warm
    for (const [atOnce, count] of [
      [1, 2000],
      [8, SMALL_CHUNKS / 4],
      [32, SMALL_CHUNKS],
      [256, SMALL_CHUNKS],
    ] as const) {
      const chunks = Array.from({ length: count }, () => makeChunk(SMALL_BYTES))
      const cost = await measure(() => forEach(chunks, atOnce, put))
      printEach(`put ${SMALL_BYTES} bytes, ${atOnce} waiting`, count, cost)
      if (atOnce !== 32) continue
      printEach(`read them, ${atOnce} waiting`, count, await measure(() => forEach(chunks, atOnce, read)))
    }

    const medium = Array.from({ length: MEDIUM_CHUNKS }, () => makeChunk(MEDIUM_BYTES, MEDIUM_BYTES))
    const mediumBytes = MEDIUM_CHUNKS * MEDIUM_BYTES
    printBytes('put chunks of 1 MiB objects, 16 waiting', mediumBytes, await measure(() => forEach(medium, 16, put)))
    printBytes('read them', mediumBytes, await measure(() => forEach(medium, 16, read)))
    printBytes('read them again', mediumBytes, await measure(() => forEach(medium, 16, read)))

    const large = Array.from({ length: 8 }, () => makeChunk(LARGE_BYTES))
    const stream = async ({ header, payload, trailer }: Chunk) => {
      await using sink = await disk.create(header)
      for (let at = 0; at < payload.length; at += PIECE_BYTES) {
        await sink.write(payload.subarray(at, at + PIECE_BYTES))
      }
      await sink.commit(trailer)
    }
    await forEach(large, 2, stream) // first touch of the buffers
    const spent: Cost = { seconds: 0, cpuSeconds: 0 }
    for (let done = 0; done < LARGE_CHUNKS; done += large.length) {
      await disk.delete(large.map((c) => c.header.chunkId))
      const cost = await measure(() => forEach(large, 2, stream))
      spent.seconds += cost.seconds
      spent.cpuSeconds += cost.cpuSeconds
    }
    printBytes(`stream ${LARGE_BYTES / MIB} MiB chunks, 2 at once`, LARGE_CHUNKS * LARGE_BYTES, spent)

    const readWhole = async ({ header, payload }: Chunk) => {
      for (let at = 0; at < payload.length; at += READ_BYTES) {
        await disk.read(header.chunkId, at, Math.min(READ_BYTES, payload.length - at))
      }
    }
    const bytes = large.length * LARGE_BYTES
    printBytes('read them, cold', bytes, await measure(() => forEach(large, 2, readWhole)))
    printBytes('read them, cached', bytes, await measure(() => forEach(large, 2, readWhole)))
  }
  const opening = await measure(async () => {
    await using disk = await openChunkDisk({ directory }, deps)
    await disk.stat()
  })
  console.log(`start with ${made} chunks, none of them in hints: ${(opening.seconds * 1000).toFixed(0)} ms`)
} finally {
  await rm(parent, { recursive: true, force: true })
}
