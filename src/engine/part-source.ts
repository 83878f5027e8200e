import type { PartId } from '../base/ids.ts'
import type { Compression } from './compression/compression.ts'
import { asItComes, packBody } from './compression/pack-body.ts'
import type { EngineDeps } from './deps.ts'
import { type RunningDigests, startDigests } from './digests.ts'
import type { ContentKey } from './encryption/data-keys.ts'
import { encryptBody } from './encryption/encrypt-body.ts'
import type { BodyClaims, ByteStream } from './engine.ts'

/** What of a body is cut into stripes. Disposed when nothing more is taken of it. */
export interface PartSource extends AsyncDisposable {
  body: ByteStream
  /** Of that. */
  claims: BodyClaims
  /** Of what the client sent; absent: that is what is cut into stripes, and they are digested. */
  digests: RunningDigests | undefined
  /** At the end of the body: the bytes that the client sent, if they were compressed. */
  plainBytes(): number | undefined
}

export interface SourceOrder {
  partId: PartId
  /** Of what the client sends. */
  claims: BodyClaims
  compression: Compression | undefined
  content: ContentKey | undefined
}

/** Compresses and encrypts, where either is wanted; in this order, for what is encrypted does not shrink. */
export async function openPartSource(
  { random }: Pick<EngineDeps, 'random'>,
  { partId, claims, compression, content }: SourceOrder,
  body: ByteStream,
  signal: AbortSignal,
): Promise<PartSource> {
  const etag = content && opaqueETag(random, content)
  const packed = compression ? await packBody(compression, { claims, etag }, body, signal) : asItComes(body, claims)
  const { packing } = packed
  const digests = packing?.digests ?? (content && startDigests(claims, etag))
  const digested = packing || !digests ? packed.body : digestBody(digests, packed.body)
  return {
    body: content ? encryptBody(content, partId, digested) : digested,
    claims: packed.claims,
    digests,
    plainBytes: () => packing?.plainBytes,
    [Symbol.asyncDispose]: () => packed[Symbol.asyncDispose](),
  }
}

/** Only under the store's own key is the ETag the MD5, as in S3; else it tells nothing of the bytes. */
function opaqueETag(random: EngineDeps['random'], { encryption }: ContentKey): string | undefined {
  return encryption.kind === 'AES256' ? undefined : random.bytes(16).toString('hex')
}

async function* digestBody(digests: RunningDigests, body: ByteStream): ByteStream {
  for await (const bytes of body) {
    digests.update(bytes)
    yield bytes
  }
}
