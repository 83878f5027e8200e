import { ChunkError } from '../../base/faults.ts'
import { checkHeader, checkTrailer, encodeHeader, encodeTrailer } from '../../chunk-files/chunk-frame.ts'
import { type ChunkKey, keyBytes, parseKey } from '../../chunk-files/chunk-key.ts'
import { fanOut, fanOutDirectory } from '../../chunk-files/paths.ts'
import { PayloadVerifier } from '../../striping/payload-verifier.ts'
import type { StoredHeader, StoredTrailer } from '../ports.ts'
import { FILE } from './chunk-index.ts'
import { verifyChunk } from './chunk-reader.ts'
import type { DiskParts } from './disk-parts.ts'

export interface WholeChunk {
  header: StoredHeader
  payload: Uint8Array
  trailer: StoredTrailer
}

/** A small chunk: checked, then appended. Resolves when durable. Throws `invalid`, `corrupt`, `no-space`, `failed`. */
export function putSmall(parts: DiskParts, { header, payload, trailer }: WholeChunk): Promise<void> {
  checkHeader(header)
  checkTrailer(trailer)
  const { chunkId } = header
  const verifier = new PayloadVerifier(header)
  verifier.update(payload)
  const { isIntact, badBlock, chunkHash } = verifier.finish()
  if (!isIntact) throw corruptPayload(`block ${badBlock}`)
  if (!chunkHash.equals(trailer.chunkHash)) throw corruptPayload('the chunk hash')
  const kept = encodeTrailer(chunkId, { ...trailer, payloadBytes: payload.length })
  return appendChunk(parts, { key: parseKey(chunkId), chunkHash, frames: [encodeHeader(header), payload, kept] })
}

export interface CheckedChunk {
  key: ChunkKey
  chunkHash: Buffer
  /** Chunk header, payload, chunk trailer, as they are stored. */
  frames: readonly Uint8Array[]
}

/** Appends a chunk that was checked, unless it is there. Throws, or rejects, as `putSmall`. */
export function appendChunk(parts: DiskParts, chunk: CheckedChunk): Promise<void> {
  const looking = parts.health.admit(chunk.frames.reduce((sum, frame) => sum + frame.length, 0))
  return looking === undefined ? appendAdmitted(parts, chunk) : looking.then(() => appendAdmitted(parts, chunk))
}

function appendAdmitted(parts: DiskParts, { key, chunkHash, frames }: CheckedChunk): Promise<void> {
  return parts.gate.run(key, () => {
    if (parts.index.get(key)) return refuseUnlessThere(parts, key, chunkHash)
    return parts.segments.append({ kind: 'put', key, parts: frames, killedSegment: 0 })
  })
}

async function refuseUnlessThere(parts: DiskParts, key: ChunkKey, chunkHash: Buffer): Promise<void> {
  await acknowledgeIfThere(parts, key, chunkHash)
}

/**
 * Within the chunk's gate: whether a chunk of this id is there, durably, with this hash and whole to its last block. With
 * another hash it throws `invalid`: chunks are immutable. A damaged one is `corrupt`, and is not taken for this one.
 */
export async function acknowledgeIfThere(parts: DiskParts, key: ChunkKey, chunkHash: Buffer): Promise<boolean> {
  const place = parts.index.get(key)
  if (!place) return false
  const stored = await verifyChunk(parts, keyBytes(key))
  if (!stored.equals(chunkHash)) throw new ChunkError('invalid', 'another chunk of this id is there')
  if (place.segment === FILE) await parts.directories.settle(fanOutDirectory(parts.paths, fanOut(key)))
  else if (parts.segments.isTailInDoubt) throw new ChunkError('failed', 'a failed write may yet undo this chunk')
  return true
}

export function corruptPayload(what: string): ChunkError {
  return new ChunkError('corrupt', `${what} of the payload does not match its checksum`)
}
