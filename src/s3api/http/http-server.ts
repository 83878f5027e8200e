import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { HttpLimits } from '../settings.ts'

/** Requests that wait for a 100 Continue. */
const expecting = new WeakSet<IncomingMessage>()

export function expectsContinue(req: IncomingMessage): boolean {
  return expecting.has(req)
}

/** Node's server with the limits of this store; `listener` also gets what Node would answer by itself. */
export function createHttpServer(listener: RequestListener, limits: HttpLimits): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      // How soon a time-out of the two above is noticed.
      connectionsCheckingInterval: Math.min(limits.headersMs, 30_000),
      maxHeaderSize: limits.headerBytesMax,
      // Missing and repeated Hosts are refused in S3's own words.
      requireHostHeader: false,
      noDelay: true,
    },
    listener,
  )
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
