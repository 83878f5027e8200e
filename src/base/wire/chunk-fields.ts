import {
  bytesFieldBytes,
  uintFieldBytes,
  WIRE_BYTES,
  WIRE_VARINT,
  type WireReader,
  writeBytesField,
  writeUintField,
} from './protobuf.ts'

/** ChunkHeader of proto/sextant/chunk/v1/chunk.proto. */
export interface WireHeader {
  chunkId: Uint8Array
  dataChunks: number
  parityChunks: number
  blockBytes: number
  label: Uint8Array
}

/** ChunkTrailer. */
export interface WireTrailer {
  partBytes: number
  chunkHash: Uint8Array
  seal: Uint8Array
}

/** Payload bytes [offset, offset + length) of a chunk: GetCall and GetChunkRequest. */
export interface WireRange {
  chunkId: Uint8Array
  offset: number
  length: number
  /** Of a GetCall: not the bytes are asked for, but where the chunk lies. */
  where?: boolean
}

const NOTHING = Buffer.alloc(0)

export function headerBytes(header: WireHeader): number {
  return (
    bytesFieldBytes(header.chunkId.length) +
    uintFieldBytes(header.dataChunks) +
    uintFieldBytes(header.parityChunks) +
    uintFieldBytes(header.blockBytes) +
    bytesFieldBytes(header.label.length)
  )
}

export function writeHeader(target: Uint8Array, at: number, header: WireHeader): number {
  let end = writeBytesField(target, at, 1, header.chunkId)
  end = writeUintField(target, end, 2, header.dataChunks)
  end = writeUintField(target, end, 3, header.parityChunks)
  end = writeUintField(target, end, 4, header.blockBytes)
  return writeBytesField(target, end, 5, header.label)
}

export function readHeader(reader: WireReader): WireHeader {
  const header: WireHeader = { chunkId: NOTHING, dataChunks: 0, parityChunks: 0, blockBytes: 0, label: NOTHING }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_BYTES) header.chunkId = reader.bytes()
    else if (field === 2 && reader.wire === WIRE_VARINT) header.dataChunks = reader.uint32()
    else if (field === 3 && reader.wire === WIRE_VARINT) header.parityChunks = reader.uint32()
    else if (field === 4 && reader.wire === WIRE_VARINT) header.blockBytes = reader.uint32()
    else if (field === 5 && reader.wire === WIRE_BYTES) header.label = reader.bytes()
    else reader.skip()
  }
  return header
}

export function trailerBytes(trailer: WireTrailer): number {
  return (
    uintFieldBytes(trailer.partBytes) + bytesFieldBytes(trailer.chunkHash.length) + bytesFieldBytes(trailer.seal.length)
  )
}

export function writeTrailer(target: Uint8Array, at: number, trailer: WireTrailer): number {
  let end = writeUintField(target, at, 1, trailer.partBytes)
  end = writeBytesField(target, end, 2, trailer.chunkHash)
  return writeBytesField(target, end, 3, trailer.seal)
}

export function readTrailer(reader: WireReader): WireTrailer {
  const trailer: WireTrailer = { partBytes: 0, chunkHash: NOTHING, seal: NOTHING }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_VARINT) trailer.partBytes = reader.uint()
    else if (field === 2 && reader.wire === WIRE_BYTES) trailer.chunkHash = reader.bytes()
    else if (field === 3 && reader.wire === WIRE_BYTES) trailer.seal = reader.bytes()
    else reader.skip()
  }
  return trailer
}

export function rangeBytes(range: WireRange): number {
  const bytes = bytesFieldBytes(range.chunkId.length) + uintFieldBytes(range.offset) + uintFieldBytes(range.length)
  return bytes + uintFieldBytes(Number(range.where ?? false))
}

export function writeRange(target: Uint8Array, at: number, range: WireRange): number {
  let end = writeBytesField(target, at, 1, range.chunkId)
  end = writeUintField(target, end, 2, range.offset)
  end = writeUintField(target, end, 3, range.length)
  return writeUintField(target, end, 4, Number(range.where ?? false))
}

export function readRange(reader: WireReader): WireRange {
  const range: WireRange = { chunkId: NOTHING, offset: 0, length: 0 }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_BYTES) range.chunkId = reader.bytes()
    else if (field === 2 && reader.wire === WIRE_VARINT) range.offset = reader.uint()
    else if (field === 3 && reader.wire === WIRE_VARINT) range.length = reader.uint()
    else if (field === 4 && reader.wire === WIRE_VARINT) range.where = reader.uint32() !== 0
    else reader.skip()
  }
  return range
}
