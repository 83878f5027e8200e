import { fastify } from 'fastify'
import type { Log } from '../base/log.ts'
import type { Health } from './health.ts'

export interface AdminServer extends AsyncDisposable {
  readonly port: number
}

export interface AdminDeps {
  health: Health
  log: Log
  settings: AdminSettings
}

export interface AdminSettings {
  host: string
  /** 0: any free one. */
  port: number
}

/** `GET /health/live`: the process answers. `GET /health/ready`: 200 if it can serve S3, else 503; with the report. */
export async function startAdminServer({ health, log, settings }: AdminDeps): Promise<AdminServer> {
  const app = fastify({ logger: false, forceCloseConnections: true, requestTimeout: 10_000, bodyLimit: 1024 })
  app.get('/health/live', () => ({ status: 'ok' }))
  app.get('/health/ready', async (_request, reply) => {
    const report = await health.report()
    return reply
      .code(report.status === 'unavailable' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(report)
  })
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
