import { StoreFault } from '../../base/faults.ts'
import type { SigningKey } from './signing-key.ts'

/** How the body is proven and coded: what x-amz-content-sha256 says. */
export type PayloadMode =
  /** The SHA-256 of the body: 64 lower-case hex digits. */
  | { kind: 'signed'; sha256: string }
  | { kind: 'unsigned' }
  /** aws-chunked. `signed` undefined: frames carry no signatures. */
  | { kind: 'streaming'; signed: ChunkSigning | undefined; hasTrailer: boolean }

/** What the frames' signatures are chained from; trusted, for the request's own signature was verified. */
export interface ChunkSigning {
  accessKeyId: string
  /** The request's own signature, 64 lower-case hex digits: «previous signature» of the first frame. */
  seedSignature: string
  signingKey: SigningKey
  /** As signed: `20130524T000000Z`. */
  timestamp: string
  /** `20130524/us-east-1/s3/aws4_request`. */
  scope: string
}

/**
 * `signing` is undefined where nobody signed by SigV4. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 * Faults: InvalidArgument (no known form), NotImplemented (SigV4A), InvalidRequest (signed frames without a signer).
 */
export function parsePayloadMode(contentSha256: string | undefined, signing: ChunkSigning | undefined): PayloadMode {
  switch (contentSha256) {
    case undefined:
    case 'UNSIGNED-PAYLOAD':
      return { kind: 'unsigned' }
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'streaming', signed: undefined, hasTrailer: true }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'streaming', signed: needSigner(contentSha256, signing), hasTrailer: false }
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'streaming', signed: needSigner(contentSha256, signing), hasTrailer: true }
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER':
      throw new StoreFault('NotImplemented', { feature: contentSha256 })
  }
  if (!/^[0-9a-f]{64}$/i.test(contentSha256)) {
    throw new StoreFault('InvalidArgument', {
      name: 'x-amz-content-sha256',
      value: contentSha256.slice(0, 128),
      reason:
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value.',
    })
  }
  return { kind: 'signed', sha256: contentSha256.toLowerCase() }
}

function needSigner(mode: string, signing: ChunkSigning | undefined): ChunkSigning {
  if (signing !== undefined) return signing
  throw new StoreFault('InvalidRequest', {
    reason: `Only a request signed by Signature Version 4 can use the x-amz-content-sha256 value ${mode}`,
  })
}
