import { ChunkError } from '../base/faults.ts'
import {
  ChunkStatus,
  type DeleteChunksRequest,
  type DeleteChunksResponse,
  type DescribeChunksRequest,
  type DescribeChunksResponse,
  type ListChunksRequest,
  type ListChunksResponse,
  type StatResponse,
  type VerifyChunksRequest,
  type VerifyChunksResponse,
} from '../gen/sextant/chunk/v1/chunk.ts'
import type { NodeContext } from './context.ts'
import type { ListFilter, StoredDescription } from './ports.ts'
import { parseChunkIds, parsePartId } from './requests.ts'
import type { Send } from './rpc/answer.ts'
import { toChunkStatus } from './status.ts'

export async function deleteChunks({ disk }: NodeContext, request: DeleteChunksRequest): Promise<DeleteChunksResponse> {
  return { deleted: await disk.delete(parseChunkIds(request.chunkIds), request.writtenBefore) }
}

export async function listChunks(
  { disk }: NodeContext,
  request: ListChunksRequest,
  send: Send<ListChunksResponse>,
): Promise<void> {
  const filter: ListFilter = {}
  if (request.session !== undefined) filter.session = request.session
  if (request.createdBeforeUnixMs !== undefined) filter.createdBeforeMs = request.createdBeforeUnixMs
  if (request.afterPart !== undefined) filter.afterPart = parsePartId(request.afterPart)
  if (request.untilPart !== undefined) filter.untilPart = parsePartId(request.untilPart)
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
    const outcome = await foundOut(async () => ({ chunkHash: await disk.verify(id) }))
    await send({ chunkId, chunkHash: Buffer.alloc(0), ...outcome })
  }
}

/** One answer a chunk, in the order asked; of one that is lost or damaged, why. */
export async function describeChunks(
  { disk }: NodeContext,
  request: DescribeChunksRequest,
  send: Send<DescribeChunksResponse>,
): Promise<void> {
  for (const id of parseChunkIds(request.chunkIds)) {
    const chunkId = Buffer.from(id)
    const outcome = await foundOut(async () => toMessages(await disk.describe(id)))
    await send({ chunkId, header: undefined, trailer: undefined, ...outcome })
  }
}

function toMessages({ header, trailer }: StoredDescription): Pick<DescribeChunksResponse, 'header' | 'trailer'> {
  const { chunkId, dataChunks, parityChunks, blockBytes, label } = header
  const { partBytes, chunkHash, seal } = trailer
  return {
    header: { chunkId: Buffer.from(chunkId), dataChunks, parityChunks, blockBytes, label: Buffer.from(label) },
    trailer: { partBytes, chunkHash: Buffer.from(chunkHash), seal: Buffer.from(seal) },
  }
}

interface Outcome {
  status: ChunkStatus
  message: string
}

/** What was found, or why it was not; throws only what is not about this chunk. */
async function foundOut<T extends object>(find: () => Promise<T>): Promise<Outcome & Partial<T>> {
  try {
    return { status: ChunkStatus.CHUNK_STATUS_OK, message: '', ...(await find()) }
  } catch (error) {
    if (!(error instanceof ChunkError) || error.failure === 'aborted') throw error
    const { status, message } = toChunkStatus(error)
    return { status: status as ChunkStatus, message } as Outcome & Partial<T>
  }
}

export async function stat({ disk, clock, version }: NodeContext): Promise<StatResponse> {
  return { ...(await disk.stat()), version, unixMs: Math.round(clock.nowMs()) }
}
