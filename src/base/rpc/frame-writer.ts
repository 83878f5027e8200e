import { DEFAULT_FRAME_BYTES_MAX, Flag, FRAME_HEADER_BYTES, FrameType, Setting } from './h2-codes.ts'

/** Writes a frame's header at `at`; answers where the payload goes. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  frame: { length: number; type: number; flags: number; streamId: number },
): number {
  target.writeUIntBE(frame.length, at, 3)
  target[at + 3] = frame.type
  target[at + 4] = frame.flags
  target.writeUInt32BE(frame.streamId, at + 5)
  return at + FRAME_HEADER_BYTES
}

function frameOf(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  frame.set(payload, writeFrameHeader(frame, 0, { length: payload.length, type, flags, streamId }))
  return frame
}

/** What a side tells the other of itself. Sizes in bytes. */
export interface LocalSettings {
  streamsMax: number
  streamWindowBytes: number
  frameBytesMax: number
  headerListBytesMax: number
}

/** No dynamic table and no push: neither is of use here. */
export function settingsFrame(settings: LocalSettings): Buffer {
  const entries = [
    [Setting.headerTableSize, 0],
    [Setting.enablePush, 0],
    [Setting.maxConcurrentStreams, settings.streamsMax],
    [Setting.initialWindowSize, settings.streamWindowBytes],
    [Setting.maxFrameSize, settings.frameBytesMax],
    [Setting.maxHeaderListSize, settings.headerListBytesMax],
  ] as const
  const payload = Buffer.allocUnsafe(6 * entries.length)
  for (const [i, [id, value]] of entries.entries()) payload.writeUInt32BE(value, payload.writeUInt16BE(id, 6 * i))
  return frameOf(FrameType.settings, 0, 0, payload)
}

export function settingsAckFrame(): Buffer {
  return frameOf(FrameType.settings, Flag.ack, 0, Buffer.alloc(0))
}

export function windowUpdateFrame(streamId: number, bytes: number): Buffer {
  return frameOf(FrameType.windowUpdate, 0, streamId, uint32(bytes))
}

export function rstStreamFrame(streamId: number, code: number): Buffer {
  return frameOf(FrameType.rstStream, 0, streamId, uint32(code))
}

export function pingFrame(opaque: Uint8Array, isAck: boolean): Buffer {
  return frameOf(FrameType.ping, isAck ? Flag.ack : 0, 0, opaque)
}

export function goAwayFrame(lastStreamId: number, code: number): Buffer {
  return frameOf(FrameType.goAway, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(code)]))
}

/** HEADERS, and CONTINUATIONs where the block is longer than any peer must take in one frame. */
export function headersFrames(streamId: number, block: Uint8Array, endsStream: boolean): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at === 0 || at < block.length; at += DEFAULT_FRAME_BYTES_MAX) {
    const piece = block.subarray(at, at + DEFAULT_FRAME_BYTES_MAX)
    const isLast = at + piece.length >= block.length
    const flags = (isLast ? Flag.endHeaders : 0) | (at === 0 && endsStream ? Flag.endStream : 0)
    frames.push(frameOf(at === 0 ? FrameType.headers : FrameType.continuation, flags, streamId, piece))
  }
  return frames
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}
