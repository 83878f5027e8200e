import { StoreFault } from '../base/faults.ts'
import type { PartId, ServerNumber } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { buildRing, nextServer, placePart, type Ring, serversNeeded } from '../placement/ring.ts'
import type { Placer } from './deps.ts'
import type { LateServers } from './late-servers.ts'
import type { ChunkStore } from './ports/chunk-store.ts'
import type { ClusterView, StorageServer } from './ports/cluster.ts'

export interface PlacerDeps {
  cluster: ClusterView
  chunks: Pick<ChunkStore, 'isReachable'>
  late: LateServers
}

export interface PlacerOfRing extends Placer, Disposable {
  /** Whether a part of so many chunks could be placed now. */
  takesParts(chunkCount: number): boolean
}

/**
 * Chooses servers by the ring of the cluster as last seen. The ring holds every server that was not removed, so that a
 * server that is down for a while gets its own keys back; it is only passed over. So is one that was late, as long as the
 * others suffice.
 */
export function createPlacer({ cluster, chunks, late }: PlacerDeps): PlacerOfRing {
  let known: { ring: Ring; members: number } | undefined
  const subscription = cluster.onChange(() => {
    known = undefined
  })
  const current = () => {
    known ??= look(cluster)
    return known
  }
  const isUsable = (number: ServerNumber) => {
    const server = cluster.servers().get(number)
    return server !== undefined && takesChunks(server) && chunks.isReachable(number)
  }
  const isPunctual = (number: ServerNumber) => !late.writes.has(number) && !late.reads.has(number)
  const isFirstChoice = (number: ServerNumber) => isUsable(number) && isPunctual(number)

  /** Whom to choose among. */
  function candidates(chunkCount: number): (number: ServerNumber) => boolean {
    const { ring, members } = current()
    const needed = serversNeeded({ chunks: chunkCount, parity: chunkCount - DATA_CHUNKS, members })
    for (const choice of [isFirstChoice, isUsable]) {
      if (areSo(ring.servers, needed, choice)) return choice
    }
    const withFull = (number: ServerNumber) => isUsable(number) || isFull(cluster.servers().get(number))
    if (areSo(ring.servers, needed, withFull)) {
      throw new StoreFault('InsufficientStorage', { reason: 'Too many storage servers are full.' })
    }
    throw new StoreFault('ServiceUnavailable', { reason: 'Too few storage servers take new chunks.' })
  }

  return {
    place(partId, count) {
      const placed = placePart(current().ring, partId, count, candidates(count))
      for (const server of placed) late.writes.use(server)
      return placed
    },
    replace(partId: PartId, index: number, servers: readonly ServerNumber[], failed: ReadonlySet<ServerNumber>) {
      const { ring, members } = current()
      const needed = serversNeeded({ chunks: servers.length, parity: servers.length - DATA_CHUNKS, members })
      for (const choice of [isFirstChoice, isUsable]) {
        const isOpen = (number: ServerNumber) => choice(number) && !failed.has(number)
        // Rather a chunk missing, to be repaired, than so many on one server that its loss is that of the part.
        if (!areSo(ring.servers, needed, isOpen)) continue
        const next = nextServer(ring, partId, index, servers, isOpen)
        if (next !== undefined) return next
      }
      return undefined
    },
    takesParts(chunkCount) {
      const { ring, members } = current()
      return areSo(
        ring.servers,
        serversNeeded({ chunks: chunkCount, parity: chunkCount - DATA_CHUNKS, members }),
        isUsable,
      )
    },
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  }
}

/** Whether a server takes new chunks, as far as it says itself: it keeps a reserve, and counts only what lies above it. */
export function takesChunks(server: StorageServer): boolean {
  return isWell(server) && server.availableBytes > 0
}

/** Members: those that are meant to take chunks, whether they can at present or not. */
function look(cluster: ClusterView): { ring: Ring; members: number } {
  const servers = [...cluster.servers().values()].filter(({ status }) => status !== 'removed')
  const members = servers.filter(({ status }) => status === 'up' || status === 'failed').length
  return { ring: buildRing(servers), members }
}

/** Whether at least so many servers are so; of a large cluster only a few have to be looked at. */
function areSo(servers: readonly ServerNumber[], needed: number, isSo: (number: ServerNumber) => boolean): boolean {
  let left = needed
  for (const server of servers) if (isSo(server) && --left === 0) return true
  return false
}

function isWell(server: StorageServer): boolean {
  return server.status === 'up' && !server.isStale
}

function isFull(server: StorageServer | undefined): boolean {
  return server !== undefined && isWell(server) && !takesChunks(server)
}
