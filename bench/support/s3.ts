import aws4 from 'aws4'
import type { ReadyRequest } from './load.ts'

export interface S3Target {
  host: string
  port: number
  accessKeyId: string
  secretAccessKey: string
  region: string
}

export interface S3Call {
  method: string
  /** Percent-encoded path with query. */
  path: string
  body?: Buffer
}

/** A signed request (SigV4 in headers, UNSIGNED-PAYLOAD), as bytes to send. */
export function signed(target: S3Target, { method, path, body }: S3Call): ReadyRequest {
  const request = aws4.sign(
    {
      method,
      path,
      host: `${target.host}:${target.port}`,
      service: 's3',
      region: target.region,
      headers: {
        'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
        ...(body ? { 'content-length': String(body.length) } : {}),
      },
    },
    { accessKeyId: target.accessKeyId, secretAccessKey: target.secretAccessKey },
  )
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)
  return body ? { head, body } : { head }
}
