import type { ServerId, ServerNumber } from '../../base/ids.ts'
import type { StorageServer } from '../../engine/ports/cluster.ts'
import type { ServerHeartbeat, ServerRegistration } from '../../storage-node/ports.ts'
import { statement } from '../statement.ts'

/** A server that missed three heartbeats of 10 s. */
export const STALE_AFTER = '30 seconds'

export const registerServer = statement({
  name: 'register_server_v2',
  text: 'select register_server_v2($1, $2, $3, $4, $5, $6, $7, $8) as server_number',
  bind: (s: ServerRegistration) => [
    s.id,
    s.grpcAddress,
    s.socketPath,
    s.dataDirectory,
    s.zone,
    s.capacityBytes,
    s.availableBytes,
    // bigint is signed: the upper half of the ring is negative.
    s.points.map((point) => BigInt.asIntN(64, point).toString()),
  ],
  row: (r) => r.server_number as ServerNumber,
})

export const heartbeat = statement({
  name: 'heartbeat_v2',
  text: `select heartbeat_v2($1, $2, $3, $4, $5, $6, '${STALE_AFTER}') as beats`,
  bind: (b: ServerHeartbeat) => [b.id, b.capacityBytes, b.availableBytes, b.chunkCount, b.writable, b.beatsSeen],
  row: (r) => (r.beats === null ? undefined : Number(r.beats)),
})

export const listServers = statement({
  name: 'list_servers_v1',
  text: /* sql */ `
    select s.*, s.last_heartbeat_at < clock_timestamp() - interval '${STALE_AFTER}' as is_stale,
           (select coalesce(json_agg(h.hash_value::text order by h.virtual_node_index), '[]')
              from hash_ring_nodes h where h.server_number = s.server_number) as points
      from storage_servers s order by s.server_number`,
  bind: (_: undefined) => [],
  row: (r): StorageServer => ({
    number: r.server_number as ServerNumber,
    id: r.server_id as ServerId,
    grpcAddress: r.grpc_address as string,
    socketPath: r.socket_path as string,
    dataDirectory: r.data_directory as string,
    zone: r.zone as string,
    status: r.status as StorageServer['status'],
    availableBytes: Number(r.available_bytes),
    capacityBytes: Number(r.capacity_bytes),
    lastHeartbeatAt: r.last_heartbeat_at as Date,
    isStale: r.is_stale as boolean,
    points: (r.points as string[]).map((point) => BigInt.asUintN(64, BigInt(point))),
  }),
})

export const setServerStatus = statement({
  name: 'set_server_status_v1',
  text: 'select set_server_status_v1($1, $2) as outcome',
  bind: (o: { server: ServerNumber; status: string }) => [o.server, o.status],
  row: (r) => r.outcome as 'ok' | 'unknown' | 'removed',
})

/** A look that costs nothing, for health checks. */
export const ping = statement({ name: 'ping_v1', text: 'select 1', bind: (_: undefined) => [], row: () => undefined })
