import { ChunkError, type ChunkFailure } from '../base/faults.ts'
import { type CallStatus, GrpcCode } from '../base/rpc/grpc-status.ts'
import { WireError } from '../base/wire/protobuf.ts'
import { ChunkStatus } from '../gen/sextant/chunk/v1/chunk.ts'

interface FailureRow {
  code: number
  chunk: number
}

const failures: { readonly [F in ChunkFailure]: FailureRow } = {
  'not-found': { code: GrpcCode.notFound, chunk: ChunkStatus.CHUNK_STATUS_NOT_FOUND },
  corrupt: { code: GrpcCode.dataLoss, chunk: ChunkStatus.CHUNK_STATUS_CORRUPT },
  'no-space': { code: GrpcCode.resourceExhausted, chunk: ChunkStatus.CHUNK_STATUS_NO_SPACE },
  failed: { code: GrpcCode.internal, chunk: ChunkStatus.CHUNK_STATUS_FAILED },
  invalid: { code: GrpcCode.invalidArgument, chunk: ChunkStatus.CHUNK_STATUS_INVALID },
  unreachable: { code: GrpcCode.unavailable, chunk: ChunkStatus.CHUNK_STATUS_FAILED },
  aborted: { code: GrpcCode.cancelled, chunk: ChunkStatus.CHUNK_STATUS_FAILED },
}

/** Trailers are headers: what is too long for one would break the connection. */
const DETAILS_LENGTH_MAX = 300

export function toCallStatus(error: unknown): CallStatus {
  return { code: failures[failureOf(error)].code, details: describe(error) }
}

export function toChunkStatus(error: unknown): { status: number; message: string } {
  return { status: failures[failureOf(error)].chunk, message: describe(error) }
}

/** Not the caller's doing, nor foreseen: worth a line in the log. */
export function isUnforeseen(error: unknown): boolean {
  return !(error instanceof ChunkError || error instanceof WireError)
}

function failureOf(error: unknown): ChunkFailure {
  if (error instanceof ChunkError) return error.failure
  return error instanceof WireError ? 'invalid' : 'failed'
}

function describe(error: unknown): string {
  if (isUnforeseen(error)) return 'the node failed; its log says why'
  return (error as Error).message.slice(0, DETAILS_LENGTH_MAX).toWellFormed()
}
