import { once } from 'node:events'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fastify from 'fastify'
import { ByteBudget } from '../base/byte-budget.ts'
import type { Clock, Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import { type RequestMeter, silentRequestMeter } from '../base/meters.ts'
import type { RequestTracer } from '../base/spans.ts'
import type { Engine } from '../engine/engine.ts'
import { peerAddress } from './access/peer.ts'
import { type AuditEntry, brokenRequestEntry, type RequestWatch } from './audit-entry.ts'
import { errorAnswer } from './error-answer.ts'
import { handleExchange } from './handle-exchange.ts'
import type { HealthReport } from './health.ts'
import { acceptProxied } from './http/accept-proxied.ts'
import { handleBrokenRequest } from './http/broken-request.ts'
import { dropSentAhead, trackConnections } from './http/connections.ts'
import { DropPace } from './http/drop-pace.ts'
import { Exchange } from './http/exchange.ts'
import { createHttpServer, expectsContinue } from './http/http-server.ts'
import { RateLimiter } from './limits/rate-limiter.ts'
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
  meter?: RequestMeter
  /** Called for each request that this key has signed rightly. */
  noteKeyUse?: (accessKeyId: string) => void
  /** Absent: there are no limits but those of keys. */
  limiter?: RateLimiter
  /** Called once for every request but those for `GET /health`. */
  audit?: ((entry: AuditEntry) => void) | undefined
  /** The same for who may listen for a while. */
  watch?: RequestWatch
  /** Absent: there are no traces. */
  tracer?: RequestTracer | undefined
}

export interface S3Server extends AsyncDisposable {
  readonly port: number
  /** From now on each answer is the last on its connection, so that clients come back by another one: to whom takes it. */
  announceClose(): void
  /**
   * Stops accepting, closes idle connections, lets requests finish for `graceMs`, then breaks off what is left. May be
   * called again with less patience.
   */
  close(graceMs: number): Promise<void>
}

/** Starts the S3 front; resolves when it listens. */
export async function createS3Server(deps: S3ServerDeps): Promise<S3Server> {
  const { clock, settings, log, meter = silentRequestMeter } = deps
  const limits = { ...httpDefaults, ...settings.http }
  const hostId = createHostId(deps.random)
  const nextRequestId = createRequestIds(deps.random)
  const documents = new ByteBudget(limits.documentBytesMax, 'Too many large documents at once.')
  const { noteKeyUse = () => {}, audit, watch = NOBODY, tracer } = deps
  const limiter = deps.limiter ?? new RateLimiter({ clock, ofKey: {}, ofAddress: {} })
  const heard = { meter, noteKeyUse, audit, watch, tracer }
  const handlerDeps = { ...deps, ...heard, documents, route: createRouter(operations), limiter }
  const current = new WeakMap<object, Exchange>()
  let isClosing = false
  const answers = new ByteBudget(limits.answerBytesMax, 'Too many large answers that nobody reads.')
  const dropped = new DropPace(clock, limits.refusedBytesPerSecond)
  const { trustedProxies } = settings
  const shared = { clock, limits, answers, dropped }
  const exchangeDeps = { ...shared, hostId, nextRequestId, trustedProxies, isClosing: () => isClosing }

  const app = fastify({
    serverFactory(listener) {
      const server = createHttpServer(listener, limits, settings.tls)
      if (settings.hasProxyHeaders) {
        const refused = () => meter.turnAway('no-proxy-header')
        acceptProxied(server, { trusted: trustedProxies, headerMs: limits.proxyHeaderMs, clock, refused })
      }
      return server
    },
    // Fastify's router never sees a key: it would decode it, and refuse what it cannot decode.
    rewriteUrl: () => '/',
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      const refuse = (fault: StoreFault) => {
        const requestId = nextRequestId()
        const entry = brokenRequestEntry(fault, { requestId, remote: peerAddress(socket), nowMs: clock.nowMs() })
        audit?.(entry)
        if (watch.listens) watch.tell(entry)
        return bareRefusal(fault, { resource: '', requestId, hostId })
      }
      log.debug({ code: error.code, remote: socket.remoteAddress }, 'broken request')
      // TLS that does not work: there is no way to tell them.
      if (/^ERR_(SSL|TLS)_/.test(error.code ?? '')) {
        refuse(new StoreFault('BadRequest', { reason: 'The TLS handshake failed.' }))
        meter.turnAway('no-handshake')
        return void socket.destroy()
      }
      // A time-out between requests, or a connection that breaks, is no request that was turned away.
      if (error.code?.startsWith('HPE_')) meter.turnAway('not-http')
      handleBrokenRequest(error, socket, current.get(socket), { refuse, clock, headerBytesMax: limits.headerBytesMax })
    },
  })
  const connections = trackConnections(app.server)
  app.server.on('drop', () => meter.turnAway('connections'))
  // Taken over before Fastify judges method, content type or body: all of that is S3's to judge.
  app.addHook('onRequest', async (request, reply) => {
    reply.hijack()
    const { raw: req } = request
    const { socket } = req
    // Sent along with a request that could not be trusted: Node has read it already, and will not send its answer.
    if (current.get(socket)?.endsConnection) return
    // Node reads on while none is answered, and would hold as many as are sent.
    if (connections.begin(socket) > limits.pipelinedRequestsMax) {
      meter.turnAway('pipelining')
      return void dropSentAhead(socket)
    }
    if (!(await turnComes(reply.raw, socket)) || current.get(socket)?.endsConnection) return
    const exchange = new Exchange(exchangeDeps, req, reply.raw, expectsContinue(req))
    current.set(socket, exchange)
    await handleExchange(handlerDeps, exchange)
    connections.end(socket)
  })
  app.all('/', () => undefined)
  await app.ready()
  app.server.listen({ host: settings.host, port: settings.port, reusePort: settings.sharesPort ?? false })
  await once(app.server, 'listening')

  function announceClose(): void {
    isClosing = true
  }
  let closing: Promise<void> | undefined
  async function closeAll(): Promise<void> {
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
    announceClose()
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
  return { port, announceClose, close, [Symbol.asyncDispose]: () => close(0) }
}

/** What is sent ahead is begun when all before it is answered. False: the connection has ended. */
async function turnComes(res: ServerResponse, connection: Socket): Promise<boolean> {
  if (res.socket) return true
  await new Promise<void>((resolve) => {
    const done = () => {
      res.off('socket', done)
      connection.off('close', done)
      resolve()
    }
    res.on('socket', done)
    connection.on('close', done)
  })
  return !connection.destroyed
}

const NOBODY: RequestWatch = { listens: false, tell() {} }

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
