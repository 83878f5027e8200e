import { type ChannelCredentials, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { HealthClient } from '../gen/grpc/health/v1/health.ts'
import { ChunkStoreClient } from '../gen/sextant/chunk/v1/chunk.ts'
import { TOKEN } from './chunk-cluster.ts'

/** The generated client: the protocol as anybody else would speak it. */
export function protocolClient(
  address: string,
  by: ChannelCredentials = credentials.createInsecure(),
): ChunkStoreClient {
  return new ChunkStoreClient(address, by, { 'grpc.max_send_message_length': -1 })
}

export function healthClient(address: string): HealthClient {
  return new HealthClient(address, credentials.createInsecure())
}

export function bearer(token = TOKEN): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

/** The answer of a call with a callback, as a promise. */
export function answer<T>(call: (done: (error: ServiceError | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))))
}
