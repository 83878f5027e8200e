import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import type { ServerId, ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { SMALL_CHUNK_BYTES_MAX } from '../chunk-files/paths.ts'
import type { ChunkPlace } from '../engine/ports/chunk-store.ts'
import type { ClusterView } from '../engine/ports/cluster.ts'
import type { LocalChunks, StoredChunk } from '../engine/ports/local-chunks.ts'
import { type HostFiles, hostFiles } from './host-files.ts'
import { LocalDirectory, type LocalDirectoryDeps } from './local-directory.ts'

export interface LocalChunksDeps {
  cluster: ClusterView
  clock: Clock
  log: Log
  /** The machine's own, unless a test takes their place. */
  files?: HostFiles
}

/** How often files that nobody reads any more are closed. */
const IDLE_MS = 10_000
/** How long places hold, at most: what a compaction has left is read no longer, and its space is free. */
const PLACES_MS = 300_000
const PLACES_MAX = 16_384
/** Below this, having a chunk sent costs no more than asking where it lies. */
const PLACED_BYTES_MIN = 32 * 1024

/**
 * Reads chunks of servers whose registered directories are on this host. Large ones are files whose names follow from
 * chunk id and length; where a small one lies, in which segment, only its node knows: its place has to be learnt first.
 */
export function openLocalChunks({
  cluster,
  files = hostFiles,
  ...deps
}: LocalChunksDeps): LocalChunks & AsyncDisposable {
  return new DirectoryChunks(cluster, { files, ...deps })
}

class DirectoryChunks implements LocalChunks, AsyncDisposable {
  readonly #cluster: ClusterView
  readonly #deps: LocalDirectoryDeps
  /** Of servers that let us; null: looked up, and there is none. */
  readonly #directories = new Map<ServerNumber, LocalDirectory | null>()
  readonly #places = new LRUCache<string, ChunkPlace>({ max: PLACES_MAX })
  #placesSinceMs: number
  readonly #subscription: Disposable
  #sweep: Disposable | undefined

  constructor(cluster: ClusterView, deps: LocalDirectoryDeps) {
    this.#cluster = cluster
    this.#deps = deps
    this.#placesSinceMs = deps.clock.nowMs()
    this.#subscription = cluster.onChange(() => this.#follow())
    this.#sweepLater()
  }

  has(server: ServerNumber, chunk: StoredChunk): boolean {
    const isPlaceKnown = chunk.payloadBytes > SMALL_CHUNK_BYTES_MAX || this.#places.has(placeName(server, chunk))
    return isPlaceKnown && this.#directory(server)?.isReadable === true
  }

  needsPlace(server: ServerNumber, chunk: StoredChunk): boolean {
    if (!isWorthAPlace(chunk) || this.#places.has(placeName(server, chunk))) return false
    return this.#directory(server)?.isReadable === true
  }

  learn(server: ServerNumber, chunk: StoredChunk, place: ChunkPlace): void {
    if (this.#directory(server) && isWorthAPlace(chunk)) this.#places.set(placeName(server, chunk), place)
  }

  distrust(server: ServerNumber, chunk: StoredChunk): boolean {
    return this.#places.delete(placeName(server, chunk))
  }

  async read(
    server: ServerNumber,
    chunk: StoredChunk,
    piece: { offset: number; targets: readonly Buffer[] },
  ): Promise<void> {
    const directory = this.#directory(server)
    if (!directory) throw new ChunkError('unreachable', `nothing of server ${server} is read on this host`)
    const name = placeName(server, chunk)
    try {
      await directory.read(chunk, { ...piece, place: this.#places.get(name) })
    } catch (error) {
      this.#places.delete(name)
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription[Symbol.dispose]()
    this.#sweep?.[Symbol.dispose]()
    const open = [...this.#directories.values()]
    this.#directories.clear()
    await Promise.all(open.map((directory) => directory?.[Symbol.asyncDispose]()))
  }

  #directory(server: ServerNumber): LocalDirectory | null {
    const known = this.#directories.get(server)
    if (known !== undefined) return known
    const { id: serverId, root } = this.#rootOf(server) ?? {}
    const directory = serverId && root ? new LocalDirectory(this.#deps, { serverId, root }) : null
    this.#directories.set(server, directory)
    return directory
  }

  /** Where a server may be read. Not on a disk that failed, or whose node was stopped: who mends it must unmount it. */
  #rootOf(number: ServerNumber): { id: ServerId; root: string } | undefined {
    const server = this.#cluster.servers().get(number)
    if (!server?.dataDirectory.startsWith('/') || server.status === 'failed' || server.isStale) return undefined
    return { id: server.id, root: server.dataDirectory }
  }

  /** Servers move, come and leave. */
  #follow(): void {
    for (const [number, directory] of this.#directories) {
      const { id, root } = this.#rootOf(number) ?? {}
      if (directory && id === directory.serverId && root === directory.root) continue
      this.#directories.delete(number)
      void directory?.[Symbol.asyncDispose]()
    }
  }

  #sweepLater(): void {
    this.#sweep = this.#deps.clock.after(IDLE_MS, () => {
      for (const directory of this.#directories.values()) directory?.closeIdle()
      this.#forgetPlaces()
      this.#sweepLater()
    })
  }

  #forgetPlaces(): void {
    const nowMs = this.#deps.clock.nowMs()
    if (nowMs - this.#placesSinceMs < PLACES_MS) return
    this.#placesSinceMs = nowMs
    this.#places.clear()
  }
}

function isWorthAPlace({ payloadBytes }: StoredChunk): boolean {
  return payloadBytes >= PLACED_BYTES_MIN && payloadBytes <= SMALL_CHUNK_BYTES_MAX
}

function placeName(server: ServerNumber, { partId, index }: StoredChunk): string {
  return `${server}/${partId}-${index}`
}
