import { type BatchRequestMessage, readBatchResponse } from '../base/wire/batch-messages.ts'
import type { Gather } from '../base/wire/gather.ts'
import { readGetPayload } from '../base/wire/stream-messages.ts'
import { ChunkStoreService } from '../gen/sextant/chunk/v1/chunk.ts'

/** The calls that carry payload, with our own codec; the wire is the protocol's. */
export const bulkMethods = {
  putChunk: {
    path: ChunkStoreService.putChunk.path,
    serialize: (message: Gather): Buffer => asBuffer(message),
    deserialize: ChunkStoreService.putChunk.responseDeserialize,
  },
  getChunk: {
    path: ChunkStoreService.getChunk.path,
    serialize: ChunkStoreService.getChunk.requestSerialize,
    deserialize: readGetPayload,
  },
  batch: {
    path: ChunkStoreService.batch.path,
    serialize: (message: BatchRequestMessage): Buffer => asBuffer(message),
    deserialize: readBatchResponse,
  },
}

/** grpc-js touches nothing of a serialised message but what a Gather has. */
function asBuffer(message: Gather): Buffer {
  return message as unknown as Buffer
}
