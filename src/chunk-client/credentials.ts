import { ChannelCredentials, Metadata } from '@grpc/grpc-js'
import { SERVER_ID_METADATA } from '../base/wire/bounds.ts'

/** How the client proves who it is. The one place to change when mutual TLS comes instead of the token. */
export interface Passport {
  credentials: ChannelCredentials
  /** Sent with every call to this server. Naming it keeps chunks from a stranger that has taken over its address. */
  metadataFor(serverId: string): Metadata
}

export function tokenPassport(clusterToken: string): Passport {
  if (clusterToken === '') throw new Error('the chunk client needs a cluster token')
  return {
    credentials: ChannelCredentials.createInsecure(),
    metadataFor(serverId) {
      const metadata = new Metadata()
      metadata.set('authorization', `Bearer ${clusterToken}`)
      metadata.set(SERVER_ID_METADATA, serverId)
      return metadata
    },
  }
}
