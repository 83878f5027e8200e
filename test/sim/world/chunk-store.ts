import { ChunkError } from '../../../src/base/faults.ts'
import { chunkIdBytes, partIdBytes, partIdFromBytes, type ServerNumber } from '../../../src/base/ids.ts'
import { toDescription } from '../../../src/chunk-client/inspect.ts'
import { toWireHeader, toWireTrailer } from '../../../src/chunk-client/labels.ts'
import type {
  ChunkAnswer,
  ChunkFilter,
  ChunkName,
  ChunkPlace,
  ChunkStore,
  ChunkVerdict,
  ListedChunk,
  PayloadRange,
} from '../../../src/engine/ports/chunk-store.ts'
import type { OpenChunkDisk } from '../../../src/storage-node/disk/chunk-disk.ts'
import type { ListFilter } from '../../../src/storage-node/ports.ts'
import { asChunkError, type ChunkLine, type NodeWork, type RunningNode, unreachable } from './chunk-line.ts'
import { SimPutStream } from './put-stream.ts'
import type { Reach } from './steps.ts'

/** Pieces of a download that meet no block's edge. */
const PIECE_BYTES = 1_499

/**
 * The nodes as the engine sees them over a simulated network. `reach` is told of each call before it is sent, when its
 * node has done the work, and when it is answered; from one at which this process dies it does not come back.
 */
export function chunkStore(line: ChunkLine, reach: Reach): ChunkStore {
  async function call<T>(order: CallOrder, work: NodeWork<T>, signal: AbortSignal): Promise<T> {
    const { method, server, chunks = [] } = order
    await reach(`${method} to be sent`)
    const reported: NodeWork<T> = async (disk, node) => {
      const value = await work(disk, node)
      void reach(`${method} done`)
      return value
    }
    const what = [method, ...chunks.map(({ partId, index }) => `${partId}/${index}`)].join(' ')
    const answered = await line.call({ server, what }, reported, signal)
    await reach(`${method} answered`)
    return answered
  }

  return {
    isReachable: (server) => line.isReachable(server),
    putChunk(server, { header, pieces, trailer }, signal) {
      const chunk = { header: toWireHeader(header), payload: Buffer.concat(pieces), trailer: toWireTrailer(trailer) }
      const order = { server, method: 'putChunk', chunks: [header] }
      let puts = 0
      const put: NodeWork<ChunkPlace> = (disk) => {
        puts += 1
        // The second one may come after a delete.
        if (puts > 1) line.deps.onGivenUp(server, header)
        return putAndLocate(disk, chunk)
      }
      return call(order, put, signal).catch((error: unknown) => {
        line.deps.onGivenUp(server, header)
        throw error
      })
    },
    openChunk(server, header, signal) {
      const stream = new SimPutStream(line, { server, header }, signal)
      return {
        async write(pieces) {
          const written = stream.write(pieces)
          void reach('chunk being written')
          await written
        },
        async finish(trailer) {
          await reach('chunk to be finished')
          await stream.finish(trailer).catch((error: unknown) => {
            line.deps.onGivenUp(server, header)
            throw error
          })
          await reach('chunk finished')
        },
        abort: () => stream.abort(),
      }
    },
    getPayload: (server, range, signal) =>
      call({ server, method: 'getPayload', chunks: [range] }, (disk) => read(disk, range), signal),
    locateChunk: (server, { partId, index }, signal) =>
      call({ server, method: 'locateChunk' }, async (disk) => disk.locate(chunkIdBytes(partId, index)), signal),
    async *streamPayload(server, { offset, length, ...chunk }, signal) {
      const sameNode = onOneNode()
      for (let at = 0; at < length; at += PIECE_BYTES) {
        const piece = { ...chunk, offset: offset + at, length: Math.min(PIECE_BYTES, length - at) }
        const order = { server, method: 'streamPayload', chunks: [chunk] }
        yield await call(order, sameNode(onPiece(piece)), signal)
      }
    },
    async deleteChunks(server, chunks, signal, writtenBefore) {
      const remove: NodeWork<number> = (disk) => disk.delete(chunks.map(idOf), writtenBefore)
      await call({ server, method: 'deleteChunks', chunks }, remove, signal)
    },
    async *listChunks(server, filter, signal) {
      const found = await call({ server, method: 'listChunks' }, (disk) => listAll(disk, filter), signal)
      if (found.length > 0) yield found
    },
    async *verifyChunks(server, chunks, signal) {
      for (const chunk of chunks) {
        yield await call({ server, method: 'verifyChunks', chunks: [chunk] }, (disk) => verify(disk, chunk), signal)
      }
    },
    async *describeChunks(server, chunks, signal) {
      for (const chunk of chunks) {
        yield await call(
          { server, method: 'describeChunks', chunks: [chunk] },
          (disk) => answerOf(chunk, describe(disk, chunk)),
          signal,
        )
      }
    },
    statServer: (server, signal) => call({ server, method: 'statServer' }, (disk) => disk.stat(), signal),
    describeChunk: (server, chunk, signal) =>
      call({ server, method: 'describeChunk', chunks: [chunk] }, (disk) => describe(disk, chunk), signal),
  }
}

