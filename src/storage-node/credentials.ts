import { hash, timingSafeEqual } from 'node:crypto'
import { type CallStatus, GrpcCode } from '../base/rpc/grpc-status.ts'
import { type HeaderList, headersOf } from '../base/rpc/hpack.ts'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'

/** Who may call: judges a call before a byte of it is read. The one place to change when mutual TLS comes. */
export type Gatekeeper = (path: string, headers: HeaderList) => CallStatus | undefined

const HEALTH = '/grpc.health.v1.Health/'

/** Asks every call but health checks for the cluster's token. */
export function tokenGatekeeper(clusterToken: string, serverId: string): Gatekeeper {
  if (clusterToken === '') throw new Error('a storage node needs a cluster token')
  const expected = digest(`Bearer ${clusterToken}`)
  return (path, headers) => (path.startsWith(HEALTH) ? undefined : refuse(headers, expected, serverId))
}

function refuse(headers: HeaderList, expected: Buffer, serverId: string): CallStatus | undefined {
  const tokens = headersOf(headers, 'authorization')
  const token = tokens.length === 1 ? tokens[0]! : ''
  if (!timingSafeEqual(digest(token), expected)) {
    return { code: GrpcCode.unauthenticated, details: 'the cluster token is missing or wrong' }
  }
  const [meant] = headersOf(headers, SERVER_ID_METADATA)
  if (meant !== undefined && meant !== serverId) {
    return { code: GrpcCode.failedPrecondition, details: 'another storage server is at this address now' }
  }
  return undefined
}

/** Digests are of equal length, and tell nothing about how much of a token was right. */
function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
