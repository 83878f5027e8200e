import { chunkIdBytes } from '../base/ids.ts'
import type { WireHeader, WireTrailer } from '../base/wire/chunk-fields.ts'
import type { ChunkHeader, ChunkTrailer, PartLabel, PartSeal } from '../engine/ports/chunk-store.ts'
import { PartLabel as LabelMessage, PartSeal as SealMessage } from '../gen/sextant/chunk/v1/chunk.ts'

/** All chunks of a part share one label and one seal: each is encoded once. */
const labels = new WeakMap<PartLabel, Uint8Array>()
const seals = new WeakMap<PartSeal, Uint8Array>()

export function toWireHeader(header: ChunkHeader): WireHeader {
  const { partId, index, dataChunks, parityChunks, blockBytes } = header
  const label = cached(labels, header.label, encodeLabel)
  return { chunkId: chunkIdBytes(partId, index), dataChunks, parityChunks, blockBytes, label }
}

export function toWireTrailer(trailer: ChunkTrailer): WireTrailer {
  const seal = cached(seals, trailer.seal, encodeSeal)
  return { partBytes: trailer.partBytes, chunkHash: trailer.chunkHash, seal }
}

function encodeLabel({ createdMs, encryption, ...label }: PartLabel): Uint8Array {
  return LabelMessage.encode({
    ...label,
    headers: { ...label.headers },
    userMetadata: { ...label.userMetadata },
    createdUnixMs: createdMs,
    encryption: encryption ? JSON.stringify(encryption) : '',
  }).finish()
}

function encodeSeal({ plainBytes = 0, ...seal }: PartSeal): Uint8Array {
  return SealMessage.encode({ ...seal, plainBytes }).finish()
}

function cached<K extends object>(known: WeakMap<K, Uint8Array>, key: K, encode: (key: K) => Uint8Array): Uint8Array {
  const found = known.get(key)
  if (found) return found
  const bytes = encode(key)
  known.set(key, bytes)
  return bytes
}
