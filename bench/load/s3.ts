import aws4 from 'aws4'
import type { Client, OpenClient } from './drive.ts'
import { HttpClient, type ReadyRequest } from './http-client.ts'

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
        ...(body || method === 'PUT' || method === 'POST' ? { 'content-length': String(body?.length ?? 0) } : {}),
      },
    },
    { accessKeyId: target.accessKeyId, secretAccessKey: target.secretAccessKey },
  )
  const headers = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${String(value)}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('')}\r\n`)
  return { head, ...(body && { body }), ...(method === 'HEAD' && { isHead: true }) }
}

/** Clients whose operation `n` is `call(n)`, signed when it is sent. */
export function callers(s3: S3Target, call: (n: number) => S3Call): OpenClient {
  return () => new HttpClient(s3, (n) => signed(s3, call(n)))
}

/** The same, with all `operations` signed now, so that the clock does not see it. */
export function readyCallers(s3: S3Target, call: (n: number) => S3Call, operations: number): OpenClient {
  const requests = Array.from({ length: operations }, (_, n) => signed(s3, call(n)))
  return (): Client => new HttpClient(s3, (n) => requests[n]!)
}

/** One request that must succeed, or be refused because the bucket is there already. */
export async function callOnce(s3: S3Target, call: S3Call): Promise<void> {
  const client = callers(s3, () => call)()
  try {
    await client.call(0)
  } catch (error) {
    if (!String(error).includes('BucketAlready')) throw error
  } finally {
    client.close?.()
  }
}
