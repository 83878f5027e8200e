/** Bytes that come in pieces of any size, taken in pieces of one's own choosing. */
export interface ReadBuffer {
  /** Exactly `length` bytes; undefined where fewer are left. */
  take(length: number): Promise<Buffer | undefined>
  /** As many as are at hand, at most `max`, at least one; undefined at the end. */
  some(max: number): Promise<Buffer | undefined>
}

export function createReadBuffer(bytes: AsyncIterable<Buffer>): ReadBuffer {
  const pieces = bytes[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const some = async (max: number) => {
    while (held.length === 0) {
      const { done, value } = await pieces.next()
      if (done) return undefined
      held = value
    }
    const piece = held.subarray(0, max)
    held = held.subarray(piece.length)
    return piece
  }
  const take = async (length: number) => {
    const parts: Buffer[] = []
    for (let left = length; left > 0; ) {
      const part = await some(left)
      if (!part) return undefined
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }
  return { some, take }
}
