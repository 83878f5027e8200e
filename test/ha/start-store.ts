import { ChaosCluster } from '../chaos/cluster/cluster.ts'
import { openLoopback } from '../chaos/cluster/network.ts'
import type { MetadataCluster } from './metadata-cluster.ts'
import { PatroniMember } from './patroni-member.ts'

/** Six nodes and some gateways, which find their database behind haproxy. */
export async function startStore(metadata: MetadataCluster, gateways: number): Promise<ChaosCluster> {
  const loopback = await openLoopback({ gateways })
  const { hostname: host, port, password } = new URL(metadata.url)
  return await ChaosCluster.start({
    network: { ...loopback, databaseAddressOf: () => ({ host, port: Number(port) }) },
    postgres: new PatroniMember(metadata),
    gateways,
    // Sessions of gateways outlast an outage, as they do with the default of an hour.
    env: { PGPASSWORD: password, SEXTANT_PUT_TTL_SECONDS: '600' },
  })
}
