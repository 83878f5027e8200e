import { hash, timingSafeEqual } from 'node:crypto'
import { type CallStatus, GrpcCode } from '../base/rpc/grpc-status.ts'
import { type HeaderList, headersOf } from '../base/rpc/hpack.ts'
import type { ClusterCredentials } from '../base/tls/cluster-credentials.ts'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'

/** Who may call: judges a call before a byte of it is read. */
export type Gatekeeper = (path: string, headers: HeaderList) => CallStatus | undefined

const HEALTH = '/grpc.health.v1.Health/'

/** With certificates, whoever could connect is of the cluster. Otherwise every call but health checks needs its token. */
export function gatekeeperOf(credentials: ClusterCredentials, serverId: string): Gatekeeper {
  if ('identity' in credentials) return (_path, headers) => refuseStranger(headers, serverId)
  if (credentials.token === '') throw new Error('a storage node needs a cluster token')
  const expected = digest(`Bearer ${credentials.token}`)
  return (path, headers) =>
    path.startsWith(HEALTH) ? undefined : (refuseToken(headers, expected) ?? refuseStranger(headers, serverId))
}

function refuseToken(headers: HeaderList, expected: Buffer): CallStatus | undefined {
  const tokens = headersOf(headers, 'authorization')
  const token = tokens.length === 1 ? tokens[0]! : ''
  if (timingSafeEqual(digest(token), expected)) return undefined
  return { code: GrpcCode.unauthenticated, details: 'the cluster token is missing or wrong' }
}

/** Who means another server than this one. */
function refuseStranger(headers: HeaderList, serverId: string): CallStatus | undefined {
  const [meant] = headersOf(headers, SERVER_ID_METADATA)
  if (meant === undefined || meant === serverId) return undefined
  return { code: GrpcCode.failedPrecondition, details: 'another storage server is at this address now' }
}

/** Digests are of equal length, and tell nothing about how much of a token was right. */
function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
