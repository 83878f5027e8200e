import { ChunkError, type ChunkFailure } from '../base/faults.ts'
import { type CallStatus, GrpcCode } from '../base/rpc/grpc-status.ts'
import type { WireReply } from '../base/wire/batch-messages.ts'
import { ChunkStatus } from '../gen/sextant/chunk/v1/chunk.ts'

const byCode: { readonly [code: number]: ChunkFailure } = {
  [GrpcCode.notFound]: 'not-found',
  [GrpcCode.dataLoss]: 'corrupt',
  [GrpcCode.resourceExhausted]: 'no-space',
  [GrpcCode.invalidArgument]: 'invalid',
  [GrpcCode.unavailable]: 'unreachable',
  [GrpcCode.deadlineExceeded]: 'unreachable',
  [GrpcCode.cancelled]: 'unreachable',
  // Not let in, or another server answers at this address: either way, the server that was meant is not reached.
  [GrpcCode.unauthenticated]: 'unreachable',
  [GrpcCode.permissionDenied]: 'unreachable',
  [GrpcCode.failedPrecondition]: 'unreachable',
  // It speaks another version of the protocol: no word on the chunk.
  [GrpcCode.unimplemented]: 'unreachable',
}

const byChunkStatus: { readonly [chunkStatus: number]: ChunkFailure } = {
  [ChunkStatus.CHUNK_STATUS_NOT_FOUND]: 'not-found',
  [ChunkStatus.CHUNK_STATUS_CORRUPT]: 'corrupt',
  [ChunkStatus.CHUNK_STATUS_NO_SPACE]: 'no-space',
  [ChunkStatus.CHUNK_STATUS_FAILED]: 'failed',
  [ChunkStatus.CHUNK_STATUS_INVALID]: 'invalid',
}

/** What a call ended with, in the engine's words; undefined: well. */
export function fromStatus({ code, details }: CallStatus): ChunkError | undefined {
  if (code === GrpcCode.ok) return undefined
  return new ChunkError(byCode[code] ?? 'failed', details || `gRPC status ${code}`)
}

export function toChunkError(error: unknown): ChunkError {
  return error instanceof ChunkError ? error : unreachable(String((error as Error).message ?? error), error)
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
