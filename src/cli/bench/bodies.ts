import { type Cipheriv, createCipheriv, createHash } from 'node:crypto'
import { wrongBytes } from '../s3-client/s3-failure.ts'
import type { BodyReader } from '../s3-client/streams.ts'

/** What is made, and compared, at once. */
export const PIECE_BYTES = 128 * 1024
const ZEROS = Buffer.alloc(PIECE_BYTES)

/**
 * Bodies that nothing compresses, and that differ from key to key. They are not kept: AES in counter mode makes the same bytes
 * of a seed and a key again, at some GiB/s.
 */
export class Bodies {
  readonly #seed: Buffer

  /** `seed`: 16 bytes. */
  constructor(seed: Buffer) {
    this.#seed = seed
  }

  *pieces(key: string, sizeBytes: number): Generator<Buffer> {
    const stream = this.#streamOf(key)
    for (let left = sizeBytes; left > 0; left -= PIECE_BYTES)
      yield stream.update(ZEROS.subarray(0, Math.min(left, PIECE_BYTES)))
  }

  /** Reads all that comes for a key. S3Failure `WrongBytes`: it is not what was put. */
  async check(reader: BodyReader, key: string, sizeBytes: number): Promise<void> {
    const stream = this.#streamOf(key)
    let at = 0
    // One more than there should be, to see that there is none.
    for await (const piece of reader.take(sizeBytes + 1)) {
      for (let from = 0; from < piece.length; from += PIECE_BYTES) {
        const got = piece.subarray(from, from + PIECE_BYTES)
        const wanted = stream.update(ZEROS.subarray(0, got.length))
        if (!got.equals(wanted)) throw wrongBytes(`${key}: wrong from byte ${at + from + firstWrong(got, wanted)} on`)
      }
      at += piece.length
    }
    if (at < sizeBytes) throw wrongBytes(`${key}: ${at} bytes of ${sizeBytes}`)
    if (at > sizeBytes) throw wrongBytes(`${key}: more than its ${sizeBytes} bytes`)
  }

  /** The counter's upper half is the key's; the lower half counts blocks of 16 bytes. */
  #streamOf(key: string): Cipheriv {
    const start = Buffer.alloc(16)
    createHash('sha256').update(key).digest().copy(start, 0, 0, 8)
    return createCipheriv('aes-128-ctr', this.#seed, start)
  }
}

function firstWrong(got: Buffer, wanted: Buffer): number {
  return got.findIndex((byte, n) => byte !== wanted[n])
}
