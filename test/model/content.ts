import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What an object or a part holds: pieces that are not copied, for many share the few large ones. */
export type Content = readonly Buffer[]

/** S3's least size of a part that is not the last one, in bytes. */
export const PART_BYTES_MIN = 5 * 1024 * 1024
export const LARGE_PART = '5 MiB'
const SHOWN_BYTES_MAX = 1_024
let large: Buffer | undefined
const md5s = new WeakMap<Buffer, Buffer>()

/** What a step's words stand for: themselves, or a part of the least size, which all share. */
export function bytesOf(words: string): Buffer {
  if (words !== LARGE_PART) return Buffer.from(words)
  large ??= Buffer.alloc(PART_BYTES_MIN, LARGE_PART)
  return large
}

export function sizeOf(content: Content): number {
  return content.reduce((sum, piece) => sum + piece.length, 0)
}

/** Bytes `first` to `last`, both within. */
export function cut(content: Content, first: number, last: number): Content {
  let at = 0
  return content.flatMap((piece) => {
    const [from, to] = [Math.max(first - at, 0), Math.min(last + 1 - at, piece.length)]
    at += piece.length
    return from >= to ? [] : [to - from === piece.length ? piece : piece.subarray(from, to)]
  })
}

/** In words: the text itself, or how long it is and its checksum. */
export function inWords(content: Content): string {
  const size = sizeOf(content)
  if (size <= SHOWN_BYTES_MAX) return Buffer.concat(content).toString('latin1')
  return `${size} bytes with CRC-32 ${content.reduce((sum, piece) => crc32(piece, sum), 0).toString(16)}`
}

/** What x-amz-checksum-crc32 says of a body, be it right or not. */
export function checksumOf(body: string, is: 'right' | 'wrong' | undefined): string | undefined {
  return is && crc32Base64(is === 'right' ? bytesOf(body) : Buffer.from(`not ${body}`))
}

function crc32Base64(bytes: Buffer): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

/** Of an object that was put, or of a part. */
export function etagOf(content: Content): string {
  return `"${md5Of(content).toString('hex')}"`
}

/** Of an object made of parts: the MD5 of their MD5s, and how many they are. */
export function etagOfParts(parts: readonly { content: Content }[]): string {
  const all = createHash('md5')
  for (const { content } of parts) all.update(md5Of(content))
  return `"${all.digest('hex')}-${parts.length}"`
}

function md5Of(content: Content): Buffer {
  const [only] = content
  if (content.length !== 1 || !only) return createHash('md5').update(Buffer.concat(content)).digest()
  const md5 = md5s.get(only) ?? createHash('md5').update(only).digest()
  md5s.set(only, md5)
  return md5
}
