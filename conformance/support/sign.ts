import { createHash, createHmac } from 'node:crypto'
import aws4 from 'aws4'
import type { Credentials, Target } from './target.ts'

/** Signatures made without any SDK: SigV4 by aws4, the chunks of aws-chunked and SigV2 here. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export interface ToSign {
  method: string
  /** Encoded, query included. */
  path: string
  headers?: Readonly<Record<string, string>>
  /** x-amz-content-sha256: a hash in hex or one of S3's words. Absent: that of an empty body. */
  payload?: string
  credentials?: Credentials
  region?: string
  /** Host as sent; absent: the endpoint's. */
  host?: string
  /** Header names that are sent but not signed, lower-case. */
  unsigned?: readonly string[]
}

export type Headers = Record<string, string>

/** The headers to send: those given, and Host, the payload's hash, the date and the signature. */
export function signHeaders(target: Target, request: ToSign): Headers {
  const signed = aws4.sign(
    {
      service: 's3',
      region: request.region ?? target.region,
      method: request.method,
      path: request.path,
      headers: {
        Host: request.host ?? target.endpoint.host,
        'X-Amz-Content-Sha256': request.payload ?? EMPTY_SHA256,
        ...request.headers,
      },
      extraHeadersToIgnore: Object.fromEntries((request.unsigned ?? []).map((name) => [name, true])),
      extraHeadersToInclude: { range: true },
    } as aws4.Request,
    request.credentials ?? target.owner,
  )
  return signed.headers as Headers
}

/** A presigned path by SigV4. `expires` in seconds; extra query parameters stand in `path` and are signed. */
export function presignPath(
  target: Target,
  request: {
    method: string
    path: string
    expires?: string
    headers?: Headers
    credentials?: Credentials
    date?: Date
  },
): string {
  const query = new URLSearchParams()
  if (request.expires !== undefined) query.set('X-Amz-Expires', request.expires)
  if (request.date) query.set('X-Amz-Date', amzDate(request.date))
  const joined = query.size === 0 ? request.path : `${request.path}${request.path.includes('?') ? '&' : '?'}${query}`
  const signed = aws4.sign(
    {
      service: 's3',
      region: target.region,
      method: request.method,
      path: joined,
      signQuery: true,
      headers: { Host: target.endpoint.host, ...request.headers },
    },
    request.credentials ?? target.owner,
  )
  return signed.path!
}

/** SigV2 in the query, as boto3 makes it by default (HMAC-SHA1 over method, MD5, type, expiry, resource). */
export function presignPathV2(
  target: Target,
  request: { method: string; path: string; expires: number; subresource?: string; contentType?: string },
): string {
  const resource = request.subresource ? `${request.path}?${decodeURIComponent(request.subresource)}` : request.path
  const text = [request.method, '', request.contentType ?? '', request.expires, resource].join('\n')
  const signature = createHmac('sha1', target.owner.secretAccessKey).update(text).digest('base64')
  const query = `AWSAccessKeyId=${target.owner.accessKeyId}&Signature=${encodeURIComponent(signature)}&Expires=${request.expires}`
  return `${request.path}?${request.subresource ? `${request.subresource}&` : ''}${query}`
}

export const amzDate = (date: Date): string => date.toISOString().replace(/[-:]|\.\d{3}/g, '')

export interface ChunkSigner {
  /** One frame of aws-chunked with its signature, chained to the one before. */
  frame(data: Uint8Array): Buffer
  /** What follows the last (empty) frame: the trailer lines and their signature. */
  trailer(lines: Readonly<Record<string, string>>): Buffer
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html */
export function chunkSigner(target: Target, headers: Headers, credentials: Credentials = target.owner): ChunkSigner {
  const date = headers['X-Amz-Date']!
  const scope = `${date.slice(0, 8)}/${target.region}/s3/aws4_request`
  const key = scope.split('/').reduce<Buffer | string>((k, part) => hmac(k, part), `AWS4${credentials.secretAccessKey}`)
  let previous = /Signature=([0-9a-f]{64})/.exec(headers.Authorization ?? '')?.[1] ?? ''
  const chain = (...text: string[]) => {
    previous = hmac(key, text.join('\n')).toString('hex')
    return previous
  }
  return {
    frame(data) {
      const hash = createHash('sha256').update(data).digest('hex')
      const signature = chain('AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, EMPTY_SHA256, hash)
      return frame(data, signature, data.length === 0)
    },
    trailer(lines) {
      const canonical = Object.entries(lines).map(([name, value]) => `${name.toLowerCase()}:${value}\n`)
      const hash = createHash('sha256').update(canonical.join('')).digest('hex')
      const signature = chain('AWS4-HMAC-SHA256-TRAILER', date, scope, previous, hash)
      return trailer({ ...lines, 'x-amz-trailer-signature': signature })
    },
  }
}

/** A frame of aws-chunked. The last one is empty and, without a trailer, wants one more CRLF: `end()`. */
export function frame(data: Uint8Array, signature?: string, bare = data.length === 0): Buffer {
  const head = `${data.length.toString(16)}${signature === undefined ? '' : `;chunk-signature=${signature}`}\r\n`
  return Buffer.concat([Buffer.from(head), data, Buffer.from(bare ? '' : '\r\n')])
}

export function trailer(lines: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    `${Object.entries(lines)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join('')}\r\n`,
  )
}

/** HTTP's own chunked transfer coding around whatever is inside. */
export function transferChunked(pieces: readonly Uint8Array[]): Buffer[] {
  const coded = pieces.filter((piece) => piece.length > 0).map((piece) => frame(piece))
  return [...coded, Buffer.from('0\r\n\r\n')]
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
