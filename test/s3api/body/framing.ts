import { createHash, createHmac } from 'node:crypto'
import type { PayloadMode } from '../../../src/s3api/auth/payload-mode.ts'
import { signingKeyOf } from '../../../src/s3api/auth/signing-key.ts'
import { type HeaderLookup, type OpenedBody, openBody } from '../../../src/s3api/body/open-body.ts'
import { key } from '../auth/fixtures.ts'

/** AWS's own example: 2013-05-24, us-east-1, `seed` the request's signature. */
export const SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
export const TRAILER_SEED = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
const TIMESTAMP = '20130524T000000Z'
const SCOPE = '20130524/us-east-1/s3/aws4_request'
const EMPTY = createHash('sha256').digest('hex')
const signingKey = ['us-east-1', 's3', 'aws4_request'].reduce(
  (secret, text) => createHmac('sha256', secret).update(text).digest(),
  createHmac('sha256', `AWS4${key.secretAccessKey}`).update('20130524').digest(),
)

export type Mode = 'signed' | 'signed-trailer' | 'unsigned-trailer'

export function payloadOf(mode: Mode, seed: string = SEED): PayloadMode {
  const signed = {
    accessKeyId: key.accessKeyId,
    seedSignature: seed,
    signingKey: signingKeyOf(signingKey),
    timestamp: TIMESTAMP,
    scope: SCOPE,
  }
  return {
    kind: 'streaming',
    signed: mode === 'unsigned-trailer' ? undefined : signed,
    hasTrailer: mode !== 'signed',
  }
}

/** Signs frames and trailers as the documentation says; shares nothing with src. */
class Chain {
  #previous: string
  constructor(seed: string) {
    this.#previous = seed
  }
  frame(bytes: Uint8Array): string {
    const digest = createHash('sha256').update(bytes).digest('hex')
    return this.#next(`AWS4-HMAC-SHA256-PAYLOAD\n${TIMESTAMP}\n${SCOPE}\n${this.#previous}\n${EMPTY}\n${digest}`)
  }
  trailer(lines: string): string {
    const digest = createHash('sha256').update(lines).digest('hex')
    return this.#next(`AWS4-HMAC-SHA256-TRAILER\n${TIMESTAMP}\n${SCOPE}\n${this.#previous}\n${digest}`)
  }
  #next(text: string): string {
    this.#previous = createHmac('sha256', signingKey).update(text).digest('hex')
    return this.#previous
  }
}

/** aws-chunked coding of the frames; the empty one at the end is added. */
export function frame(
  mode: Mode,
  frames: readonly Uint8Array[],
  trailers: Record<string, string> = {},
  seed = SEED,
): Buffer {
  const chain = new Chain(seed)
  const out: Uint8Array[] = []
  for (const bytes of [...frames, Buffer.alloc(0)]) {
    const extension = mode === 'unsigned-trailer' ? '' : `;chunk-signature=${chain.frame(bytes)}`
    out.push(Buffer.from(`${bytes.length.toString(16)}${extension}\r\n`), bytes)
    if (bytes.length > 0) out.push(Buffer.from('\r\n'))
  }
  const entries = Object.entries(trailers).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, value] of entries) out.push(Buffer.from(`${name}:${value}\r\n`))
  if (mode === 'signed-trailer') {
    const signature = chain.trailer(entries.map(([name, value]) => `${name}:${value}\n`).join(''))
    out.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`))
  }
  out.push(Buffer.from('\r\n'))
  return Buffer.concat(out)
}

/** Cuts at the given places (modulo length), in copies of their own. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  const pieces: Uint8Array[] = []
  let start = 0
  for (const end of [...ends, bytes.length]) {
    pieces.push(Uint8Array.prototype.slice.call(bytes, start, end))
    start = end
  }
  return pieces
}

export function headersFor(decodedBytes: number, trailers: readonly string[] = []): Record<string, string> {
  return {
    'x-amz-decoded-content-length': String(decodedBytes),
    ...(trailers.length > 0 ? { 'x-amz-trailer': trailers.join(',') } : {}),
  }
}

export async function read(body: OpenedBody): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of body.stream) pieces.push(Uint8Array.prototype.slice.call(piece))
  return Buffer.concat(pieces)
}

/** Opens and reads it all; rejects with whatever comes first. */
export async function open(
  pieces: Iterable<Uint8Array>,
  headers: HeaderLookup,
  payload: PayloadMode,
): Promise<{ bytes: Buffer; trailers: Readonly<Record<string, string>>; sizeBytes: number | undefined }> {
  const body = openBody(sourceOf(pieces), { headers }, payload)
  const bytes = await read(body)
  return { bytes, trailers: body.trailers(), sizeBytes: body.sizeBytes }
}

export async function* sourceOf(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces
}
