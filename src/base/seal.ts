import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from './clock.ts'
import { assert } from './faults.ts'

/** Bytes of every key that seals, and of every key that is sealed. */
export const KEY_BYTES = 32
const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * A format byte, a nonce, the ciphertext and its tag (AES-256-GCM, NIST SP 800-38D). It opens for the same `purpose` only.
 * Nonces are random, which bounds one key to 2^32 seals.
 */
export function seal(key: Buffer, secret: Buffer, purpose: string, random: Random): Buffer {
  assert(key.length === KEY_BYTES, `a key that seals has ${KEY_BYTES} bytes`)
  const nonce = random.bytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose))
  const body = Buffer.concat([cipher.update(secret), cipher.final()])
  return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.getAuthTag()])
}

/** Throws when it was sealed under another key, for another purpose, or is not whole. */
export function unseal(key: Buffer, sealed: Buffer, purpose: string): Buffer {
  assert(sealed[0] === FORMAT && sealed.length > NONCE_BYTES + TAG_BYTES, 'sealed in a known format')
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}
