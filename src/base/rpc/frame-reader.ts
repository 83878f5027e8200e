import { Flag, FRAME_HEADER_BYTES, FrameType, H2Code, H2Error } from './h2-codes.ts'

export interface FrameHandler {
  /**
   * Some bytes of a DATA frame, as they come: a view that is good during the call. What flow control counts are these
   * and `paddingBytes`.
   */
  onData(data: DataPiece): void
  /** Any other frame, whole; its payload is a view that is good during the call. */
  onFrame(frame: WholeFrame): void
}

export interface DataPiece {
  streamId: number
  bytes: Buffer
  paddingBytes: number
  endsStream: boolean
}

export interface WholeFrame {
  type: number
  flags: number
  streamId: number
  payload: Buffer
}

/**
 * Takes the frames of a connection out of bytes as they come, however they are cut (RFC 9113, section 4.1). Payload of
 * DATA is passed on uncopied and unassembled; other frames are small, and collected.
 */
export class FrameReader {
  readonly #handler: FrameHandler
  /** Of DATA frames; others are bounded by `otherBytesMax`. */
  readonly #dataBytesMax: number
  readonly #otherBytesMax: number
  /** A frame's header, or all of a frame that is not DATA, as far as it came. */
  #carry: Buffer = Buffer.alloc(0)
  #type = 0
  #flags = 0
  #streamId = 0
  #isInFrame = false
  #bytesLeft = 0

  constructor(handler: FrameHandler, bounds: { dataBytesMax: number; otherBytesMax: number }) {
    this.#handler = handler
    this.#dataBytesMax = bounds.dataBytesMax
    this.#otherBytesMax = bounds.otherBytesMax
  }

  /** Throws H2Error, and whatever the handler throws. */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length || (this.#isInFrame && this.#bytesLeft === 0)) {
      if (!this.#isInFrame) at = this.#takeHeader(bytes, at)
      else if (this.#type === FrameType.data) at = this.#takeData(bytes, at)
      else at = this.#takeOther(bytes, at)
    }
  }

  #takeHeader(bytes: Buffer, at: number): number {
    let header = bytes
    let start = at
    let end = at + FRAME_HEADER_BYTES
    if (this.#carry.length > 0 || end > bytes.length) {
      const missing = FRAME_HEADER_BYTES - this.#carry.length
      this.#carry = Buffer.concat([this.#carry, bytes.subarray(at, at + missing)])
      end = Math.min(bytes.length, at + missing)
      if (this.#carry.length < FRAME_HEADER_BYTES) return end
      header = this.#carry
      start = 0
      this.#carry = Buffer.alloc(0)
    }
    this.#bytesLeft = header.readUIntBE(start, 3)
    this.#type = header[start + 3]!
    this.#flags = header[start + 4]!
    this.#streamId = header.readUInt32BE(start + 5) & 0x7fff_ffff
    this.#isInFrame = true
    const bytesMax = this.#type === FrameType.data ? this.#dataBytesMax : this.#otherBytesMax
    if (this.#bytesLeft > bytesMax) throw new H2Error(H2Code.frameSizeError, `a frame of ${this.#bytesLeft} bytes`)
    if (this.#type === FrameType.data) this.#startData()
    return end
  }

  /** Padding is legal and useless: a frame that has any is collected like the small ones. */
  #startData(): void {
    if (this.#streamId === 0) throw new H2Error(H2Code.protocolError, 'DATA without a stream')
    if (this.#flags & Flag.padded) this.#type = PADDED_DATA
  }

  #takeData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#bytesLeft)
    this.#bytesLeft -= end - at
    const isLast = this.#bytesLeft === 0
    if (isLast) this.#isInFrame = false
    const endsStream = isLast && (this.#flags & Flag.endStream) !== 0
    this.#handler.onData({ streamId: this.#streamId, bytes: bytes.subarray(at, end), paddingBytes: 0, endsStream })
    return end
  }

  #takeOther(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#bytesLeft)
    this.#bytesLeft -= end - at
    const piece = bytes.subarray(at, end)
    if (this.#bytesLeft > 0) {
      this.#carry = Buffer.concat([this.#carry, piece])
      return end
    }
    const payload = this.#carry.length > 0 ? Buffer.concat([this.#carry, piece]) : piece
    this.#carry = Buffer.alloc(0)
    this.#isInFrame = false
    if (this.#type === PADDED_DATA) this.#deliverPadded(payload)
    else this.#handler.onFrame({ type: this.#type, flags: this.#flags, streamId: this.#streamId, payload })
    return end
  }

  #deliverPadded(payload: Buffer): void {
    const bytes = withoutPadding(payload)
    const endsStream = (this.#flags & Flag.endStream) !== 0
    const paddingBytes = payload.length - bytes.length
    this.#handler.onData({ streamId: this.#streamId, bytes, paddingBytes, endsStream })
  }
}

/** Stands in for DATA in `#type`; no frame has such a type. */
const PADDED_DATA = 0x100

/** RFC 9113, section 6.1: a byte that counts the padding, the payload, the padding. */
export function withoutPadding(payload: Buffer): Buffer {
  const padding = payload[0]
  if (padding === undefined || padding >= payload.length)
    throw new H2Error(H2Code.protocolError, 'more padding than frame')
  return payload.subarray(1, payload.length - padding)
}
