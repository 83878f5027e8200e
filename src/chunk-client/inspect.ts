import { partIdFromBytes } from '../base/ids.ts'
import type { ChunkDescription, ChunkName, ChunkVerdict } from '../engine/ports/chunk-store.ts'
import {
  type ChunkHeader,
  ChunkStatus,
  ChunkStoreService,
  type ChunkTrailer,
  PartLabel,
  PartSeal,
} from '../gen/sextant/chunk/v1/chunk.ts'
import type { CallWay } from './calls.ts'
import { fromReply } from './errors.ts'
import { type ReadStreamDeps, readStream } from './read-stream.ts'

/** A node reads a whole chunk before it says a word: a slow disk takes its time, and is not unreachable for that. */
const VERIFY_IDLE_MS = 120_000

/** One verdict a chunk, as they come. At most `wireBounds.idsMax` ids. */
export async function* verifyChunks(
  { calls, metadata }: CallWay,
  deps: ReadStreamDeps,
  chunkIds: Buffer[],
  signal: AbortSignal,
): AsyncGenerator<ChunkVerdict, void> {
  const { path, requestSerialize, responseDeserialize } = ChunkStoreService.verifyChunks
  const start = () => calls.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { chunkIds }, metadata)
  const patient = { ...deps, idleMs: VERIFY_IDLE_MS, onTimeout: () => {} }
  for await (const { chunkId, status, chunkHash, message } of readStream(start, patient, signal)) {
    const name = toName(chunkId)
    if (status === ChunkStatus.CHUNK_STATUS_OK) yield { ...name, chunkHash }
    else yield { ...name, failure: fromReply({ status, message }) }
  }
}

/** What a chunk says of itself. Rejects with a ChunkError: `not-found`, `corrupt`, and what any call may end with. */
export async function describeChunk(
  { calls, metadata }: CallWay,
  deps: ReadStreamDeps,
  chunkId: Buffer,
  signal: AbortSignal,
): Promise<ChunkDescription> {
  const { path, requestSerialize, responseDeserialize } = ChunkStoreService.describeChunks
  const request = { chunkIds: [chunkId] }
  const start = () => calls.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata)
  for await (const { header, trailer, status, message } of readStream(start, deps, signal)) {
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
