import { hash, timingSafeEqual } from 'node:crypto'
import { type Metadata, ServerCredentials, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'
import type { CallStatus } from './status.ts'

/** Who may call. The one place to change when mutual TLS comes instead of the token. */
export interface Gatekeeper {
  credentials: ServerCredentials
  interceptor: ServerInterceptor
}

const HEALTH = '/grpc.health.v1.Health/'

/** Asks every call but health checks for the cluster's token, before a byte of the call is read. */
export function tokenGatekeeper(clusterToken: string, serverId: string): Gatekeeper {
  if (clusterToken === '') throw new Error('a storage node needs a cluster token')
  const expected = digest(`Bearer ${clusterToken}`)
  return {
    credentials: ServerCredentials.createInsecure(),
    interceptor: (method, call) =>
      new ServerInterceptingCall(call, {
        start: (next) => {
          next({
            onReceiveMetadata: (metadata, pass) => {
              const refusal = method.path.startsWith(HEALTH) ? undefined : refuse(metadata, expected, serverId)
              if (refusal) call.sendStatus(refusal)
              else pass(metadata)
            },
          })
        },
      }),
  }
}

function refuse(metadata: Metadata, expected: Buffer, serverId: string): CallStatus | undefined {
  const tokens = metadata.get('authorization')
  const token = tokens.length === 1 ? String(tokens[0]) : ''
  if (!timingSafeEqual(digest(token), expected)) {
    return { code: status.UNAUTHENTICATED, details: 'the cluster token is missing or wrong' }
  }
  const meant = metadata.get(SERVER_ID_METADATA)
  if (meant.length > 0 && meant[0] !== serverId) {
    return { code: status.FAILED_PRECONDITION, details: 'another storage server is at this address now' }
  }
  return undefined
}

/** Digests are of equal length, and tell nothing about how much of a token was right. */
function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
