import { withMeta } from './store-access.ts'

/** The storage servers as the database knows them, and how fast it answers. */
export function readStatus() {
  return withMeta(async (meta, signal) => {
    const startedMs = performance.now()
    await meta.ping(signal)
    const latencyMs = Math.round((performance.now() - startedMs) * 10) / 10
    await using cluster = await meta.watchCluster({}, signal)
    const servers = [...cluster.servers().values()].map(({ points, grpcAddress, lastHeartbeatAt, ...server }) => ({
      ...server,
      address: grpcAddress,
      lastHeartbeatAt: lastHeartbeatAt.toISOString(),
      virtualNodes: points.length,
    }))
    return { database: { ok: true, latencyMs }, servers }
  })
}
