import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import type { SignedRequest } from '../../../src/s3api/auth/request.ts'
import { key } from './fixtures.ts'

export interface Captured {
  request: SignedRequest
  headers: IncomingHttpHeaders
  body: Buffer
}

/** A server that keeps what the official SDK really puts on the wire, and a client that talks to it. */
export async function captureSdk(): Promise<
  { client: S3Client; endpoint: string; captured: Captured[] } & AsyncDisposable
> {
  const captured: Captured[] = []
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece as Buffer)
    captured.push({
      request: {
        method: request.method as string,
        target: request.url as string,
        rawHeaders: request.rawHeaders,
        isTls: false,
      },
      headers: request.headers,
      body: Buffer.concat(pieces),
    })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
  })
  return {
    client,
    endpoint,
    captured,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
