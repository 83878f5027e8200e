import { StoreFault } from '../../../src/base/faults.ts'
import type { ServerNumber } from '../../../src/base/ids.ts'
import type { StorageServer } from '../../../src/engine/ports/cluster.ts'
import type { Registry } from '../../../src/storage-node/ports.ts'
import type { ServerControl } from '../../../src/upkeep/ports/servers.ts'
import { STALE_MS } from './census.ts'
import type { MemoryDatabase } from './tables.ts'

export interface Cluster extends Registry, ServerControl {
  listServers(): Promise<StorageServer[]>
}

/** `notify`: NOTIFY sextant_cluster. */
export function cluster(db: MemoryDatabase, notify: () => void): Cluster {
  const find = (id: StorageServer['id']) => [...db.rows.servers.values()].find((server) => server.id === id)
  return {
    async register(server) {
      const known = find(server.id)
      const number = known?.number ?? ((db.rows.servers.size + 1) as ServerNumber)
      const status = known && known.status !== 'failed' ? known.status : 'up'
      db.put('servers', number, { ...server, number, status, lastHeartbeatMs: db.nowMs(), beats: known?.beats ?? 0 })
      db.synced()
      notify()
      return number
    },
    async heartbeat({ id, capacityBytes, availableBytes, writable, beatsSeen }) {
      const old = find(id)
      if (!old) throw new StoreFault('ServiceUnavailable', { reason: `server ${id} is not registered` })
      let { status } = old
      if (status === 'up' && !writable) status = 'failed'
      else if (status === 'failed' && writable) status = 'up'
      const beats = Math.max(old.beats, beatsSeen) + 1
      db.put('servers', old.number, {
        ...old,
        capacityBytes,
        availableBytes,
        status,
        lastHeartbeatMs: db.nowMs(),
        beats,
      })
      db.synced()
      const isNews = status !== old.status || (availableBytes === 0) !== (old.availableBytes === 0)
      if (isNews || old.lastHeartbeatMs < db.nowMs() - STALE_MS) notify()
      return beats
    },
    async setServerStatus({ server, status }) {
      const old = db.rows.servers.get(server)
      if (!old) return 'unknown'
      if (old.status === 'removed' && status !== 'removed') return 'removed'
      if (old.status !== status && !(old.status === 'failed' && status === 'up')) {
        db.put('servers', server, { ...old, status })
        notify()
      }
      db.synced()
      return 'ok'
    },
    async listServers() {
      return [...db.rows.servers.values()].map(({ lastHeartbeatMs, beats: _, ...server }) => ({
        ...server,
        lastHeartbeatAt: new Date(lastHeartbeatMs),
        isStale: lastHeartbeatMs < db.nowMs() - STALE_MS,
      }))
    },
  }
}
