import { type ServiceError, status } from '@grpc/grpc-js'
import { ChunkError, type ChunkFailure } from '../base/faults.ts'
import type { WireReply } from '../base/wire/batch-messages.ts'
import { ChunkStatus } from '../gen/sextant/chunk/v1/chunk.ts'

const byStatus: { readonly [code: number]: ChunkFailure } = {
  [status.NOT_FOUND]: 'not-found',
  [status.DATA_LOSS]: 'corrupt',
  [status.RESOURCE_EXHAUSTED]: 'no-space',
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNAVAILABLE]: 'unreachable',
  [status.DEADLINE_EXCEEDED]: 'unreachable',
  [status.CANCELLED]: 'unreachable',
  // Not let in, or another server answers at this address: either way, the server that was meant is not reached.
  [status.UNAUTHENTICATED]: 'unreachable',
  [status.PERMISSION_DENIED]: 'unreachable',
  [status.FAILED_PRECONDITION]: 'unreachable',
}

const byChunkStatus: { readonly [chunkStatus: number]: ChunkFailure } = {
  [ChunkStatus.CHUNK_STATUS_NOT_FOUND]: 'not-found',
  [ChunkStatus.CHUNK_STATUS_CORRUPT]: 'corrupt',
  [ChunkStatus.CHUNK_STATUS_NO_SPACE]: 'no-space',
  [ChunkStatus.CHUNK_STATUS_FAILED]: 'failed',
  [ChunkStatus.CHUNK_STATUS_INVALID]: 'invalid',
}

/** What a call ended with, in the engine's words. */
export function fromServiceError(error: unknown): ChunkError {
  if (error instanceof ChunkError) return error
  const { code, details } = error as Partial<ServiceError>
  return new ChunkError(failureOf(code, details), details || String((error as Error).message ?? error), {
    cause: error,
  })
}

/** grpc-js makes INTERNAL of a stream that was cut off; the node itself never says so in these words. */
function failureOf(code: status | undefined, details: string | undefined): ChunkFailure {
  if (code === status.INTERNAL && details?.startsWith('Received RST_STREAM')) return 'unreachable'
  return byStatus[code ?? status.UNKNOWN] ?? 'failed'
}

export function fromReply({ status, message }: Pick<WireReply, 'status' | 'message'>): ChunkError {
  return new ChunkError(byChunkStatus[status] ?? 'failed', message || 'the node refused')
}

export function unreachable(reason: string, cause?: unknown): ChunkError {
  return new ChunkError('unreachable', reason, { cause })
}

export function aborted(signal?: AbortSignal): ChunkError {
  return new ChunkError('aborted', 'the call was given up', { cause: signal?.reason })
}
