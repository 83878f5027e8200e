/**
 * What authenticating one request costs, with a warm signing key, in CPU time: `node bench/micro/sigv4.ts`. Target: 11 µs or less.
 * Beside it, aws-chunked decoding in CPU seconds per GiB.
 */
import aws4 from 'aws4'
import type { AccountId } from '../../src/base/ids.ts'
import { systemClock } from '../../src/base/system.ts'
import { authenticate } from '../../src/s3api/auth/authenticate.ts'
import type { SignedRequest } from '../../src/s3api/auth/request.ts'
import { openBody } from '../../src/s3api/body/open-body.ts'

const ROUNDS = 50_000
const WARM_UP = 5_000
const PIECE_BYTES = 65_536
const BODY_BYTES = 1 << 30

const accessKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  account: { id: 'a'.repeat(64) as AccountId, name: 'bench', displayName: 'bench', isRoot: true },
}
const deps = {
  findAccessKey: async () => accessKey,
  clock: systemClock,
  region: 'us-east-1',
  sigV2: 'presigned' as const,
}
const { signal } = new AbortController()

function signed(method: string, path: string, headers: Record<string, string>, signQuery: boolean): SignedRequest {
  const options = {
    service: 's3',
    region: 'us-east-1',
    method,
    path,
    signQuery,
    headers: { Host: 'localhost:8080', ...headers },
  }
  const out = aws4.sign(options, accessKey)
  const rawHeaders = Object.entries(out.headers as Record<string, string>).flat()
  return { method, target: out.path as string, rawHeaders, isTls: false }
}

async function measureRequest(name: string, request: SignedRequest): Promise<void> {
  for (let i = 0; i < WARM_UP; i++) await authenticate(request, deps, signal)
  const before = process.cpuUsage()
  for (let i = 0; i < ROUNDS; i++) await authenticate(request, deps, signal)
  const { user, system } = process.cpuUsage(before)
  console.log(`${name}: ${((user + system) / ROUNDS).toFixed(1)} CPU µs`)
}

async function measureBody(name: string, frameBytes: number): Promise<void> {
  const piece = Buffer.alloc(PIECE_BYTES)
  const head = Buffer.from(`${frameBytes.toString(16)}\r\n`)
  const tail = Buffer.from('\r\n')
  async function* source() {
    for (let sent = 0; sent < BODY_BYTES; sent += frameBytes) {
      yield head
      for (let inFrame = 0; inFrame < frameBytes; inFrame += PIECE_BYTES) yield piece
      yield tail
    }
    yield Buffer.from('0\r\n\r\n')
  }
  const headers = { 'x-amz-decoded-content-length': String(BODY_BYTES) }
  const body = openBody(source(), { headers }, { kind: 'streaming', signed: undefined, hasTrailer: true })
  const before = process.cpuUsage()
  let bytes = 0
  for await (const part of body.stream) bytes += part.length
  const { user, system } = process.cpuUsage(before)
  console.log(`${name}: ${((user + system) / 1e6).toFixed(3)} CPU s/GiB (${bytes} bytes)`)
}

const sdkHeaders = {
  'amz-sdk-invocation-id': '2c6ba6ac-9b4b-4b9a-8c2c-1f2b3c4d5e6f',
  'amz-sdk-request': 'attempt=1; max=3',
  'Content-Type': 'application/octet-stream',
  'Content-Length': '4096',
  'User-Agent': 'aws-sdk-js/3.1169.0 ua/2.1 os/linux',
  'x-amz-checksum-crc32': 'AAAAAA==',
  'x-amz-user-agent': 'aws-sdk-js/3.1169.0',
}
await measureRequest('GET, header', signed('GET', '/bucket/photos/2026/11/a.jpg', {}, false))
await measureRequest(
  'PUT, header, as an SDK sends it',
  signed('PUT', '/bucket/photos/a%20b.jpg?x-id=PutObject', sdkHeaders, false),
)
await measureRequest('GET, presigned', signed('GET', '/bucket/photos/2026/11/a.jpg', {}, true))
await measureBody('aws-chunked, frames of 64 KiB', PIECE_BYTES)
await measureBody('aws-chunked, frames of 1 MiB', 16 * PIECE_BYTES)
