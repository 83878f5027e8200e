import { StoreFault } from '../../base/faults.ts'
import type { ObjectKey } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'

/**
 * A key from text that was percent-decoded: 1 to 1,024 bytes of UTF-8, without NUL (PostgreSQL keeps none). Nothing in
 * it is special: `..`, `//`, a leading or trailing `/` stay as they are.
 * Faults: KeyTooLongError, InvalidArgument (empty, NUL, half a surrogate pair).
 */
export function parseObjectKey(text: string): ObjectKey {
  if (text.length === 0) throw badKey('An object key cannot be empty')
  if (text.includes('\0')) throw badKey('An object key cannot contain a NUL character')
  if (!text.isWellFormed()) throw badKey('An object key must be valid UTF-8')
  // 1 to 3 bytes a UTF-16 unit: most keys need no counting.
  if (text.length * 3 > limits.keyBytesMax) {
    const sizeBytes = Buffer.byteLength(text)
    if (sizeBytes > limits.keyBytesMax) {
      throw new StoreFault('KeyTooLongError', { sizeBytes, sizeBytesMax: limits.keyBytesMax })
    }
  }
  return text as ObjectKey
}

function badKey(reason: string): StoreFault {
  return new StoreFault('InvalidArgument', { name: 'key', reason })
}
