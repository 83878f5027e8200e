import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type FastifyServerFactory, fastify } from 'fastify'
import { carriesToken } from '../base/admin-token.ts'
import type { Log } from '../base/log.ts'
import type { TlsIdentity } from '../base/tls/identity.ts'
import type { ClusterHealth } from './cluster-health.ts'
import { type Health, isReady } from './health.ts'
import type { RequestStream } from './request-stream.ts'
import { serveRequestsOfHost } from './requests-of-host.ts'

export interface AdminServer extends AsyncDisposable {
  readonly port: number
}

export interface AdminDeps {
  /** Of a gateway: whether it can serve, and how its cluster is. */
  gateway?: { health: Health; cluster: ClusterHealth }
  /** Of a gateway: its requests, as they end; for who has the token. `peers`: sockets of the other processes of its host. */
  requests?: { stream: RequestStream; peers: readonly string[]; token: string }
  /** Prometheus' text. */
  metrics: () => Promise<string>
  log: Log
  settings: AdminSettings
}

export interface AdminSettings {
  host: string
  /** 0: any free one. */
  port: number
  /** With it the port is https. */
  tls?: TlsIdentity | undefined
}

const REQUEST_MS_MAX = 10_000

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * `GET /health/live`: the process answers. `GET /health/ready`: 200 if it can serve S3, else 503; with the report.
 * `GET /health/cluster`: 200 if the store can be read and written, as far as is known. `GET /metrics`. `GET /requests`: lines of
 * JSON, one for each request from now on, by the filter in the query; with `Authorization: Bearer TOKEN`.
 */
export async function startAdminServer(deps: AdminDeps): Promise<AdminServer> {
  const { gateway, requests, metrics, log, settings } = deps
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: 1024,
    serverFactory: serverFactory(settings.tls),
  })
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'))
  app.get('/health/live', () => ({ status: 'ok' }))
  if (gateway) {
    app.get('/health/ready', async (_request, reply) => {
      const report = await gateway.health.report()
      return reply.code(isReady(report) ? 200 : 503).send(report)
    })
    app.get('/health/cluster', async (_request, reply) => {
      const report = await gateway.cluster()
      return reply.code(report.canRead === false || !report.canWrite ? 503 : 200).send(report)
    })
  }
  if (requests) {
    app.get('/requests', (request, reply) => {
      if (!carriesToken(request.headers.authorization, requests.token))
        return reply.code(401).send({ error: 'Unauthorized' })
      reply.hijack()
      serveRequestsOfHost(requests, new URLSearchParams(request.url.split('?')[1]), reply.raw)
      return reply
    })
  }
  app.get('/metrics', async (_request, reply) => reply.type(METRICS_TYPE).send(await metrics()))
  app.setErrorHandler((error, request, reply) => {
    log.error({ err: error, path: request.routeOptions.url }, 'an admin request failed')
    return reply.code(500).send({ error: 'InternalError' })
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'NotFound' }))
  await app.listen({ host: settings.host, port: settings.port })
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address ? address.port : settings.port,
    [Symbol.asyncDispose]: () => app.close(),
  }
}

function serverFactory(tls: TlsIdentity | undefined): FastifyServerFactory {
  const limits = { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX }
  return (listener) => {
    if (!tls) return createServer(limits, listener)
    const options = { ...limits, ...tls.options, handshakeTimeout: REQUEST_MS_MAX }
    const server = createSecureServer(options, listener)
    const following = tls.onChange((changed) => server.setSecureContext(changed))
    server.once('close', () => following[Symbol.dispose]())
    return server
  }
}
