import { uintFieldBytes, WIRE_VARINT, WireReader, writeUintField } from './protobuf.ts'

/** ChunkPlace of proto/sextant/chunk/v1/chunk.proto. */
export interface WirePlace {
  segment: number
  offset: number
}

export function placeMessage({ segment, offset }: WirePlace): Buffer {
  const bytes = Buffer.allocUnsafe(uintFieldBytes(segment) + uintFieldBytes(offset))
  writeUintField(bytes, writeUintField(bytes, 0, 1, segment), 2, offset)
  return bytes
}

/** Throws WireError. */
export function readPlace(bytes: Buffer): WirePlace {
  const reader = new WireReader(bytes)
  const place: WirePlace = { segment: 0, offset: 0 }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_VARINT) place.segment = reader.uint32()
    else if (field === 2 && reader.wire === WIRE_VARINT) place.offset = reader.uint()
    else reader.skip()
  }
  return place
}
