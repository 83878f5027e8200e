import type { Client, Metadata, ServiceError } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { HealthCheckResponse_ServingStatus, HealthService } from '../gen/grpc/health/v1/health.ts'
import { ChunkStoreService } from '../gen/sextant/chunk/v1/chunk.ts'
import { aborted, fromServiceError, unreachable } from './errors.ts'
import type { ChunkClientSettings } from './settings.ts'

interface Method<Q, S> {
  path: string
  requestSerialize: (value: Q) => Buffer
  responseDeserialize: (bytes: Buffer) => S
}

interface CallOrder<Q, S> {
  method: Method<Q, S>
  request: Q
  timeoutMs: number
  signal?: AbortSignal
}

interface CallDeps {
  clock: Clock
  settings: ChunkClientSettings
}

/** What a call goes through. */
export interface CallWay {
  calls: Client
  metadata: Metadata
}

/** Resolves when the deletion is durable. At most `wireBounds.idsMax` ids. */
export async function deleteChunks(
  way: CallWay,
  { clock, settings }: CallDeps,
  chunkIds: Buffer[],
  signal: AbortSignal,
): Promise<void> {
  const order = { method: ChunkStoreService.deleteChunks, request: { chunkIds }, timeoutMs: settings.callMs, signal }
  await unaryCall(way, clock, order)
}

/** Rejects `unreachable` unless the server says within `connectMs` that it serves. */
export async function checkHealth(way: CallWay, { clock, settings }: CallDeps): Promise<void> {
  const order = { method: HealthService.check, request: { service: '' }, timeoutMs: settings.connectMs }
  const { status } = await unaryCall(way, clock, order)
  if (status !== HealthCheckResponse_ServingStatus.SERVING) throw unreachable('the server is stopping')
}

async function unaryCall<Q, S>(way: CallWay, clock: Clock, order: CallOrder<Q, S>): Promise<S> {
  const { method, request, timeoutMs, signal } = order
  if (signal?.aborted) throw aborted(signal)
  const { promise, resolve, reject } = Promise.withResolvers<S>()
  const { path, requestSerialize, responseDeserialize } = method
  const call = way.calls.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    way.metadata,
    (error: ServiceError | null, response?: S) => {
      if (error) reject(fromServiceError(error))
      else resolve(response!)
    },
  )
  const onAbort = () => {
    reject(aborted(signal))
    call.cancel()
  }
  using _timer = clock.after(timeoutMs, () => {
    reject(unreachable(`no answer within ${timeoutMs} ms`))
    call.cancel()
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
