import type { GetChunkRequest } from '../gen/sextant/chunk/v1/chunk.ts'
import type { NodeContext } from './context.ts'
import { parseChunkId } from './requests.ts'
import type { Send } from './rpc/answer.ts'

/** Sends a run of payload in pieces; the next piece is read from disk while the last one is sent. */
export async function getChunk(
  { disk, tuning, buffers }: NodeContext,
  request: GetChunkRequest,
  send: Send<Uint8Array>,
): Promise<void> {
  const chunkId = parseChunkId(request.chunkId)
  const end = request.offset + request.length
  const pieceBytes = Math.min(tuning.getPieceBytes, request.length)
  /** One is sent, one is read into. */
  const memory = [buffers.take(pieceBytes), buffers.take(pieceBytes)] as const
  const readAt = (offset: number, turn: number) => {
    const piece = disk.read(chunkId, offset, Math.min(pieceBytes, end - offset), memory[turn % 2])
    // It is awaited one turn later; until then its failure is not unhandled.
    piece.catch(() => {})
    return piece
  }
  let ahead = readAt(request.offset, 0)
  try {
    for (let offset = request.offset, turn = 1; ; turn++) {
      const piece = await ahead
      offset += piece.length
      const isLast = piece.length === 0 || offset >= end
      if (!isLast) ahead = readAt(offset, turn)
      if (piece.length > 0) await send(piece)
      if (isLast) return
    }
  } finally {
    await ahead.catch(() => {})
    for (const each of memory) buffers.give(each)
  }
}
