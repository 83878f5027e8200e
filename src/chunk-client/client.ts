import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import { chunkIdBytes, type ServerId, type ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { CurrentTrace } from '../base/spans.ts'
import type { ClusterCredentials } from '../base/tls/cluster-credentials.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireRange } from '../base/wire/chunk-fields.ts'
import { readPlace } from '../base/wire/chunk-place.ts'
import { totalBytes } from '../base/wire/gather.ts'
import { readGetPayload } from '../base/wire/stream-messages.ts'
import type {
  ChunkAnswer,
  ChunkDescription,
  ChunkFilter,
  ChunkHeader,
  ChunkName,
  ChunkPlace,
  ChunkStore,
  ChunkVerdict,
  ChunkWriter,
  ListedChunk,
  Moment,
  PayloadRange,
  ServerStat,
  SmallChunk,
} from '../engine/ports/chunk-store.ts'
import type { ClusterView, StorageServer } from '../engine/ports/cluster.ts'
import { GetChunkRequest } from '../gen/sextant/chunk/v1/chunk.ts'
import { deleteChunks, readStat } from './calls.ts'
import { passportOf } from './credentials.ts'
import { aborted, unreachable } from './errors.ts'
import type { LinkTarget } from './grpc-connection.ts'
import { describeChunks, listChunks, verifyChunks } from './inspect.ts'
import { toWireHeader, toWireTrailer } from './labels.ts'
import { Link, type LinkDeps } from './link.ts'
import { paths } from './methods.ts'
import { PutStream } from './put-stream.ts'
import { readMessages } from './read-stream.ts'
import type { Session } from './session.ts'
import { type ChunkClientSettings, chunkClientDefaults } from './settings.ts'

export interface ChunkClientDeps {
  cluster: ClusterView
  credentials: ClusterCredentials
  clock: Clock
  log: Log
  settings?: Partial<ChunkClientSettings>
  /** Nodes are told whose trace a call belongs to; absent: there are none. */
  currentTrace?: CurrentTrace | undefined
}

/** The engine's chunk store over gRPC. Disposed, it fails what is under way with `unreachable`. */
export type ChunkClient = ChunkStore & AsyncDisposable

/** Connects to a server when it is first called. Faults of all calls: ChunkError. */
export function createChunkClient(deps: ChunkClientDeps): ChunkClient {
  return new GrpcChunkStore(deps)
}

class GrpcChunkStore implements ChunkClient {
  #cluster: ClusterView
  #links = new Map<ServerNumber, Link>()
  #linkDeps: LinkDeps
  #subscription: Disposable
  #isDisposed = false

  constructor({ cluster, credentials, clock, log, settings, currentTrace }: ChunkClientDeps) {
    this.#cluster = cluster
    const all = { ...chunkClientDefaults, ...settings }
    this.#linkDeps = { passport: passportOf(credentials), clock, log, settings: all, currentTrace }
    this.#subscription = cluster.onChange(() => this.#follow())
  }

  async putChunk(
    server: ServerNumber,
    { header, pieces, trailer }: SmallChunk,
    signal: AbortSignal,
  ): Promise<ChunkPlace | undefined> {
    const bytes = totalBytes(pieces)
    if (bytes > wireBounds.messageBytesMax) throw new ChunkError('invalid', 'too large for one message: use a stream')
    const put = { header: toWireHeader(header), trailer: toWireTrailer(trailer), pieces }
    const session = await this.#session(server, signal)
    const place = await session.puts.call({ put }, bytes, signal)
    return place.length > 0 ? readPlace(place) : undefined
  }

  openChunk(server: ServerNumber, header: ChunkHeader, signal: AbortSignal): ChunkWriter {
    const connect = async () => (await this.#session(server, signal)).bulk
    return new PutStream({ ...this.#streamDeps(server), connect }, toWireHeader(header), signal)
  }

  async getPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): Promise<Buffer> {
    if (range.length > wireBounds.getBytesMax) throw new ChunkError('invalid', 'too long for one message: use a stream')
    const session = await this.#session(server, signal)
    const payload = await session.gets.call({ get: toWireRange(range) }, range.length, signal)
    if (payload.length !== range.length) throw wrongLength(range, payload.length)
    return payload
  }

  async locateChunk(server: ServerNumber, { partId, index }: ChunkName, signal: AbortSignal): Promise<ChunkPlace> {
    const session = await this.#session(server, signal)
    const get = { chunkId: chunkIdBytes(partId, index), offset: 0, length: 0, where: true }
    return readPlace(await session.gets.call({ get }, 0, signal))
  }

  async *streamPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    const { bulk } = await this.#session(server, signal)
    const order = { path: paths.getChunk, request: GetChunkRequest.encode(toWireRange(range)).finish() }
    let receivedBytes = 0
    for await (const message of readMessages(bulk, order, this.#streamDeps(server), signal)) {
      const piece = readGetPayload(message)
      receivedBytes += piece.length
      if (receivedBytes > range.length) throw wrongLength(range, receivedBytes)
      yield piece
    }
    if (receivedBytes !== range.length) throw wrongLength(range, receivedBytes)
  }

  async deleteChunks(
    server: ServerNumber,
    chunks: readonly ChunkName[],
    signal: AbortSignal,
    writtenBefore?: Moment,
  ): Promise<void> {
    for (const chunkIds of idBatches(chunks)) {
      const { calls } = await this.#session(server, signal)
      await deleteChunks(calls, this.#linkDeps, { chunkIds, writtenBefore }, signal)
    }
  }

  async *listChunks(
    server: ServerNumber,
    filter: ChunkFilter,
    signal: AbortSignal,
  ): AsyncGenerator<ListedChunk[], void> {
    const { calls } = await this.#session(server, signal)
    yield* listChunks(calls, this.#streamDeps(server), filter, signal)
  }

  async *verifyChunks(
    server: ServerNumber,
    chunks: readonly ChunkName[],
    signal: AbortSignal,
  ): AsyncGenerator<ChunkVerdict, void> {
    for (const chunkIds of idBatches(chunks)) {
      const { calls } = await this.#session(server, signal)
      yield* verifyChunks(calls, this.#streamDeps(server), chunkIds, signal)
    }
  }

  async describeChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkDescription> {
    for await (const { description, failure } of this.describeChunks(server, [chunk], signal)) {
      if (failure) throw failure
      return description
    }
    throw new ChunkError('failed', 'the node did not answer')
  }

  async *describeChunks(
    server: ServerNumber,
    chunks: readonly ChunkName[],
    signal: AbortSignal,
  ): AsyncGenerator<ChunkAnswer, void> {
    for (const chunkIds of idBatches(chunks)) {
      const { calls } = await this.#session(server, signal)
      yield* describeChunks(calls, this.#streamDeps(server), chunkIds, signal)
    }
  }

  async statServer(server: ServerNumber, signal: AbortSignal): Promise<ServerStat> {
    const { calls } = await this.#session(server, signal)
    return await readStat(calls, this.#linkDeps, signal)
  }

  isReachable(server: ServerNumber): boolean {
    const known = this.#cluster.servers().get(server)
    if (!known || known.isStale || known.status === 'failed' || !isMember(known)) return false
    return this.#links.get(server)?.isReachable ?? true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    this.#subscription[Symbol.dispose]()
    for (const link of this.#links.values()) link[Symbol.dispose]()
    this.#links.clear()
  }

  async #session(server: ServerNumber, signal: AbortSignal): Promise<Session> {
    if (signal.aborted) throw aborted(signal)
    const link = this.#link(server)
    if (link.session) return link.session
    const { promise: givenUp, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(aborted(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([link.open(), givenUp])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #link(server: ServerNumber): Link {
    if (this.#isDisposed) throw unreachable('the chunk client was closed')
    const found = this.#links.get(server)
    if (found) return found
    const known = this.#cluster.servers().get(server)
    if (!known || !isMember(known)) throw unreachable(`storage server ${server} is not part of the cluster`)
    const link = new Link(this.#linkDeps, toTarget(known))
    this.#links.set(server, link)
    return link
  }

  #streamDeps(server: ServerNumber) {
    const { clock, settings } = this.#linkDeps
    return {
      clock,
      idleMs: settings.idleMs,
      onAnswer: () => this.#links.get(server)?.noteAnswer(),
      onTimeout: (waitedMs: number) => this.#links.get(server)?.noteTimeout(waitedMs),
    }
  }

  /** Servers move, and leave. */
  #follow(): void {
    const servers = this.#cluster.servers()
    for (const [number, link] of this.#links) {
      const known = servers.get(number)
      if (known && isMember(known)) {
        link.retarget(toTarget(known))
      } else {
        this.#links.delete(number)
        link[Symbol.dispose]()
      }
    }
  }
}

/** What one message may name. */
function* idBatches(chunks: readonly ChunkName[]): Generator<Buffer[]> {
  for (let at = 0; at < chunks.length; at += wireBounds.idsMax) {
    yield chunks.slice(at, at + wireBounds.idsMax).map(idOf)
  }
}

function idOf({ partId, index }: ChunkName): Buffer {
  return chunkIdBytes(partId, index)
}

function isMember(server: StorageServer): boolean {
  return server.status !== 'removed'
}

function toTarget(server: StorageServer): LinkTarget & { serverId: ServerId } {
  return { serverId: server.id, grpcAddress: server.grpcAddress, socketPath: server.socketPath }
}

function toWireRange({ partId, index, offset, length }: PayloadRange): WireRange & { chunkId: Buffer } {
  return { chunkId: idOf({ partId, index }), offset, length }
}

function wrongLength(range: PayloadRange, bytes: number): ChunkError {
  return new ChunkError('failed', `${range.length} bytes were asked for, ${bytes} came`)
}
