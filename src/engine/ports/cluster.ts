import type { ServerId, ServerNumber } from '../../base/ids.ts'

/** A storage server as the catalogue knows it. */
export interface StorageServer {
  number: ServerNumber
  id: ServerId
  /** `host:port` for gRPC. */
  grpcAddress: string
  /** Path of a Unix socket of the same service, for gateways on the same host; empty if none. */
  socketPath: string
  /** Where gateways on the node's host may read its chunks; empty: nowhere. Not yet proven to be that server's. */
  dataDirectory: string
  zone: string
  status: 'up' | 'draining' | 'cordoned' | 'failed' | 'removed'
  /** What new chunks may take; 0: it is full. */
  availableBytes: number
  capacityBytes: number
  lastHeartbeatAt: Date
  /** By the database's clock at the time of the look: no heartbeat for longer than 3 intervals. */
  isStale: boolean
  /** Its points on the ring: unsigned 64 bits, in order of virtual-node index. */
  points: readonly bigint[]
}

/** What gateways see of the cluster: the servers and their ring, refreshed every 30 s and when it is told of a change. */
export interface ClusterView {
  /** The servers as last seen, by number. */
  servers(): ReadonlyMap<ServerNumber, StorageServer>
  /** Called after every change of the set, an address or a status. */
  onChange(listener: () => void): Disposable
}
