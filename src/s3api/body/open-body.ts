import { createHash } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import type { ByteStream } from '../../engine/engine.ts'
import type { PayloadMode } from '../auth/payload-mode.ts'
import { AwsChunkedDecoder } from './aws-chunked.ts'
import { parseAnnouncedTrailers } from './trailers.ts'

/** Headers by lower-case name; Node's IncomingHttpHeaders is one. */
export type HeaderLookup = Readonly<Record<string, string | string[] | undefined>>

export interface OpenedBody {
  /** To be read once. Its bytes count only when it has ended: what is wrong may show at the very end, as a throw. */
  stream: ByteStream
  /** Of the decoded body; undefined when nothing said it. */
  sizeBytes: number | undefined
  /** By lower-case name; empty until the stream has ended. */
  trailers(): Readonly<Record<string, string>>
}

/**
 * The body as the client meant it: aws-chunked coding taken off, and everything that the request's signature covers
 * verified. Leaving the stream early returns `source`; for a Node request, pass `iterator({ destroyOnReturn: false })`, or
 * the connection is gone before it was answered.
 *
 * Faults at once: MissingContentLength (aws-chunked without x-amz-decoded-content-length), InvalidArgument (no number),
 * InvalidRequest (both Content-Length and Transfer-Encoding; trailers that cannot come).
 * Faults of the stream: IncompleteBody, XAmzContentSHA256Mismatch, SignatureDoesNotMatch, MalformedTrailerError.
 */
export function openBody(
  source: AsyncIterable<Uint8Array>,
  head: { headers: HeaderLookup },
  payload: PayloadMode,
): OpenedBody {
  const contentLength = readLength(head.headers, 'content-length')
  if (contentLength !== undefined && head.headers['transfer-encoding'] !== undefined) {
    throw new StoreFault('InvalidRequest', { reason: 'Content-Length and Transfer-Encoding exclude each other' })
  }
  const announcedTrailers = parseAnnouncedTrailers(readHeader(head.headers, 'x-amz-trailer'))
  if (announcedTrailers.length > 0 && !(payload.kind === 'streaming' && payload.hasTrailer)) {
    throw new StoreFault('InvalidRequest', {
      reason: 'x-amz-trailer needs an x-amz-content-sha256 value that ends in -TRAILER',
    })
  }
  const counted = countBytes(source, contentLength)
  if (payload.kind !== 'streaming') {
    const stream = payload.kind === 'signed' ? verifyHash(counted, payload.sha256) : counted
    return { stream, sizeBytes: contentLength, trailers: () => NO_TRAILERS }
  }
  const decodedBytes = readLength(head.headers, 'x-amz-decoded-content-length')
  if (decodedBytes === undefined) throw new StoreFault('MissingContentLength', {})
  const { signed, hasTrailer } = payload
  const decoder = new AwsChunkedDecoder({ decodedBytes, signed, hasTrailer, announcedTrailers })
  return { stream: decodeFrames(counted, decoder), sizeBytes: decodedBytes, trailers: () => decoder.trailers }
}

const NO_TRAILERS: Readonly<Record<string, string>> = Object.freeze({})

/** Exactly `contentLength` bytes, where it is known. Fault: IncompleteBody. */
async function* countBytes(source: AsyncIterable<Uint8Array>, contentLength: number | undefined): ByteStream {
  let sizeBytes = 0
  for await (const piece of source) {
    sizeBytes += piece.length
    if (contentLength !== undefined && sizeBytes > contentLength) {
      throw new StoreFault('IncompleteBody', { sizeBytes, expectedBytes: contentLength })
    }
    if (piece.length > 0) yield piece
  }
  if (contentLength !== undefined && sizeBytes < contentLength) {
    throw new StoreFault('IncompleteBody', { sizeBytes, expectedBytes: contentLength })
  }
}

/** Fault: XAmzContentSHA256Mismatch, instead of ending. */
async function* verifyHash(source: ByteStream, sha256: string): ByteStream {
  const hash = createHash('sha256')
  for await (const piece of source) {
    hash.update(piece)
    yield piece
  }
  const computed = hash.digest('hex')
  if (computed !== sha256) throw new StoreFault('XAmzContentSHA256Mismatch', { client: sha256, computed })
}

async function* decodeFrames(source: ByteStream, decoder: AwsChunkedDecoder): ByteStream {
  for await (const piece of source) yield* decoder.decode(piece)
  decoder.finish()
}

/** Faults: InvalidArgument (no decimal number, or beyond 2^53). */
function readLength(headers: HeaderLookup, name: string): number | undefined {
  const text = readHeader(headers, name)
  if (text === undefined) return undefined
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(length)) return length
  throw new StoreFault('InvalidArgument', {
    name,
    value: text.slice(0, 64),
    reason: `${name} must be a number of bytes`,
  })
}

/** A repeated header is as bad as a joined one: neither is a length or a name. */
function readHeader(headers: HeaderLookup, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
