import { abortable } from '../base/abortable.ts'
import type { Clock } from '../base/clock.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { ClusterView, StorageServer } from '../engine/ports/cluster.ts'
import type { Database } from './database.ts'
import { type Channel, listen } from './listen.ts'
import { listServers } from './queries/cluster.ts'

export interface WatchedCluster extends ClusterView, AsyncDisposable {
  /** Looks now; resolves when the view is at least as new as this call. */
  refresh(signal: AbortSignal): Promise<void>
}

export interface WatchOptions {
  database: Database
  clock: Clock
  log: Log
  refreshMs: number
  /** Heard on the same connection. */
  others: readonly Channel[]
}

/**
 * The servers and their ring as the database has them: looked at when it says that something changed (LISTEN), and
 * every `refreshMs` in any case. While the database is away the last view stays. Rejects if the first look fails.
 */
export async function watchCluster(options: WatchOptions, signal: AbortSignal): Promise<WatchedCluster> {
  const watch = new ClusterWatch(options)
  try {
    await watch.refresh(signal)
    watch.start()
    return watch
  } catch (error) {
    await watch[Symbol.asyncDispose]()
    throw error
  }
}

class ClusterWatch implements WatchedCluster {
  readonly #options: WatchOptions
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  #servers: ReadonlyMap<ServerNumber, StorageServer> = new Map()
  #loops: Promise<unknown> = Promise.resolve()
  /** The look under way, and the one that begins after it for whoever asked meanwhile. */
  #looking: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(options: WatchOptions) {
    this.#options = options
  }

  start(): void {
    const refresh = () => this.#refreshQuietly()
    const channels = [{ name: 'sextant_cluster', heard: () => void refresh(), begin: refresh }, ...this.#options.others]
    this.#loops = Promise.all([this.#refreshLoop(), listen({ ...this.#options, channels }, this.#stop.signal)])
  }

  servers(): ReadonlyMap<ServerNumber, StorageServer> {
    return this.#servers
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    if (!this.#looking) {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined
      })
      return await abortable(this.#looking, signal)
    }
    // The look under way may have missed what the caller knows of.
    this.#next ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.refresh(this.#stop.signal)
      })
    return await abortable(this.#next, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the cluster is watched no longer'))
    await this.#loops
  }

  async #look(): Promise<void> {
    const signal = this.#stop.signal
    const rows = await this.#options.database.run(listServers, undefined, { signal, repeatable: true })
    const servers = new Map(rows.map((server) => [server.number, server]))
    const isChanged = gist(servers) !== gist(this.#servers)
    this.#servers = servers
    if (isChanged) for (const listener of this.#listeners) listener()
  }

  async #refreshLoop(): Promise<void> {
    const { clock, refreshMs } = this.#options
    while (await this.#sleeps(clock, refreshMs)) await this.#refreshQuietly()
  }

  async #refreshQuietly(): Promise<void> {
    try {
      await this.refresh(this.#stop.signal)
    } catch (error) {
      if (!this.#stop.signal.aborted) {
        this.#options.log.warn({ error: String(error) }, 'cannot refresh the view of the cluster: the last one stays')
      }
    }
  }

  /** False when it was stopped. */
  async #sleeps(clock: Clock, ms: number): Promise<boolean> {
    return await clock.sleep(ms, this.#stop.signal).then(
      () => true,
      () => false,
    )
  }
}

/** What a listener wants to hear of: not every heartbeat. */
function gist(servers: ReadonlyMap<ServerNumber, StorageServer>): string {
  return JSON.stringify(
    [...servers.values()].map(({ availableBytes, capacityBytes, lastHeartbeatAt, points, ...rest }) => [
      rest,
      points.join(),
    ]),
  )
}
