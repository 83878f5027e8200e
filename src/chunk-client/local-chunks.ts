import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { SMALL_CHUNK_BYTES_MAX } from '../chunk-files/paths.ts'
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

/**
 * Reads chunks of servers whose registered directories are on this host. Only large ones, which are files whose names
 * follow from chunk id and length; where a small one lies only its node knows.
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
  readonly #subscription: Disposable
  #sweep: Disposable | undefined

  constructor(cluster: ClusterView, deps: LocalDirectoryDeps) {
    this.#cluster = cluster
    this.#deps = deps
    this.#subscription = cluster.onChange(() => this.#follow())
    this.#sweepLater()
  }

  has(server: ServerNumber, { payloadBytes }: StoredChunk): boolean {
    return payloadBytes > SMALL_CHUNK_BYTES_MAX && this.#directory(server)?.isReadable === true
  }

  async read(
    server: ServerNumber,
    chunk: StoredChunk,
    piece: { offset: number; targets: readonly Buffer[] },
  ): Promise<void> {
    const directory = this.#directory(server)
    if (!directory) throw new ChunkError('unreachable', `nothing of server ${server} is read on this host`)
    await directory.read(chunk, piece)
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
    const { id: serverId, dataDirectory: root } = this.#cluster.servers().get(server) ?? {}
    const directory = serverId && root?.startsWith('/') ? new LocalDirectory(this.#deps, { serverId, root }) : null
    this.#directories.set(server, directory)
    return directory
  }

  /** Servers move, come and leave. */
  #follow(): void {
    for (const [number, directory] of this.#directories) {
      const server = this.#cluster.servers().get(number)
      if (directory && server?.id === directory.serverId && server.dataDirectory === directory.root) continue
      this.#directories.delete(number)
      void directory?.[Symbol.asyncDispose]()
    }
  }

  #sweepLater(): void {
    this.#sweep = this.#deps.clock.after(IDLE_MS, () => {
      for (const directory of this.#directories.values()) directory?.closeIdle()
      this.#sweepLater()
    })
  }
}
