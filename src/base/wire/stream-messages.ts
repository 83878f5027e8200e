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
import { GatheredField } from './gather.ts'
import { WIRE_BYTES, WireReader } from './protobuf.ts'

/** What a PutChunkRequest carries; `none` for a frame of a kind that is not known here. */
export type PutFrame =
  | { kind: 'header'; header: WireHeader }
  | { kind: 'payload'; payload: Buffer }
  | { kind: 'trailer'; trailer: WireTrailer }
  | { kind: 'none' }

const HEADER = 1
const PAYLOAD = 2
const TRAILER = 3

/** PutChunkRequest with a header. */
export function putHeaderMessage(header: WireHeader): GatheredField {
  const bytes = Buffer.allocUnsafe(headerBytes(header))
  writeHeader(bytes, 0, header)
  return new GatheredField(HEADER, [bytes])
}

/** PutChunkRequest with payload. `onCopied` is called once the pieces are not needed any more. */
export function putPayloadMessage(pieces: readonly Uint8Array[], onCopied?: () => void): GatheredField {
  return new GatheredField(PAYLOAD, pieces, onCopied)
}

/** PutChunkRequest with a trailer. */
export function putTrailerMessage(trailer: WireTrailer): GatheredField {
  const bytes = Buffer.allocUnsafe(trailerBytes(trailer))
  writeTrailer(bytes, 0, trailer)
  return new GatheredField(TRAILER, [bytes])
}

/** A PutChunkRequest; its buffers are views of `bytes`. Throws WireError. */
export function readPutFrame(bytes: Buffer): PutFrame {
  const reader = new WireReader(bytes)
  let frame: PutFrame = { kind: 'none' }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (reader.wire !== WIRE_BYTES) reader.skip()
    else if (field === HEADER) frame = { kind: 'header', header: readHeader(reader.message()) }
    else if (field === PAYLOAD) frame = { kind: 'payload', payload: reader.bytes() }
    else if (field === TRAILER) frame = { kind: 'trailer', trailer: readTrailer(reader.message()) }
    else reader.skip()
  }
  return frame
}

/** GetChunkResponse. */
export function getPayloadMessage(payload: Uint8Array): GatheredField {
  return new GatheredField(1, [payload])
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
