import type { Encryption } from '../base/encryption.ts'
import { partIdBytes, partIdFromBytes } from '../base/ids.ts'
import type {
  ChunkAnswer,
  ChunkDescription,
  ChunkFilter,
  ChunkName,
  ChunkVerdict,
  ListedChunk,
} from '../engine/ports/chunk-store.ts'
import {
  type ChunkHeader,
  ChunkStatus,
  type ChunkTrailer,
  DescribeChunksRequest,
  DescribeChunksResponse,
  ListChunksRequest,
  ListChunksResponse,
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

/** What chunks say of themselves, as it comes. At most `wireBounds.idsMax` ids. */
export async function* describeChunks(
  connection: GrpcConnection,
  deps: ReadStreamDeps,
  chunkIds: Buffer[],
  signal: AbortSignal,
): AsyncGenerator<ChunkAnswer, void> {
  const order = { path: paths.describeChunks, request: DescribeChunksRequest.encode({ chunkIds }).finish() }
  for await (const answer of readMessages(connection, order, deps, signal)) {
    const { chunkId, header, trailer, status, message } = DescribeChunksResponse.decode(answer)
    const name = toName(chunkId)
    if (header && trailer) yield { ...name, description: toDescription(header, trailer) }
    else yield { ...name, failure: fromReply({ status, message }) }
  }
}

/** In batches as they come. */
export async function* listChunks(
  connection: GrpcConnection,
  deps: ReadStreamDeps,
  { session, createdBeforeMs, after, until }: ChunkFilter,
  signal: AbortSignal,
): AsyncGenerator<ListedChunk[], void> {
  const filter = {
    session,
    createdBeforeUnixMs: createdBeforeMs,
    afterPart: after && partIdBytes(after),
    untilPart: until && partIdBytes(until),
  }
  const order = { path: paths.listChunks, request: ListChunksRequest.encode(filter).finish() }
  for await (const message of readMessages(connection, order, deps, signal)) {
    const { entries } = ListChunksResponse.decode(message)
    yield entries.map(({ chunkId, payloadBytes }) => ({ ...toName(chunkId), payloadBytes }))
  }
}

function toName(chunkId: Buffer): ChunkName {
  return { partId: partIdFromBytes(chunkId), index: chunkId[16]! }
}

export function toDescription({ label, ...header }: ChunkHeader, { seal, ...trailer }: ChunkTrailer): ChunkDescription {
  const { createdUnixMs: createdMs, versionId, encryption, ...rest } = PartLabel.decode(label)
  return {
    header: {
      ...toName(header.chunkId),
      dataChunks: header.dataChunks,
      parityChunks: header.parityChunks,
      blockBytes: header.blockBytes,
      label: {
        ...rest,
        versionId: versionId as ChunkDescription['header']['label']['versionId'],
        createdMs,
        encryption: parseEncryption(encryption),
      },
    },
    trailer: { ...trailer, seal: PartSeal.decode(seal) },
  }
}

/** As it was written; undefined also where it makes no sense. */
function parseEncryption(text: string): Encryption | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as Encryption)
  } catch {
    return undefined
  }
}
