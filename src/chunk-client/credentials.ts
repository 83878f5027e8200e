import type { HeaderList } from '../base/rpc/hpack.ts'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'

/** How the client proves who it is. The one place to change when mutual TLS comes instead of the token. */
export interface Passport {
  /** Sent with every call to this server. Naming it keeps chunks from a stranger that has taken over its address. */
  metadataFor(serverId: string): HeaderList
}

export function tokenPassport(clusterToken: string): Passport {
  if (clusterToken === '') throw new Error('the chunk client needs a cluster token')
  return {
    metadataFor: (serverId) => [
      ['authorization', `Bearer ${clusterToken}`],
      [SERVER_ID_METADATA, serverId],
    ],
  }
}
