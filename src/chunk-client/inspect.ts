import { partIdFromBytes } from '../base/ids.ts'
import type { ChunkDescription, ChunkName, ChunkVerdict } from '../engine/ports/chunk-store.ts'
import {
  type ChunkHeader,
  ChunkStatus,
  type ChunkTrailer,
  DescribeChunksRequest,
  DescribeChunksResponse,
  PartLabel,
  PartSeal,
  VerifyChunksRequest,
  VerifyChunksResponse,
} from '../gen/sextant/chunk/v1/chunk.ts'
import { fromReply } from './errors.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { paths } from './methods.ts'
import { type ReadStreamDeps, readMessages } from './read-stream.ts'

/** A node reads a whole chunk before it says a word: a slow disk takes its time, and is not unreachable for that. */
const VERIFY_IDLE_MS = 120_000

/** One verdict a chunk, as they come. At most `wireBounds.idsMax` ids. */
export async function* verifyChunks(
  connection: GrpcConnection,
  deps: ReadStreamDeps,
  chunkIds: Buffer[],
  signal: AbortSignal,
): AsyncGenerator<ChunkVerdict, void> {
  const order = { path: paths.verifyChunks, request: VerifyChunksRequest.encode({ chunkIds }).finish() }
  const patient = { ...deps, idleMs: VERIFY_IDLE_MS, onTimeout: () => {} }
  for await (const answer of readMessages(connection, order, patient, signal)) {
    const { chunkId, status, chunkHash, message } = VerifyChunksResponse.decode(answer)
    const name = toName(chunkId)
    if (status === ChunkStatus.CHUNK_STATUS_OK) yield { ...name, chunkHash }
    else yield { ...name, failure: fromReply({ status, message }) }
  }
}

/** What a chunk says of itself. Rejects with a ChunkError: `not-found`, `corrupt`, and what any call may end with. */
export async function describeChunk(
  connection: GrpcConnection,
  deps: ReadStreamDeps,
  chunkId: Buffer,
  signal: AbortSignal,
): Promise<ChunkDescription> {
  const order = { path: paths.describeChunks, request: DescribeChunksRequest.encode({ chunkIds: [chunkId] }).finish() }
  for await (const answer of readMessages(connection, order, deps, signal)) {
    const { header, trailer, status, message } = DescribeChunksResponse.decode(answer)
    if (!header || !trailer) throw fromReply({ status, message })
    return toDescription(header, trailer)
  }
  throw fromReply({ status: ChunkStatus.CHUNK_STATUS_FAILED, message: 'the node did not answer' })
}

function toName(chunkId: Buffer): ChunkName {
  return { partId: partIdFromBytes(chunkId), index: chunkId[16]! }
}

function toDescription({ label, ...header }: ChunkHeader, { seal, ...trailer }: ChunkTrailer): ChunkDescription {
  const { createdUnixMs: createdMs, versionId, ...rest } = PartLabel.decode(label)
  return {
    header: {
      ...toName(header.chunkId),
      dataChunks: header.dataChunks,
      parityChunks: header.parityChunks,
      blockBytes: header.blockBytes,
      label: { ...rest, versionId: versionId as ChunkDescription['header']['label']['versionId'], createdMs },
    },
    trailer: { ...trailer, seal: PartSeal.decode(seal) },
  }
}
