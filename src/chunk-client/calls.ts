import type { Clock } from '../base/clock.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { ServerStat } from '../engine/ports/chunk-store.ts'
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus,
} from '../gen/grpc/health/v1/health.ts'
import { DeleteChunksRequest, DeleteChunksResponse, StatRequest, StatResponse } from '../gen/sextant/chunk/v1/chunk.ts'
import { aborted, fromStatus, unreachable } from './errors.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { paths } from './methods.ts'
import type { ChunkClientSettings } from './settings.ts'

interface CallDeps {
  clock: Clock
  settings: ChunkClientSettings
}

/** Resolves when the deletion is durable. At most `wireBounds.idsMax` ids. */
export async function deleteChunks(
  connection: GrpcConnection,
  { clock, settings }: CallDeps,
  what: DeleteChunksRequest,
  signal: AbortSignal,
): Promise<void> {
  const request = DeleteChunksRequest.encode(what).finish()
  const order = { path: paths.deleteChunks, request, timeoutMs: settings.callMs, signal }
  DeleteChunksResponse.decode(await unaryCall(connection, clock, order))
}

export async function readStat(
  connection: GrpcConnection,
  { clock, settings }: CallDeps,
  signal: AbortSignal,
): Promise<ServerStat> {
  const request = StatRequest.encode({}).finish()
  const order = { path: paths.stat, request, timeoutMs: settings.callMs, signal }
  const told = StatResponse.decode(await unaryCall(connection, clock, order))
  const { chunkCount, beats, moment, version, unixMs } = told
  return {
    chunkCount,
    beats,
    moment: moment.length > 0 ? moment : undefined,
    version: version || undefined,
    nowMs: unixMs || undefined,
  }
}

/** Rejects `unreachable` unless the server says within `connectMs` that it serves. */
export async function checkHealth(connection: GrpcConnection, { clock, settings }: CallDeps): Promise<void> {
  const request = HealthCheckRequest.encode({ service: '' }).finish()
  const answer = await unaryCall(connection, clock, { path: paths.checkHealth, request, timeoutMs: settings.connectMs })
  const { status } = HealthCheckResponse.decode(answer)
  if (status !== HealthCheckResponse_ServingStatus.SERVING) throw unreachable('the server is stopping')
}

interface CallOrder {
  path: string
  request: Uint8Array
  timeoutMs: number
  signal?: AbortSignal
}

/** The answer's message. Rejects with a ChunkError. */
async function unaryCall(connection: GrpcConnection, clock: Clock, order: CallOrder): Promise<Buffer> {
  const { path, request, timeoutMs, signal } = order
  if (signal?.aborted) throw aborted(signal)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  let answer: Buffer | undefined
  const messages = new MessageCollector({
    bytesMax: wireBounds.messageBytesMax,
    allocate: (bytes) => Buffer.allocUnsafe(bytes),
    onMessage: (message) => {
      answer = message
    },
  })
  const call = connection.call(path, {
    messages,
    onTaken: (bytes) => call.consumed(bytes),
    onStatus: (status) => {
      const error = fromStatus(status) ?? (answer ? undefined : unreachable('the server answered nothing'))
      if (error) reject(error)
      else resolve(answer!)
    },
  })
  call.send([request])
  call.end()
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
