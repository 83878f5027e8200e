import type { HeaderList } from '../base/rpc/hpack.ts'
import { type ClusterCredentials, isLoopback } from '../base/tls/cluster-credentials.ts'
import type { TlsIdentity } from '../base/tls/identity.ts'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'

/** How the client proves who it is. */
export interface Passport {
  /** Sent with every call to this server. Naming it keeps chunks from a stranger that has taken over its address. */
  metadataFor(serverId: string): HeaderList
  /** Shown in every handshake; undefined: connections are plain. */
  readonly identity: TlsIdentity | undefined
  /** Why nothing may be said to a server at that host; undefined: it may. */
  refusalOf(host: string): string | undefined
}

export function passportOf(credentials: ClusterCredentials): Passport {
  if ('identity' in credentials) {
    return {
      identity: credentials.identity,
      metadataFor: (serverId) => [[SERVER_ID_METADATA, serverId]],
      refusalOf: () => undefined,
    }
  }
  const { token, staysHere = false } = credentials
  if (token === '') throw new Error('the chunk client needs a cluster token')
  return {
    identity: undefined,
    metadataFor: (serverId) => [
      ['authorization', `Bearer ${token}`],
      [SERVER_ID_METADATA, serverId],
    ],
    refusalOf: (host) =>
      staysHere && !isLoopback(host)
        ? `${host} is another host, and only certificates (SEXTANT_CLUSTER_TLS_CERT) are shown to those`
        : undefined,
  }
}
