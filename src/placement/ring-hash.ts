import xxhash, { type XXHashAPI } from 'xxhash-wasm'
import { assert } from '../base/faults.ts'
import { chunkIdBytes, type PartId, type ServerId } from '../base/ids.ts'
import { VIRTUAL_NODES } from '../base/limits.ts'

let loaded: XXHashAPI | undefined

/** To be awaited once before anything else here; again does nothing. */
export async function loadRingHash(): Promise<void> {
  loaded ??= await xxhash()
}

/**
 * A server's 150 points on the ring, in order of index: xxh64 with seed 0 over the bytes of the server id as text (UTF-8;
 * 36 bytes of a UUID in lower case) and the index, 4 bytes little endian. Unsigned 64 bits. These bytes are for ever:
 * another choice would move every chunk's home.
 */
export function virtualNodePoints(serverId: ServerId): bigint[] {
  const id = Buffer.from(serverId, 'utf8')
  const bytes = Buffer.alloc(id.length + 4)
  id.copy(bytes)
  return Array.from({ length: VIRTUAL_NODES }, (_, index) => {
    bytes.writeUInt32LE(index, id.length)
    return hash(bytes)
  })
}

/** A chunk's point on the ring: xxh64 with seed 0 over its 17-byte id. Unsigned 64 bits. */
export function chunkPoint(partId: PartId, index: number): bigint {
  return hash(chunkIdBytes(partId, index))
}

/** The points of chunks 0 to `count` - 1. */
export function chunkPoints(partId: PartId, count: number): bigint[] {
  const id = chunkIdBytes(partId, 0)
  return Array.from({ length: count }, (_, index) => {
    id[id.length - 1] = index
    return hash(id)
  })
}

function hash(bytes: Uint8Array): bigint {
  assert(loaded, 'loadRingHash comes first')
  return loaded.h64Raw(bytes)
}
