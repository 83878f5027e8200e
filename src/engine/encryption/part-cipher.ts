import { type Cipheriv, createCipheriv, hkdfSync } from 'node:crypto'
import { type PartId, partIdBytes } from '../../base/ids.ts'
import { KEY_BYTES } from '../../base/seal.ts'

const BLOCK_BYTES = 16
/** What goes through the cipher at once: its output is new memory each time, and a small one stays in the processor's cache. */
const SLICE_BYTES = 64 * 1024

/**
 * AES-256 in counter mode over the bytes of one part, under a key of that part's own (HKDF, RFC 5869): no two parts ever
 * share a key, so every counter begins at 0. Ciphertext is as long as what it stands for, and any offset can be begun at.
 */
export class PartCipher {
  readonly #cipher: Cipheriv

  /** `offset`: of the part's first byte that will be asked for. */
  constructor(dataKey: Buffer, partId: PartId, offset: number) {
    const key = Buffer.from(hkdfSync('sha256', dataKey, partIdBytes(partId), 'sextant part', KEY_BYTES))
    const counter = Buffer.alloc(BLOCK_BYTES)
    counter.writeBigUInt64BE(BigInt(Math.floor(offset / BLOCK_BYTES)), BLOCK_BYTES / 2)
    this.#cipher = createCipheriv('aes-256-ctr', key, counter)
    this.#cipher.update(Buffer.alloc(offset % BLOCK_BYTES))
  }

  /** The next bytes, in memory of their own; to and fro is the same. */
  *apply(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      yield this.#cipher.update(bytes.subarray(at, at + SLICE_BYTES))
    }
  }

  /** The same where the bytes lie. */
  applyInPlace(bytes: Buffer): Buffer {
    let at = 0
    for (const slice of this.apply(bytes)) {
      bytes.set(slice, at)
      at += slice.length
    }
    return bytes
  }
}
