import { crc32 } from 'node:zlib'
import { type HttpRequest, withHeader } from '../request.ts'
import { type FrameSigner, frameSigner, type Signing, signInHeader } from '../sign.ts'

/** A piece of an aws-chunked body, as it goes out. */
export interface Piece {
  kind: 'head' | 'data' | 'end' | 'trailer'
  text: string
}

export type Mode =
  | 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
  | 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
  | 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

export interface Framed {
  mode: Mode
  request: HttpRequest
  pieces: Piece[]
}

export const MODES: readonly Mode[] = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
]

const CHECKSUM = 'x-amz-checksum-crc32'

/**
 * The request with its body in frames. `amend` may change the headers before they are signed: a lie that the client
 * swears to.
 */
export function framed(
  plain: HttpRequest,
  { mode, frameBytes, signing }: { mode: Mode; frameBytes: number; signing: Omit<Signing, 'payload'> },
  amend: (request: HttpRequest) => HttpRequest = (request) => request,
): Framed {
  const sworn = { ...signing, payload: mode }
  const coded = withHeader(withHeader(plain, 'Content-Encoding', 'aws-chunked'), DECODED, String(plain.body.length))
  const request = signInHeader(
    amend(mode.endsWith('-TRAILER') ? withHeader(coded, 'x-amz-trailer', CHECKSUM) : coded),
    sworn,
  )
  const signer = mode.startsWith('STREAMING-AWS4') ? frameSigner(request, sworn) : undefined
  const pieces: Piece[] = []
  for (let at = 0; at < plain.body.length; at += frameBytes) {
    const bytes = plain.body.subarray(at, at + frameBytes)
    pieces.push(headOf(bytes, signer), { kind: 'data', text: bytes.toString('latin1') }, { kind: 'end', text: '\r\n' })
  }
  pieces.push(headOf(Buffer.alloc(0), signer))
  if (mode.endsWith('-TRAILER')) pieces.push(...trailerOf(plain.body, signer))
  pieces.push({ kind: 'end', text: '\r\n' })
  return { mode, request, pieces }
}

export const DECODED = 'x-amz-decoded-content-length'

/** Puts the pieces behind the head, with a Content-Length that is right for them, whatever they are. */
export function assembled({ request, pieces }: Framed): HttpRequest {
  const body = Buffer.from(pieces.map(({ text }) => text).join(''), 'latin1')
  return { ...withHeader(request, 'Content-Length', String(body.length)), body }
}

function headOf(bytes: Buffer, signer: FrameSigner | undefined): Piece {
  const extension = signer ? `;chunk-signature=${signer.frame(bytes)}` : ''
  return { kind: 'head', text: `${bytes.length.toString(16)}${extension}\r\n` }
}

function trailerOf(body: Buffer, signer: FrameSigner | undefined): Piece[] {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  const value = sum.toString('base64')
  const lines = [`${CHECKSUM}:${value}`]
  if (signer) lines.push(`x-amz-trailer-signature:${signer.trailer(`${CHECKSUM}:${value}\n`)}`)
  return lines.map((line) => ({ kind: 'trailer', text: `${line}\r\n` }))
}
