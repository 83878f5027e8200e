import { ChunkError } from '../../base/faults.ts'
import {
  decodeHeader,
  decodeTrailer,
  headerLength,
  type KeptTrailer,
  TRAILER_BYTES_MAX,
  trailerLength,
} from '../../chunk-files/chunk-frame.ts'
import { type ChunkKey, keyBytes, keyName } from '../../chunk-files/chunk-key.ts'
import { PayloadVerifier } from '../../striping/payload-verifier.ts'
import type { StoredHeader } from '../ports.ts'
import type { DiskFile, DiskFs } from './disk-fs.ts'

/** A stored payload, in a segment or in a file of its own, and what is needed to check it. */
export interface StoredPayload {
  file: DiskFile
  /** Of the payload in the file. */
  offset: number
  payloadBytes: number
  chunkId: Buffer
  blockBytes: number
  chunkHash: Buffer
}

/** A large chunk's file, kept open. */
export interface OpenChunkFile extends StoredPayload {
  close(): Promise<void>
}

const START_BYTES = 4096
const VERIFY_BYTES = 512 * 1024

/** What stands before and behind a payload. */
export interface ChunkFrame {
  header: StoredHeader
  trailer: KeptTrailer
}

/** Opens a large chunk and reads what stands before and behind its payload. Throws `corrupt` if that is damaged. */
export async function openChunkFile(fs: DiskFs, path: string, key: ChunkKey): Promise<OpenChunkFile> {
  const file = await fs.open(path, 'read')
  try {
    const { header, trailer, offset } = await readFrame(file, key)
    // Of its own, so that a file that stays open does not keep its label in memory.
    const chunkHash = Buffer.from(trailer.chunkHash)
    const { payloadBytes } = trailer
    const { blockBytes } = header
    return { file, offset, payloadBytes, chunkId: keyBytes(key), blockBytes, chunkHash, close: () => file.close() }
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

/** The frame of the chunk that a file holds, and where its payload begins. Throws `corrupt`. */
export async function readFrame(file: DiskFile, key: ChunkKey): Promise<ChunkFrame & { offset: number }> {
  const { header, length: offset } = await readHeader(file, key)
  const { trailer, length, end } = await readTrailer(file, key)
  const isPlausible = keyBytes(key).equals(header.chunkId) && offset + trailer.payloadBytes + length <= end
  if (!isPlausible) throw corrupt(key, 'its header and trailer do not agree')
  return { header, trailer, offset }
}

async function readHeader(file: DiskFile, key: ChunkKey): Promise<{ header: StoredHeader; length: number }> {
  let start = Buffer.alloc(START_BYTES)
  start = start.subarray(0, await file.read(start, 0))
  const length = headerLength(start)
  if (length === undefined) throw corrupt(key, 'its header is damaged')
  if (length > start.length) {
    start = Buffer.alloc(length)
    await file.read(start, 0)
  }
  const header = decodeHeader(start.subarray(0, length))
  if (!header) throw corrupt(key, 'its header is damaged')
  return { header, length }
}

async function readTrailer(
  file: DiskFile,
  key: ChunkKey,
): Promise<{ trailer: KeptTrailer; length: number; end: number }> {
  const end = await file.length()
  const tail = Buffer.alloc(Math.min(end, TRAILER_BYTES_MAX))
  await file.read(tail, end - tail.length)
  const length = trailerLength(tail)
  const trailer = length && length <= tail.length ? decodeTrailer(keyBytes(key), tail.subarray(-length)) : undefined
  if (!length || !trailer) throw corrupt(key, 'its trailer is damaged')
  return { trailer, length, end }
}

/** Reads a whole payload and checks every block; answers the chunk's hash as recomputed. Throws `corrupt`. */
export async function verifyPayload(stored: StoredPayload): Promise<Buffer> {
  const { file, payloadBytes, chunkHash, chunkId } = stored
  const verifier = new PayloadVerifier(stored)
  const buffer = Buffer.allocUnsafeSlow(Math.min(VERIFY_BYTES, payloadBytes))
  for (let done = 0; done < payloadBytes; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, payloadBytes - done))
    if ((await file.read(piece, stored.offset + done)) < piece.length) throw corruptId(chunkId, 'it is cut short')
    verifier.update(piece)
    done += piece.length
  }
  const verdict = verifier.finish()
  if (!verdict.isIntact) throw corruptId(chunkId, `block ${verdict.badBlock} does not match its checksum`)
  if (!verdict.chunkHash.equals(chunkHash)) throw corruptId(chunkId, 'its blocks do not match its hash')
  return verdict.chunkHash
}

function corruptId(chunkId: Buffer, why: string): ChunkError {
  return new ChunkError('corrupt', `chunk ${chunkId.toString('hex')} is damaged: ${why}`)
}

export function corrupt(key: ChunkKey, why: string): ChunkError {
  return new ChunkError('corrupt', `chunk ${keyName(key)} is damaged: ${why}`)
}
