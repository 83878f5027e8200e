import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { Random } from '../base/clock.ts'
import { assert } from '../base/faults.ts'

/** Bytes of the key that seals secrets. */
export const SEALING_KEY_BYTES = 32
const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Sealer {
  /** A format byte, a nonce, the ciphertext and its tag (AES-256-GCM, NIST SP 800-38D). */
  seal(secret: string, accessKeyId: string): Buffer
  /** Throws when it was sealed under another key, or for another access key. */
  open(sealed: Buffer, accessKeyId: string): string
}

/** Seals secrets for the database, bound to the access key that they belong to: a row copied onto another is refused. */
export function makeSealer(key: Buffer, random: Random): Sealer {
  assert(key.length === SEALING_KEY_BYTES, `the sealing key has ${SEALING_KEY_BYTES} bytes`)
  return {
    seal(secret, accessKeyId) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(accessKeyId))
      const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.getAuthTag()])
    },
    open(sealed, accessKeyId) {
      try {
        assert(sealed[0] === FORMAT && sealed.length > NONCE_BYTES + TAG_BYTES, 'a sealed secret of a known format')
        const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(accessKeyId)).setAuthTag(sealed.subarray(-TAG_BYTES))
        const body = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new Error(`the secret of access key ${accessKeyId} was sealed under another sealing key`, { cause })
      }
    },
  }
}
