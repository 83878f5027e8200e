import type { StorageServer } from '../../engine/ports/cluster.ts'
import { showRounded } from './show.ts'

/** A server as commands tell of it. */
export type ServerRow = ReturnType<typeof toServerRow>

export function toServerRow({ points, grpcAddress, lastHeartbeatAt, ...server }: StorageServer) {
  return {
    ...server,
    address: grpcAddress,
    lastHeartbeatAt: lastHeartbeatAt.toISOString(),
    virtualNodes: points.length,
  }
}

/** For printTable. */
export function serverTable(servers: readonly ServerRow[]): string[][] {
  return [
    ['SERVER', 'STATUS', 'HEARTBEAT', 'FREE', 'CAPACITY', 'ZONE', 'ADDRESS', 'ID'],
    ...servers.map((server) => [
      String(server.number),
      server.isStale ? `${server.status}, silent` : server.status,
      server.lastHeartbeatAt,
      showRounded(server.availableBytes),
      showRounded(server.capacityBytes),
      server.zone || '-',
      server.address,
      server.id,
    ]),
  ]
}
