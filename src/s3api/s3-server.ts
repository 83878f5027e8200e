import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import fastify from 'fastify'
import type { Clock, Random } from '../base/clock.ts'
import type { StoreFault } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { Engine } from '../engine/engine.ts'
import { errorAnswer } from './error-answer.ts'
import { handleExchange, type RequestRecord } from './handle-exchange.ts'
import type { HealthReport } from './health.ts'
import { handleBrokenRequest } from './http/broken-request.ts'
import { trackConnections } from './http/connections.ts'
import { Exchange } from './http/exchange.ts'
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
  /**
   * Stops accepting, closes idle connections, lets requests finish for `graceMs`, then breaks off what is left. May be
   * called again with less patience.
   */
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
  let isClosing = false
  const exchangeDeps = { clock, limits, hostId, nextRequestId, isClosing: () => isClosing }

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
  const connections = trackConnections(app.server)
  // Taken over before Fastify judges method, content type or body: all of that is S3's to judge.
  app.addHook('onRequest', async (request, reply) => {
    reply.hijack()
    const { raw: req } = request
    const { socket } = req
    const exchange = new Exchange(exchangeDeps, req, reply.raw, expectsContinue(req))
    current.set(socket, exchange)
    connections.begin(socket)
    await handleExchange(handlerDeps, exchange)
    connections.end(socket)
  })
  app.all('/', () => undefined)
  await app.ready()
  app.server.listen({ host: settings.host, port: settings.port, reusePort: settings.sharesPort ?? false })
  await once(app.server, 'listening')

  let closing: Promise<void> | undefined
  async function closeAll(): Promise<void> {
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
    isClosing = true
    connections.closeWhenIdle()
    await closed
    await app.close()
  }
  async function close(graceMs: number): Promise<void> {
    closing ??= closeAll()
    // A second call may be less patient.
    using _timer = clock.after(graceMs, connections.closeAll)
    await closing
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : settings.port
  return { port, close, [Symbol.asyncDispose]: () => close(0) }
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
