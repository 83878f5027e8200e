import {
  headerBytes,
  readHeader,
  readTrailer,
  trailerBytes,
  type WireHeader,
  type WireTrailer,
  writeHeader,
  writeTrailer,
} from './chunk-fields.ts'
import { totalBytes } from './gather.ts'
import { presentFieldBytes, varintBytes, WIRE_BYTES, WireReader, writeLength } from './protobuf.ts'

/** What a PutChunkRequest carries; `none` for a frame of a kind that is not known here. */
export type PutFrame =
  | { kind: 'header'; header: WireHeader }
  | { kind: 'payload'; payload: Buffer }
  | { kind: 'trailer'; trailer: WireTrailer }
  | { kind: 'none' }

const HEADER = 1
export const PUT_PAYLOAD_FIELD = 2
const TRAILER = 3

/** The pieces of a PutChunkRequest with a header. */
export function putHeaderMessage(header: WireHeader): Uint8Array[] {
  const length = headerBytes(header)
  const bytes = Buffer.allocUnsafe(presentFieldBytes(length))
  writeHeader(bytes, writeLength(bytes, 0, HEADER, length), header)
  return [bytes]
}

/** The pieces of a PutChunkRequest with payload, which is not copied. */
export function putPayloadMessage(payload: readonly Uint8Array[]): Uint8Array[] {
  return [fieldStart(PUT_PAYLOAD_FIELD, totalBytes(payload)), ...payload]
}

/** The pieces of a PutChunkRequest with a trailer. */
export function putTrailerMessage(trailer: WireTrailer): Uint8Array[] {
  const length = trailerBytes(trailer)
  const bytes = Buffer.allocUnsafe(presentFieldBytes(length))
  writeTrailer(bytes, writeLength(bytes, 0, TRAILER, length), trailer)
  return [bytes]
}

function fieldStart(field: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + varintBytes(length))
  writeLength(bytes, 0, field, length)
  return bytes
}

/** A PutChunkRequest; its buffers are views of `bytes`. Throws WireError. */
export function readPutFrame(bytes: Buffer): PutFrame {
  const reader = new WireReader(bytes)
  let frame: PutFrame = { kind: 'none' }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (reader.wire !== WIRE_BYTES) reader.skip()
    else if (field === HEADER) frame = { kind: 'header', header: readHeader(reader.message()) }
    else if (field === PUT_PAYLOAD_FIELD) frame = { kind: 'payload', payload: reader.bytes() }
    else if (field === TRAILER) frame = { kind: 'trailer', trailer: readTrailer(reader.message()) }
    else reader.skip()
  }
  return frame
}

/** The pieces of a GetChunkResponse; the payload is not copied. */
export function getPayloadMessage(payload: Uint8Array): Uint8Array[] {
  return [fieldStart(1, payload.length), payload]
}

/** The payload of a GetChunkResponse, a view of `bytes`. Throws WireError. */
export function readGetPayload(bytes: Buffer): Buffer {
  const reader = new WireReader(bytes)
  let payload: Buffer = bytes.subarray(0, 0)
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_BYTES) payload = reader.bytes()
    else reader.skip()
  }
  return payload
}