interface CallOrder {
  server: ServerNumber
  method: string
  /** For the trace. */
  chunks?: readonly ChunkName[]
}

async function putAndLocate(disk: OpenChunkDisk, { header, payload, trailer }: StoredChunk) {
  await disk.put(header, payload, trailer)
  return disk.locate(header.chunkId)
}

interface StoredChunk {
  header: ReturnType<typeof toWireHeader>
  payload: Buffer
  trailer: ReturnType<typeof toWireTrailer>
}

function onPiece(piece: PayloadRange): NodeWork<Buffer> {
  return (disk) => read(disk, piece)
}

/** A stream does not outlive the process that it comes from. */
function onOneNode() {
  let first: RunningNode | undefined
  return <T>(work: NodeWork<T>): NodeWork<T> =>
    (disk, node) => {
      first ??= node
      return node === first ? work(disk, node) : Promise.reject(unreachable('the connection broke'))
    }
}

async function read(disk: OpenChunkDisk, { partId, index, offset, length }: PayloadRange): Promise<Buffer> {
  const payload = await disk.read(chunkIdBytes(partId, index), offset, length)
  if (payload.length !== length)
    throw new ChunkError('failed', `${length} bytes were asked for, ${payload.length} came`)
  return payload
}

async function listAll(disk: OpenChunkDisk, { after, until, ...rest }: ChunkFilter): Promise<ListedChunk[]> {
  const filter: ListFilter = { ...rest }
  if (after !== undefined) filter.afterPart = partIdBytes(after)
  if (until !== undefined) filter.untilPart = partIdBytes(until)
  const names: ListedChunk[] = []
  for await (const batch of disk.list(filter)) {
    for (const { chunkId, payloadBytes } of batch) {
      names.push({ partId: partIdFromBytes(chunkId), index: chunkId[16]!, payloadBytes })
    }
  }
  return names
}

async function verify(disk: OpenChunkDisk, { partId, index }: ChunkName): Promise<ChunkVerdict> {
  try {
    return { partId, index, chunkHash: await disk.verify(chunkIdBytes(partId, index)) }
  } catch (error) {
    return { partId, index, failure: asChunkError(error) }
  }
}

async function answerOf(chunk: ChunkName, described: ReturnType<typeof describe>): Promise<ChunkAnswer> {
  return await described.then(
    (description) => ({ ...chunk, description }),
    (error) => ({ ...chunk, failure: asChunkError(error) }),
  )
}

async function describe(disk: OpenChunkDisk, chunk: ChunkName) {
  const { header, trailer } = await disk.describe(idOf(chunk))
  const { chunkId, label, ...rest } = header
  return toDescription(
    { ...rest, chunkId: Buffer.from(chunkId), label: Buffer.from(label) },
    { ...trailer, chunkHash: Buffer.from(trailer.chunkHash), seal: Buffer.from(trailer.seal) },
  )
}

function idOf({ partId, index }: ChunkName): Buffer {
  return chunkIdBytes(partId, index)
}
