import type { PartId, ServerNumber } from '../base/ids.ts'
import { buildRing, nextServer, placePart, type Ring } from '../placement/ring.ts'
import type { Placer } from './deps.ts'
import type { ChunkStore } from './ports/chunk-store.ts'
import type { ClusterView, StorageServer } from './ports/cluster.ts'

/** Bytes that a server must have free to be given new chunks, where its node does not say more. */
const AVAILABLE_BYTES_MIN = 64 * 1024 * 1024

/**
 * Chooses servers by the ring of the cluster as last seen. The ring holds every server that was not removed, so that a
 * server that is down for a while gets its own keys back; it is only passed over.
 */
export function createPlacer(cluster: ClusterView, chunks: Pick<ChunkStore, 'isReachable'>): Placer & Disposable {
  let ring: Ring | undefined
  const subscription = cluster.onChange(() => {
    ring = undefined
  })
  const current = () => {
    ring ??= buildRing([...cluster.servers().values()].filter((server) => server.status !== 'removed'))
    return ring
  }
  const isUsable = (number: ServerNumber) => {
    const server = cluster.servers().get(number)
    return server !== undefined && takesChunks(server) && chunks.isReachable(number)
  }
  return {
    place: (partId, count) => placePart(current(), partId, count, isUsable),
    replace: (partId: PartId, index: number, servers: readonly ServerNumber[], failed: ReadonlySet<ServerNumber>) =>
      nextServer(current(), partId, index, servers, (number) => isUsable(number) && !failed.has(number)),
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  }
}

function takesChunks(server: StorageServer): boolean {
  return server.status === 'up' && !server.isStale && server.availableBytes >= AVAILABLE_BYTES_MIN
}
