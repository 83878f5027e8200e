import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import fastify from 'fastify'
import type { Clock, Random } from '../base/clock.ts'
import type { StoreFault } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { Engine } from '../engine/engine.ts'
import { errorAnswer } from './error-answer.ts'
import { handleExchange, type RequestRecord } from './handle-exchange.ts'
import type { HealthReport } from './health.ts'
import { handleBrokenRequest } from './http/broken-request.ts'
import { type Exchange, openExchange } from './http/exchange.ts'
import { createHttpServer, expectsContinue } from './http/http-server.ts'
import { operations } from './operations/table.ts'
import { createHostId, createRequestIds } from './request-ids.ts'
import { createRouter } from './router.ts'
import { httpDefaults, type S3Settings } from './settings.ts'

export interface S3ServerDeps {
  engine: Engine
  clock: Clock
  random: Random
  log: Log
  settings: S3Settings
  /** For `GET /health`. */
  health: () => Promise<HealthReport>
  /** Called once for every request, when it is over. */
  observe?: (record: RequestRecord) => void
}

export interface S3Server extends AsyncDisposable {
  readonly port: number
  /** Stops accepting, closes idle connections, lets requests finish for `graceMs`, then breaks off what is left. */
  close(graceMs: number): Promise<void>
}

/** Starts the S3 front; resolves when it listens. */
export async function createS3Server(deps: S3ServerDeps): Promise<S3Server> {
  const { clock, settings, log } = deps
  const limits = { ...httpDefaults, ...settings.http }
  const hostId = createHostId(deps.random)
  const nextRequestId = createRequestIds(deps.random)
  const handlerDeps = { ...deps, route: createRouter(operations), observe: deps.observe ?? (() => {}) }
  const current = new WeakMap<object, Exchange>()
  let closing: Promise<void> | undefined
  const exchangeDeps = { clock, limits, hostId, nextRequestId, isClosing: () => closing !== undefined }

  const app = fastify({
    serverFactory: (listener) => createHttpServer(listener, limits),
    // Fastify's router never sees a key: it would decode it, and refuse what it cannot decode.
    rewriteUrl: () => '/',
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      const refuse = (fault: StoreFault) => bareRefusal(fault, { resource: '', requestId: nextRequestId(), hostId })
      log.debug({ code: error.code, remote: socket.remoteAddress }, 'broken request')
      handleBrokenRequest(error, socket, current.get(socket), { refuse, clock, headerBytesMax: limits.headerBytesMax })
    },
  })
  // Taken over before Fastify judges method, content type or body: all of that is S3's to judge.
  app.addHook('onRequest', async (request, reply) => {
    reply.hijack()
    const exchange = openExchange(exchangeDeps, request.raw, reply.raw, expectsContinue(request.raw))
    current.set(request.raw.socket, exchange)
    await handleExchange(handlerDeps, exchange)
    if (closing !== undefined) closeSoon(app.server, reply.raw)
  })
  app.all('/', () => undefined)
  // Fastify hands all of it to Node, though its types know no reusePort.
  const listening = { host: settings.host, port: settings.port, reusePort: settings.sharesPort ?? false }
  await app.listen(listening)

  function close(graceMs: number): Promise<void> {
    closing ??= (async () => {
      const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
      app.server.closeIdleConnections()
      using _timer = clock.after(graceMs, () => app.server.closeAllConnections())
      await closed
      await app.close()
    })()
    return closing
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : settings.port
  return { port, close, [Symbol.asyncDispose]: () => close(0) }
}

/** A connection that was busy when closing began, and is idle now. */
function closeSoon(server: Server, res: ServerResponse): void {
  if (res.writableFinished) server.closeIdleConnections()
  else res.once('close', () => server.closeIdleConnections())
}

/** An answer to what never became a request. */
function bareRefusal(fault: StoreFault, context: Parameters<typeof errorAnswer>[1]): Buffer {
  const { status, body = Buffer.alloc(0) } = errorAnswer(fault, context)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `x-amz-request-id: ${context.requestId}`,
    `x-amz-id-2: ${context.hostId}`,
    'Content-Type: application/xml',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
