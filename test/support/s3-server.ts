import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import aws4 from 'aws4'
import type { Log } from '../../src/base/log.ts'
import { type RequestRecord, silentRequestMeter } from '../../src/base/meters.ts'
import type { AccessKey } from '../../src/base/model.ts'
import type { RequestTracer } from '../../src/base/spans.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { HealthReport } from '../../src/s3api/health.ts'
import type { RateLimiter } from '../../src/s3api/limits/rate-limiter.ts'
import { createS3Server } from '../../src/s3api/s3-server.ts'
import type { S3Settings } from '../../src/s3api/settings.ts'
import { createMemoryEngine, testKey } from './memory-engine.ts'

interface Options {
  settings?: Partial<S3Settings>
  health?: () => Promise<HealthReport>
  /** Instead of the machine's clock. */
  log?: Log
  /** Beside those of the two accounts. */
  moreKeys?: readonly AccessKey[]
  limiter?: RateLimiter
  /** Instead of the one in memory. */
  engine?: Engine
  tracer?: RequestTracer
}

/** An S3 front over a store in memory, with a client for each of two accounts. */
export async function startS3(options: Options = {}) {
  const keys = [testKey('root'), testKey('other')]
  const engine = createMemoryEngine([...keys, ...(options.moreKeys ?? [])])
  const records: RequestRecord[] = []
  const logged: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const server = await createS3Server({
    engine: options.engine ?? engine,
    clock: systemClock,
    random: systemRandom,
    log: options.log ?? capture(logged),
    settings: {
      host: '127.0.0.1',
      port: 0,
      region: 'us-east-1',
      domains: ['s3.test'],
      sigV2: 'presigned',
      objectBytesMax: 10 * 1024 ** 3,
      defaultEncryption: 'none',
      allowsCustomerKeysOverHttp: true,
      lifecycleDayMs: 86_400_000,
      notificationTargets: { webhooks: new Map(), channels: new Set() },
      ...options.settings,
    },
    health: options.health ?? (async () => ({ ok: true })),
    meter: { ...silentRequestMeter, end: (_request, record) => records.push(record) },
    ...(options.limiter && { limiter: options.limiter }),
    tracer: options.tracer,
  })
  const region = options.settings?.region ?? 'us-east-1'
  const endpoint = `http://127.0.0.1:${server.port}`
  const clients = keys.map(
    ({ accessKeyId, secretAccessKey }) =>
      new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId, secretAccessKey },
      }),
  )
  const sockets: RawConnection[] = []
  return {
    engine,
    server,
    endpoint,
    records,
    logged,
    client: clients[0]!,
    other: clients[1]!,
    key: keys[0]!,
    otherKey: keys[1]!,
    /** The head of a request signed by the first account, payload unsigned unless the headers say otherwise. */
    head(method: string, path: string, headers: Record<string, string> = {}, by = keys[0]!): string[] {
      const options = {
        service: 's3',
        region: region,
        method,
        path,
        host: `127.0.0.1:${server.port}`,
        headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
        doNotEncodePath: true,
      }
      const { accessKeyId, secretAccessKey } = by
      const request = aws4.sign(options, { accessKeyId, secretAccessKey })
      const lines = Object.entries(request.headers ?? {}).map(([name, value]) => `${name}: ${value}`)
      return [`${method} ${path} HTTP/1.1`, ...lines]
    },
    async raw(): Promise<RawConnection> {
      const connection = await connectRaw(server.port)
      sockets.push(connection)
      return connection
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      for (const { socket } of sockets) socket.destroy()
      await server.close(0)
    },
  }
}

function capture(into: { level: string; fields: Record<string, unknown>; message: string }[]): Log {
  const at = (level: string) => (fields: object, message: string) =>
    void into.push({ level, fields: fields as Record<string, unknown>, message })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  return log
}

/** The HTTP status of an SDK call, be it a refusal: a HEAD's error has no code to go by. */
export async function statusOf(
  call: Promise<{ $metadata: { httpStatusCode?: number | undefined } }>,
): Promise<number | undefined> {
  const outcome = await call.catch((error: unknown) => error as { $metadata?: { httpStatusCode?: number } })
  return outcome.$metadata?.httpStatusCode
}

export interface RawConnection {
  socket: Socket
  /** Sends bytes as they are; lines of a head are joined by CRLF where an array is given. */
  send(data: string | Buffer | readonly string[]): void
  /** One whole answer: head, and the body by its Content-Length or its chunks. */
  answer(request?: { isHead?: boolean }): Promise<RawAnswer>
  /** What came and was not taken yet, once `test` holds for it. */
  until(test: (received: string) => boolean): Promise<string>
  closed: Promise<void>
}

export interface RawAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

async function connectRaw(port: number): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let received = ''
  let isEnded = false
  socket.setEncoding('latin1')
  socket.on('data', (data) => {
    received += data
    socket.emit('more')
  })
  socket.on('error', () => {})
  socket.on('end', () => {
    isEnded = true
    socket.emit('more')
  })
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isEnded = true
      socket.emit('more')
      resolve()
    })
    socket.on('end', () => resolve())
  })
  await once(socket, 'connect')

  async function until(test: (text: string) => boolean): Promise<string> {
    const deadline = AbortSignal.timeout(60_000)
    while (!test(received)) {
      if (isEnded) throw new Error(`the connection ended after ${JSON.stringify(received)}`)
      await once(socket, 'more', { signal: deadline })
    }
    return received
  }

  async function answer({ isHead = false } = {}): Promise<RawAnswer> {
    await until((text) => text.includes('\r\n\r\n'))
    const headEnd = received.indexOf('\r\n\r\n') + 4
    const [first, ...lines] = received.slice(0, headEnd - 4).split('\r\n')
    const status = Number(first!.split(' ')[1])
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    received = received.slice(headEnd)
    if (isHead || status < 200 || status === 204 || status === 304) return { status, headers, body: '' }
    return { status, headers, body: await bodyOf(headers) }
  }

  async function bodyOf(headers: Record<string, string>): Promise<string> {
    if (headers['transfer-encoding'] === 'chunked') {
      await until((text) => text.endsWith('0\r\n\r\n'))
      const chunks = received
      received = ''
      return chunks.replaceAll(/[0-9a-f]+\r\n([\s\S]*?)\r\n(?=[0-9a-f]+\r\n)/g, '$1').replace(/0\r\n\r\n$/, '')
    }
    const length = Number(headers['content-length'] ?? 0)
    await until((text) => text.length >= length)
    const body = received.slice(0, length)
    received = received.slice(length)
    return body
  }

  return {
    socket,
    send: (data) => void socket.write(Array.isArray(data) ? `${data.join('\r\n')}\r\n\r\n` : (data as string | Buffer)),
    answer,
    until,
    closed,
  }
}
