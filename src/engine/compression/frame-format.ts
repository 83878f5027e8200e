/**
 * How a part that was compressed is stored: its bytes in frames of FRAME_BYTES, each compressed by itself, or as it is; in
 * front of each a head that says which, and how long it is; behind the last the table: where each frame but the first
 * begins. All of it are the part's bytes to whoever stores, repairs or moves them. docs/adr/0075.
 */

/** Of the plain bytes, in every frame but the last. A range costs as much more than it is long, at most twice. */
export const FRAME_BYTES = 128 * 1024
/** 4 bytes, little endian: the length of what follows, and in the highest bit whether it is as it is. */
export const HEAD_BYTES = 4
/** 8 bytes, little endian: an offset within what is stored. */
export const ENTRY_BYTES = 8
const AS_IT_IS = 0x8000_0000

export interface FrameHead {
  isCompressed: boolean
  /** Of what follows. */
  lengthBytes: number
}

export function frameCount(plainBytes: number): number {
  return Math.ceil(plainBytes / FRAME_BYTES)
}

/** Of frame `n`, counted from 0. */
export function plainFrameBytes(plainBytes: number, n: number): number {
  return Math.min(FRAME_BYTES, plainBytes - n * FRAME_BYTES)
}

export function tableBytes(plainBytes: number): number {
  return Math.max(0, frameCount(plainBytes) - 1) * ENTRY_BYTES
}

/** What is stored of so many bytes if none of their frames shrinks. */
export function storedBytesMax(plainBytes: number): number {
  return plainBytes + frameCount(plainBytes) * HEAD_BYTES + tableBytes(plainBytes)
}

export function encodeHead({ isCompressed, lengthBytes }: FrameHead): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32LE(isCompressed ? lengthBytes : AS_IT_IS + lengthBytes)
  return head
}

/** undefined: no such frame was ever written of so many plain bytes. */
export function decodeHead(bytes: Buffer, plainBytes: number): FrameHead | undefined {
  const word = bytes.readUInt32LE()
  const isCompressed = word < AS_IT_IS
  const lengthBytes = isCompressed ? word : word - AS_IT_IS
  const isPossible = isCompressed ? lengthBytes > 0 && lengthBytes < plainBytes : lengthBytes === plainBytes
  return isPossible ? { isCompressed, lengthBytes } : undefined
}

export function encodeEntry(offset: number): Buffer {
  const entry = Buffer.allocUnsafe(ENTRY_BYTES)
  entry.writeBigUInt64LE(BigInt(offset))
  return entry
}

export function decodeEntry(bytes: Buffer): number {
  return Number(bytes.readBigUInt64LE())
}
