import { ChunkError } from '../base/faults.ts'
import {
  ChunkStatus,
  type DeleteChunksRequest,
  type DeleteChunksResponse,
  type ListChunksRequest,
  type ListChunksResponse,
  type StatResponse,
  type VerifyChunksRequest,
  type VerifyChunksResponse,
} from '../gen/sextant/chunk/v1/chunk.ts'
import type { NodeContext } from './context.ts'
import type { ListFilter } from './ports.ts'
import { parseChunkIds } from './requests.ts'
import type { Send } from './rpc/answer.ts'
import { toChunkStatus } from './status.ts'

export async function deleteChunks({ disk }: NodeContext, request: DeleteChunksRequest): Promise<DeleteChunksResponse> {
  return { deleted: await disk.delete(parseChunkIds(request.chunkIds)) }
}

export async function listChunks(
  { disk }: NodeContext,
  request: ListChunksRequest,
  send: Send<ListChunksResponse>,
): Promise<void> {
  const filter: ListFilter = {}
  if (request.session !== undefined) filter.session = request.session
  if (request.createdBeforeUnixMs !== undefined) filter.createdBeforeMs = request.createdBeforeUnixMs
  for await (const entries of disk.list(filter)) await send({ entries })
}

/** One answer a chunk, in the order asked. A chunk that fails its check is an answer, not an error. */
export async function verifyChunks(
  { disk }: NodeContext,
  request: VerifyChunksRequest,
  send: Send<VerifyChunksResponse>,
): Promise<void> {
  for (const id of parseChunkIds(request.chunkIds)) {
    const chunkId = Buffer.from(id)
    try {
      const chunkHash = await disk.verify(id)
      await send({ chunkId, status: ChunkStatus.CHUNK_STATUS_OK, chunkHash, message: '' })
    } catch (error) {
      if (!(error instanceof ChunkError) || error.failure === 'aborted') throw error
      await send({ chunkId, chunkHash: Buffer.alloc(0), ...verdict(error) })
    }
  }
}

function verdict(error: ChunkError): Pick<VerifyChunksResponse, 'status' | 'message'> {
  const { status, message } = toChunkStatus(error)
  return { status: status as ChunkStatus, message }
}

export async function stat({ disk }: NodeContext): Promise<StatResponse> {
  return await disk.stat()
}
