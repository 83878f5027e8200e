/**
 * The few pieces of protobuf that bulk messages need (https://protobuf.dev/programming-guides/encoding/), written so that
 * payload is copied once when sending and not at all when receiving. Field numbers are below 16: a tag is one byte.
 */

/** Bytes that are no well-formed message. */
export class WireError extends Error {
  constructor(reason: string) {
    super(`malformed message: ${reason}`)
    this.name = 'WireError'
  }
}

export const WIRE_VARINT = 0
export const WIRE_BYTES = 2
const WIRE_FIXED64 = 1
const WIRE_FIXED32 = 5

export function varintBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  let bytes = 3
  for (let rest = Math.floor(value / 0x20_0000); rest > 0; rest = Math.floor(rest / 0x80)) bytes += 1
  return bytes
}

/** Writes an integer from 0 to 2^53 - 1; answers where the next byte goes, as all writers here do. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest >= 0x80) {
    target[end] = (rest % 0x80) + 0x80
    end += 1
    rest = Math.floor(rest / 0x80)
  }
  target[end] = rest
  return end + 1
}

/** Bytes of an integer field, which proto3 leaves out when it is 0. */
export function uintFieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value)
}

export function writeUintField(target: Uint8Array, at: number, field: number, value: number): number {
  if (value === 0) return at
  target[at] = (field << 3) | WIRE_VARINT
  return writeVarint(target, at + 1, value)
}

/** Bytes of a length-delimited field that is present whatever its length: a message, or a member of a oneof. */
export function presentFieldBytes(length: number): number {
  return 1 + varintBytes(length) + length
}

export function writeLength(target: Uint8Array, at: number, field: number, length: number): number {
  target[at] = (field << 3) | WIRE_BYTES
  return writeVarint(target, at + 1, length)
}

/** Bytes of a `bytes` or `string` field, which proto3 leaves out when it is empty. */
export function bytesFieldBytes(length: number): number {
  return length === 0 ? 0 : presentFieldBytes(length)
}

export function writeBytesField(target: Uint8Array, at: number, field: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return at
  const start = writeLength(target, at, field, bytes.length)
  target.set(bytes, start)
  return start + bytes.length
}

/** Reads one message; what it hands out are views of `bytes`, not copies. Throws WireError. */
export class WireReader {
  #bytes: Buffer
  #at: number
  #end: number
  /** Of the field that `next` found. */
  wire = 0

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at
  }

  /** The next field's number, or 0 at the end. */
  next(): number {
    if (this.#at >= this.#end) return 0
    const tag = this.uint()
    this.wire = tag & 7
    const field = Math.floor(tag / 8)
    if (field === 0 || field > 0x1fff_ffff) throw new WireError('field number out of range')
    return field
  }

  /** A varint; beyond 2^53 - 1 it is refused. */
  uint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      if (this.#at >= this.#end) throw new WireError('cut short')
      const byte = this.#bytes[this.#at]!
      this.#at += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new WireError('integer out of range')
        return value
      }
      scale *= 0x80
    }
    throw new WireError('varint too long')
  }

  uint32(): number {
    return this.uint() >>> 0
  }

  bytes(): Buffer {
    const start = this.#take()
    return this.#bytes.subarray(start, this.#at)
  }

  string(): string {
    const start = this.#take()
    return this.#bytes.toString('utf8', start, this.#at)
  }

  message(): WireReader {
    const start = this.#take()
    return new WireReader(this.#bytes, start, this.#at)
  }

  /** Passes over a field that is not known. */
  skip(): void {
    if (this.wire === WIRE_VARINT) this.#skipVarint()
    else if (this.wire === WIRE_BYTES) this.#take()
    else if (this.wire === WIRE_FIXED64) this.#advance(8)
    else if (this.wire === WIRE_FIXED32) this.#advance(4)
    else throw new WireError('unknown wire type')
  }

  #take(): number {
    const length = this.uint()
    const start = this.#at
    this.#advance(length)
    return start
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new WireError('cut short')
    this.#at += length
  }

  /** Of a field that nobody reads, 64 bits are as good as 53. */
  #skipVarint(): void {
    for (let count = 0; count < 10; count++) {
      this.#advance(1)
      if (this.#bytes[this.#at - 1]! < 0x80) return
    }
    throw new WireError('varint too long')
  }
}
