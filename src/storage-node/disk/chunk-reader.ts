import { ChunkError } from '../../base/faults.ts'
import { decodeHeader, decodeTrailer, leadingTrailerLength, TRAILER_BYTES_MAX } from '../../chunk-files/chunk-frame.ts'
import { type ChunkKey, keyBytes, keyText, parseKey } from '../../chunk-files/chunk-key.ts'
import { chunkFilePath, segmentPath } from '../../chunk-files/paths.ts'
import type { ChunkPlace } from '../ports.ts'
import {
  type ChunkFrame,
  corrupt,
  openChunkFile,
  readFrame,
  type StoredPayload,
  verifyPayload,
} from './chunk-file-reader.ts'
import { FILE, type Place } from './chunk-index.ts'
import { isMissing, toChunkError } from './disk-error.ts'
import type { DiskFile } from './disk-fs.ts'
import type { DiskParts } from './disk-parts.ts'
import { RECORD_HEADER_BYTES } from './record.ts'

type ReaderParts = Pick<DiskParts, 'fs' | 'paths' | 'index' | 'files'>

/** In the file cache: a segment, or a large chunk's file with its header and trailer read. */
export interface OpenFile {
  file: DiskFile
  chunk: StoredPayload | undefined
  close(): Promise<void>
}

export const READ_BYTES_MAX = 1024 * 1024
/** A chunk moves when its segment is compacted: once in a while, not at every look. */
const TRIES_MAX = 5

/** Payload bytes [offset, offset + length). Throws `not-found`, `invalid`, `corrupt` (cut short), `failed`. */
export async function readPayload(
  parts: ReaderParts,
  { chunkId, offset, length, into }: { chunkId: Uint8Array; offset: number; length: number; into?: Buffer | undefined },
): Promise<Buffer> {
  return await whereItLies(parts, parseKey(chunkId), async (key, place) => {
    const isWithin = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0
    if (!isWithin || offset + length > place.payloadBytes) {
      throw new ChunkError('invalid', `bytes ${offset} + ${length} of a payload of ${place.payloadBytes}`)
    }
    if (length > READ_BYTES_MAX) throw new ChunkError('invalid', `more than ${READ_BYTES_MAX} bytes in one read`)
    return await withFile(parts, { key, place }, async ({ file, chunk }) => {
      const bytes = into && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafe(length)
      const count = await file.read(bytes, (chunk?.offset ?? place.offset) + offset)
      if (count < length) throw corrupt(key, 'it is cut short')
      return bytes
    })
  })
}

/** For who reads the disk past the node. Throws `not-found`. */
export function locateChunk({ index }: Pick<ReaderParts, 'index'>, chunkId: Uint8Array): ChunkPlace {
  const place = index.get(parseKey(chunkId))
  if (!place) throw new ChunkError('not-found', 'no such chunk')
  return place.segment === FILE ? { segment: 0, offset: 0 } : { segment: place.segment, offset: place.offset }
}

/** Re-reads a chunk and checks all of it; answers its recomputed hash. Throws `not-found`, `corrupt`, `failed`. */
export async function verifyChunk(parts: ReaderParts, chunkId: Uint8Array): Promise<Buffer> {
  return await whereItLies(parts, parseKey(chunkId), (key, place) => {
    if (place.segment === FILE) return verifyFile(parts, { key, place })
    return withFile(parts, { key, place }, async ({ file }) =>
      verifyPayload(await frameInSegment(file, { key, place })),
    )
  })
}

/** Not through the file cache, which remembers header and trailer: they are to be read again too. */
async function verifyFile(
  { fs, paths }: ReaderParts,
  { key, place }: { key: ChunkKey; place: Place },
): Promise<Buffer> {
  const chunk = await openChunkFile(fs, chunkFilePath(paths, { key, payloadBytes: place.payloadBytes }), key)
  try {
    return await verifyPayload(chunk)
  } finally {
    await chunk.close()
  }
}

/** What a chunk says of itself, read afresh. Throws `not-found`, `corrupt`, `failed`. */
export async function describeChunk(parts: ReaderParts, chunkId: Uint8Array): Promise<ChunkFrame> {
  return await whereItLies(parts, parseKey(chunkId), async (key, place) => {
    if (place.segment !== FILE) {
      return await withFile(parts, { key, place }, ({ file }) => readSegmentFrame(file, { key, place }))
    }
    const { fs, paths } = parts
    const file = await fs.open(chunkFilePath(paths, { key, payloadBytes: place.payloadBytes }), 'read')
    try {
      return await readFrame(file, key)
    } finally {
      await file.close()
    }
  })
}

/** Looks again when the chunk has moved between look-up and open. */
async function whereItLies<T>(
  { index }: ReaderParts,
  key: ChunkKey,
  work: (key: ChunkKey, place: Place) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const place = index.get(key)
    if (!place) throw new ChunkError('not-found', 'no such chunk')
    try {
      return await work(key, place)
    } catch (error) {
      if (!isMissing(error) || tries === TRIES_MAX) throw toChunkError(error, 'a read')
    }
  }
}

async function withFile<T>(
  { fs, paths, files }: ReaderParts,
  { key, place }: { key: ChunkKey; place: Place },
  work: (open: OpenFile) => Promise<T>,
): Promise<T> {
  if (place.segment === FILE) {
    return await files.use(
      keyText(key),
      async () => {
        const chunk = await openChunkFile(fs, chunkFilePath(paths, { key, payloadBytes: place.payloadBytes }), key)
        return { file: chunk.file, chunk, close: () => chunk.close() }
      },
      work,
    )
  }
  return await files.use(segmentFileName(place.segment), () => openSegment({ fs, paths }, place.segment), work)
}

/** A segment's name in the file cache. */
export function segmentFileName(segment: number): string {
  return `segment ${segment}`
}

export async function openSegment({ fs, paths }: Pick<DiskParts, 'fs' | 'paths'>, segment: number): Promise<OpenFile> {
  const file = await fs.open(segmentPath(paths, segment), 'read')
  return { file, chunk: undefined, close: () => file.close() }
}

async function frameInSegment(file: DiskFile, { key, place }: { key: ChunkKey; place: Place }): Promise<StoredPayload> {
  const { header, trailer } = await readSegmentFrame(file, { key, place })
  const { offset, payloadBytes } = place
  const chunkHash = Buffer.from(trailer.chunkHash)
  return { file, offset, payloadBytes, chunkId: keyBytes(key), blockBytes: header.blockBytes, chunkHash }
}

/** Header and trailer of a small chunk: the trailer's length is in it, and what remains of the overhead is the header's. */
async function readSegmentFrame(file: DiskFile, { key, place }: { key: ChunkKey; place: Place }): Promise<ChunkFrame> {
  const chunkId = keyBytes(key)
  const behind = Buffer.alloc(Math.min(place.overheadBytes, TRAILER_BYTES_MAX))
  const count = await file.read(behind, place.offset + place.payloadBytes)
  const trailerBytes = leadingTrailerLength(behind.subarray(0, count)) ?? 0
  const trailer = decodeTrailer(chunkId, behind.subarray(0, trailerBytes))
  if (!trailer || trailer.payloadBytes !== place.payloadBytes) throw corrupt(key, 'its trailer is damaged')
  const before = Buffer.alloc(Math.max(0, place.overheadBytes - RECORD_HEADER_BYTES - trailerBytes))
  await file.read(before, place.offset - before.length)
  const header = decodeHeader(before)
  if (!header?.chunkId || !chunkId.equals(header.chunkId)) throw corrupt(key, 'its header is damaged')
  return { header, trailer }
}
