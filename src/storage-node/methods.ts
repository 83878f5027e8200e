import { type BatchResponseMessage, type ReceivedCall, readBatchRequest } from '../base/wire/batch-messages.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { Gather } from '../base/wire/gather.ts'
import { WireError } from '../base/wire/protobuf.ts'
import { type PutFrame, readPutFrame } from '../base/wire/stream-messages.ts'
import { ChunkStoreService } from '../gen/sextant/chunk/v1/chunk.ts'

/**
 * The service as the protocol has it, with our own codec for what carries payload, and with decoders that answer a
 * WireError instead of throwing: grpc-js would make INTERNAL of it.
 */
export const chunkStoreMethods = {
  putChunk: { ...ChunkStoreService.putChunk, requestDeserialize: orError<PutFrame>(readPutFrame) },
  getChunk: {
    ...ChunkStoreService.getChunk,
    requestDeserialize: orError(ChunkStoreService.getChunk.requestDeserialize),
    responseSerialize: asGather,
  },
  batch: {
    ...ChunkStoreService.batch,
    requestDeserialize: orError<ReceivedCall[]>((bytes) => readBatchRequest(bytes, wireBounds.batchCallsMax)),
    responseSerialize: asGather as (message: BatchResponseMessage) => Buffer,
  },
  deleteChunks: withSafeRequest(ChunkStoreService.deleteChunks),
  listChunks: withSafeRequest(ChunkStoreService.listChunks),
  verifyChunks: withSafeRequest(ChunkStoreService.verifyChunks),
  describeChunks: withSafeRequest(ChunkStoreService.describeChunks),
  stat: withSafeRequest(ChunkStoreService.stat),
}

/** grpc-js touches nothing of a serialised message but what a Gather has. */
function asGather(message: Gather): Buffer {
  return message as unknown as Buffer
}

function orError<T>(decode: (bytes: Buffer) => T): (bytes: Buffer) => T | WireError {
  return (bytes) => {
    try {
      return decode(bytes)
    } catch (error) {
      return error instanceof WireError ? error : new WireError(error instanceof Error ? error.message : 'unreadable')
    }
  }
}

function withSafeRequest<M extends { requestDeserialize: (bytes: Buffer) => unknown }>(
  method: M,
): Omit<M, 'requestDeserialize'> & {
  requestDeserialize: (bytes: Buffer) => ReturnType<M['requestDeserialize']> | WireError
} {
  return {
    ...method,
    requestDeserialize: orError(method.requestDeserialize as (bytes: Buffer) => ReturnType<M['requestDeserialize']>),
  }
}
