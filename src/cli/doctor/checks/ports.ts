import { deadline } from '../../../base/deadline.ts'
import { CommandFailure } from '../../failure.ts'
import { urlOf } from '../../up/announce.ts'
import { findPorts, type WantedPort } from '../../up/ports.ts'
import { askHttp, isGatewayReport, parseObject } from '../ask-http.ts'
import { type Check, type Finding, failure, ok } from '../check.ts'
import type { DoctorContext } from '../context.ts'

const ASK_MS_MAX = 2_000

interface Listener extends WantedPort {
  what: string
  /** Whether it is Sextant that listens there. */
  isOurs(context: DoctorContext): Promise<boolean>
}

export const ports: Check = {
  name: 'ports',
  run: async (context) => await Promise.all(listeners(context).map((one) => judge(one, context))),
}

async function judge(one: Listener, context: DoctorContext): Promise<Finding> {
  const where = `${one.host}:${one.port}`
  if (one.port === 0) return ok(`${one.what}: any free port will do`)
  try {
    await findPorts([one], context.random)
    return ok(`${one.what}: ${where} is free`)
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    return (await one.isOurs(context)) ? ok(`${one.what}: Sextant serves at ${where}`) : failure(error.message)
  }
}

function listeners({ role, settings }: DoctorContext): Listener[] {
  const { s3Host, s3Port, adminHost, adminPort, nodeHost, nodePort, nodeMetricsPort } = settings
  if (role === 'storage-node') {
    const node = { host: nodeHost, hostVariable: 'SEXTANT_NODE_HOST' }
    const metrics = { ...node, port: nodeMetricsPort ?? 0, portVariable: 'SEXTANT_NODE_METRICS_PORT' }
    const tellsLive = asksHttp(
      metrics,
      settings.adminTlsCert,
      '/health/live',
      (body) => parseObject(body).status === 'ok',
    )
    return [
      { ...node, port: nodePort, portVariable: 'SEXTANT_NODE_PORT', what: 'storage node', isOurs: isRegistered },
      ...(nodeMetricsPort === undefined ? [] : [{ ...metrics, what: 'metrics', isOurs: tellsLive }]),
    ]
  }
  const s3 = { host: s3Host, port: s3Port, hostVariable: 'SEXTANT_S3_HOST', portVariable: 'SEXTANT_S3_PORT' }
  const admin = {
    host: adminHost,
    port: adminPort,
    hostVariable: 'SEXTANT_ADMIN_HOST',
    portVariable: 'SEXTANT_ADMIN_PORT',
  }
  const byAdmin = asksHttp(admin, settings.adminTlsCert, '/health/ready')
  // By the PROXY protocol the S3 port answers balancers alone; it is the same gateway that answers for administration.
  const byS3 = settings.proxyProtocol ? byAdmin : asksHttp(s3, settings.s3TlsCert, '/health')
  return [
    { ...s3, what: 'S3', isOurs: byS3 },
    { ...admin, what: 'administration', isOurs: byAdmin },
  ]
}

function asksHttp(
  { host, port }: { host: string; port: number },
  cert: string | undefined,
  path: string,
  isOurs: (body: string) => boolean = (body) => isGatewayReport({ body }),
): (context: DoctorContext) => Promise<boolean> {
  return async ({ clock }) => {
    using late = deadline(clock, ASK_MS_MAX)
    const url = `${urlOf(host, port, { isSecure: cert !== undefined })}${path}`
    const answer = await askHttp(url, late.signal).catch(() => undefined)
    return answer !== undefined && isOurs(answer.body)
  }
}

/** A node that is alive has told the database where it listens. */
async function isRegistered({ settings, servers }: DoctorContext): Promise<boolean> {
  const asked = await servers()
  if (asked.is !== 'there') return false
  const { nodeHost, nodePort, nodeAddress } = settings
  const address = nodeAddress?.includes(':') ? nodeAddress : `${nodeAddress ?? nodeHost}:${nodePort}`
  return asked.value.some(({ grpcAddress, isStale }) => !isStale && grpcAddress === address)
}
