import { createCipheriv, createHash, type Hash } from 'node:crypto'

/** Bytes that look random and are the same for the same seed, so that a failure can be repeated. */
export function bytes(size: number, seed = 'sextant'): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
}

export const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
export const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('hex')
export const md5Base64 = (data: Uint8Array): string => createHash('md5').update(data).digest('base64')

/** S3's ETag of a multipart object: MD5 of the parts' MD5s, a dash, and their count. */
export function multipartEtag(parts: readonly Uint8Array[]): string {
  const whole: Hash = createHash('md5')
  for (const part of parts) whole.update(createHash('md5').update(part).digest())
  return `"${whole.digest('hex')}-${parts.length}"`
}

/** A small seeded generator (mulberry32), for tests that choose: 0 ≤ n < 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
