import type { Random } from '../base/clock.ts'
import { assert } from '../base/faults.ts'
import { KEY_BYTES, seal, unseal } from '../base/seal.ts'

export interface Sealer {
  seal(secret: string, accessKeyId: string): Buffer
  /** Throws when it was sealed under another key, or for another access key. */
  open(sealed: Buffer, accessKeyId: string): string
}

/** Seals secrets for the database, bound to the access key that they belong to: a row copied onto another is refused. */
export function makeSealer(key: Buffer, random: Random): Sealer {
  assert(key.length === KEY_BYTES, `the sealing key has ${KEY_BYTES} bytes`)
  return {
    seal: (secret, accessKeyId) => seal(key, Buffer.from(secret), accessKeyId, random),
    open(sealed, accessKeyId) {
      try {
        return unseal(key, sealed, accessKeyId).toString('utf8')
      } catch (cause) {
        throw new Error(`the secret of access key ${accessKeyId} was sealed under another sealing key`, { cause })
      }
    },
  }
}
