import { createHash, type Hash, hash } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import type { ChunkSigning } from '../auth/payload-mode.ts'
import { isSignatureOf } from '../auth/signing-key.ts'

/**
 * The chain of signatures over the frames of an aws-chunked body, each over the one before it: no frame can be changed,
 * dropped, repeated or moved. Hashes as bytes come, so a frame may be of any size.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export class FrameVerifier {
  readonly #signing: ChunkSigning
  #previous: string
  #hash: Hash | undefined
  /** Of a frame that came in one piece: hashed in one call, half the price. */
  #digest: string | undefined

  constructor(signing: ChunkSigning) {
    this.#signing = signing
    this.#previous = signing.seedSignature
  }

  /** `isLast`: these bytes end the frame. */
  update(bytes: Uint8Array, isLast: boolean): void {
    if (isLast && this.#hash === undefined) this.#digest = hash('sha256', bytes, 'hex')
    else {
      this.#hash ??= createHash('sha256')
      this.#hash.update(bytes)
    }
  }

  /** Fault: SignatureDoesNotMatch. */
  endFrame(signature: string): void {
    const digest = this.#digest ?? this.#hash?.digest('hex') ?? EMPTY_SHA256
    this.#digest = undefined
    this.#hash = undefined
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256}\n${digest}`, signature)
  }

  /**
   * `canonical`: a line `name:value` for each trailer, in name order.
   * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
   * Fault: SignatureDoesNotMatch.
   */
  endTrailer(canonical: string, signature: string): void {
    this.#check('AWS4-HMAC-SHA256-TRAILER', hash('sha256', Buffer.from(canonical, 'latin1'), 'hex'), signature)
  }

  #check(algorithm: string, digests: string, signature: string): void {
    const { timestamp, scope, signingKey, accessKeyId } = this.#signing
    const stringToSign = `${algorithm}\n${timestamp}\n${scope}\n${this.#previous}\n${digests}`
    if (!isSignatureOf(signingKey, stringToSign, signature)) {
      throw new StoreFault('SignatureDoesNotMatch', { accessKeyId, stringToSign, signature })
    }
    this.#previous = signature
  }
}

const EMPTY_SHA256 = hash('sha256', '', 'hex')
