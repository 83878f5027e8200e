import { ChunkError } from '../base/faults.ts'
import { CHUNK_ID_BYTES, PART_ID_BYTES } from '../base/ids.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireHeader, WireTrailer } from '../base/wire/chunk-fields.ts'
import type { StoredHeader, StoredTrailer } from './ports.ts'

/** What came in, parsed at the edge: from here on ids have 17 bytes, sizes are bounded. Faults: ChunkError `invalid`. */

export function parseChunkId(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== CHUNK_ID_BYTES) throw invalid(`a chunk id has ${CHUNK_ID_BYTES} bytes, not ${bytes.length}`)
  return bytes
}

export function parsePartId(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== PART_ID_BYTES) throw invalid(`a part id has ${PART_ID_BYTES} bytes, not ${bytes.length}`)
  return bytes
}

export function parseChunkIds(ids: readonly Uint8Array[]): readonly Uint8Array[] {
  if (ids.length > wireBounds.idsMax) throw invalid(`more than ${wireBounds.idsMax} chunk ids`)
  for (const id of ids) parseChunkId(id)
  return ids
}

export function parseHeader(header: WireHeader | undefined): StoredHeader {
  if (!header) throw invalid('no header')
  parseChunkId(header.chunkId)
  if (header.dataChunks < 1 || header.blockBytes < 1) throw invalid('a header without data chunks or block size')
  if (header.label.length > wireBounds.labelBytesMax) throw invalid('label too long')
  return header
}

export function parseTrailer(trailer: WireTrailer | undefined): StoredTrailer {
  if (!trailer) throw invalid('no trailer')
  if (trailer.seal.length > wireBounds.sealBytesMax) throw invalid('seal too long')
  return trailer
}

export function invalid(reason: string): ChunkError {
  return new ChunkError('invalid', reason)
}
