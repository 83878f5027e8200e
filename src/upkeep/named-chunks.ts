import { NOWHERE, type ServerNumber } from '../base/ids.ts'
import type { PartLayout } from '../base/model.ts'
import type { ChunkName } from '../engine/ports/chunk-store.ts'

/** For Maps and Sets. */
export function nameText({ partId, index }: ChunkName): string {
  return `${partId}/${index}`
}

/** The chunks that parts' rows have on each server. */
export function namedChunks(layouts: readonly PartLayout[]): Map<ServerNumber, ChunkName[]> {
  const byServer = new Map<ServerNumber, ChunkName[]>()
  for (const { partId, servers } of layouts) {
    for (const [index, server] of servers.entries()) {
      if (server === NOWHERE) continue
      const names = byServer.get(server)
      if (names) names.push({ partId, index })
      else byServer.set(server, [{ partId, index }])
    }
  }
  return byServer
}
