import { type Algorithm, checksum, checksumHeader } from './checksums.ts'
import { chunkSigner, frame, type Headers, signHeaders, trailer, transferChunked } from './sign.ts'
import type { Credentials, Target } from './target.ts'

/** Uploads in S3's streaming modes, as the various SDKs send them, and with one thing wrong when a test asks for it. */
export const streamingModes = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
] as const
export type StreamingMode = (typeof streamingModes)[number]

export interface Streamed {
  path: string
  mode: StreamingMode
  data: Uint8Array
  /** Bytes of each frame; absent: all in one. */
  frameBytes?: number
  /** For the modes with a trailer. */
  algorithm?: Algorithm
  /** HTTP's chunked transfer coding outside, and no Content-Length. */
  transferCoding?: boolean
  method?: string
  headers?: Readonly<Record<string, string>>
  credentials?: Credentials
  /** Sent as x-amz-decoded-content-length instead of the truth. */
  decodedLength?: number
  /** Sent in the trailer instead of the right checksum. */
  trailerValue?: string
  /** Changes the coded frames before they go: the last two are the empty frame and the trailer (or its final CRLF). */
  tamper?: (pieces: Buffer[]) => Buffer[]
}

export interface StreamedRequest {
  method: string
  path: string
  headers: readonly (readonly [string, string])[]
  body: Buffer[]
}

export function streamed(target: Target, upload: Streamed): StreamedRequest {
  const { mode, data, path, method = 'PUT' } = upload
  const hasTrailer = mode.endsWith('-TRAILER')
  const name = hasTrailer ? checksumHeader(upload.algorithm ?? 'CRC32') : undefined
  const value = upload.trailerValue ?? checksum(upload.algorithm ?? 'CRC32', data)
  const declared = {
    'Content-Encoding': 'aws-chunked',
    'X-Amz-Decoded-Content-Length': String(upload.decodedLength ?? data.length),
    ...(name && { 'X-Amz-Trailer': name }),
    ...upload.headers,
  }
  // The length of the coded body does not depend on the signatures: code once with none that is true, then for good.
  const lines = name ? { [name]: value } : undefined
  const sign = (extra: Headers) => {
    const headers = signHeaders(target, {
      method,
      path,
      headers: { ...declared, ...extra },
      payload: mode,
      ...(upload.credentials && { credentials: upload.credentials }),
    })
    const pieces = code(target, upload, headers, lines)
    return { headers, pieces: upload.tamper ? upload.tamper(pieces) : pieces }
  }
  if (upload.transferCoding) {
    const { headers, pieces } = sign({ 'Transfer-Encoding': 'chunked' })
    return { method, path, headers: Object.entries(headers), body: transferChunked(pieces) }
  }
  const length = sign({}).pieces.reduce((sum, piece) => sum + piece.length, 0)
  const { headers, pieces } = sign({ 'Content-Length': String(length) })
  return { method, path, headers: Object.entries(headers), body: pieces }
}

function code(target: Target, upload: Streamed, headers: Headers, lines: Headers | undefined): Buffer[] {
  const signed = upload.mode !== 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
  const signer = signed ? chunkSigner(target, headers, upload.credentials) : undefined
  const pieces = cut(upload.data, upload.frameBytes).map((data) => signer?.frame(data) ?? frame(data))
  const last = signer?.frame(Buffer.alloc(0)) ?? frame(Buffer.alloc(0))
  const end = lines ? (signer?.trailer(lines) ?? trailer(lines)) : Buffer.from('\r\n')
  return [...pieces, last, end]
}

function cut(data: Uint8Array, size = data.length): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < data.length; at += size) pieces.push(data.subarray(at, at + size))
  return pieces
}
