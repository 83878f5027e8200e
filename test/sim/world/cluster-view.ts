import type { Clock } from '../../../src/base/clock.ts'
import type { ServerNumber } from '../../../src/base/ids.ts'
import type { ClusterView, StorageServer } from '../../../src/engine/ports/cluster.ts'

const REFRESH_MS = 5_000

/** The servers as one gateway last saw them: looked at now and then, and when the database tells of a change. */
export class SimClusterView implements ClusterView {
  readonly #look: () => Promise<StorageServer[]>
  readonly #listeners = new Set<() => void>()
  /** What listeners want to hear of: not every heartbeat. */
  #gist = ''
  #servers: ReadonlyMap<ServerNumber, StorageServer> = new Map()

  constructor(look: () => Promise<StorageServer[]>) {
    this.#look = look
  }

  servers(): ReadonlyMap<ServerNumber, StorageServer> {
    return this.#servers
  }

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  async refresh(): Promise<void> {
    const servers = await this.#look()
    this.#servers = new Map(servers.map((server) => [server.number, server]))
    const gist = servers.map(({ number, status, isStale, id }) => [number, status, isStale, id]).join()
    if (gist === this.#gist) return
    this.#gist = gist
    for (const listener of this.#listeners) listener()
  }

  async keepFresh(clock: Clock, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.refresh().catch(() => {}) // the last view stays
      await clock.sleep(REFRESH_MS, stop).catch(() => {}) // woken by the end
    }
  }
}
