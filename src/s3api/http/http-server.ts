import {
  createServer,
  type IncomingMessage,
  METHODS,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { TlsIdentity } from '../../base/tls/identity.ts'
import type { HttpLimits } from '../settings.ts'

const methods = new Set(METHODS)

/** Requests that wait for a 100 Continue. */
const expecting = new WeakSet<IncomingMessage>()

export function expectsContinue(req: IncomingMessage): boolean {
  return expecting.has(req)
}

/**
 * Node's server with the limits of this store, https with `tls`; `handle` also gets what Node would answer by itself, and no
 * method that Node does not list: its parser takes HTTP/2's PRI for one, which is a broken request like any other here.
 */
export function createHttpServer(handle: RequestListener, limits: HttpLimits, tls?: TlsIdentity): Server {
  const listener: RequestListener = (req, res) => {
    // Sent ahead on a connection that was closed since: Node goes on to parse what it has read, a hundred heads and more.
    if (req.socket.destroyed) return
    if (methods.has(req.method!)) return handle(req, res)
    server.emit('clientError', Object.assign(new Error('no such method'), { code: 'HPE_INVALID_METHOD' }), req.socket)
  }
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    // How soon a time-out of the two above is noticed.
    connectionsCheckingInterval: Math.min(limits.headersMs, 30_000),
    maxHeaderSize: limits.headerBytesMax,
    // Missing and repeated Hosts are refused in S3's own words.
    requireHostHeader: false,
    noDelay: true,
    highWaterMark: limits.unaskedBytes,
  }
  const server: Server = tls ? secureServer(options, listener, tls, limits) : createServer(options, listener)
  // Node drops headers beyond this count without a word, and signatures cover them; their size is bounded anyway.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connectionsMax
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse & { _expect_continue?: boolean }) => {
    expecting.add(req)
    // With this set, Node closes every connection whose request was refused without a 100; see leftover-body.ts.
    res._expect_continue = false
    listener(req, res)
  })
  // Node would answer 417; S3 passes other expectations over.
  server.on('checkExpectation', listener)
  return server
}

function secureServer(options: ServerOptions, listener: RequestListener, tls: TlsIdentity, limits: HttpLimits): Server {
  const server = createSecureServer(
    // Without a word of it, some clients would ask for HTTP/2.
    { ...options, ...tls.options, ALPNProtocols: ['http/1.1'], handshakeTimeout: limits.handshakeMs },
    listener,
  )
  const following = tls.onChange((changed) => server.setSecureContext(changed))
  server.once('close', () => following[Symbol.dispose]())
  return server
}
