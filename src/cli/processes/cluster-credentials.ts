import { ConfigError, type Settings } from '../../base/config.ts'
import { type ClusterCredentials, isLoopback } from '../../base/tls/cluster-credentials.ts'
import { type IdentityDeps, openClusterIdentity } from './identities.ts'

export type OpenCredentials = ClusterCredentials & Disposable

/**
 * Certificates where the settings name them, else the token: theirs, or what `findToken` finds. Faults: ConfigError,
 * CommandFailure, and whatever `findToken` throws.
 */
export async function openClusterCredentials(
  deps: IdentityDeps,
  findToken: (settings: Settings) => string | Promise<string> = tokenOf,
): Promise<OpenCredentials> {
  const identity = openClusterIdentity(deps)
  if (identity) return { identity, [Symbol.dispose]: () => identity[Symbol.dispose]() }
  const staysHere = !deps.settings.allowTokenOverNetwork
  return { token: await findToken(deps.settings), staysHere, [Symbol.dispose]() {} }
}

/** A token is not shown to other hosts, so a node that only has one must not wait for them. Throws a ConfigError. */
export function checkNodeHost(credentials: ClusterCredentials, { nodeHost }: Settings): void {
  if ('identity' in credentials || !credentials.staysHere || isLoopback(nodeHost)) return
  throw new ConfigError([
    `SEXTANT_NODE_HOST is ${JSON.stringify(nodeHost)}: beyond this host gateways and storage nodes need certificates. ` +
      'Set SEXTANT_CLUSTER_TLS_CA, SEXTANT_CLUSTER_TLS_CERT and SEXTANT_CLUSTER_TLS_KEY (`sextant cert init` makes them), ' +
      'or, on a network that nobody else is on, SEXTANT_ALLOW_TOKEN_OVER_NETWORK=true.',
  ])
}

function tokenOf(settings: Settings): string {
  if (settings.clusterToken !== undefined) return settings.clusterToken
  throw new ConfigError([
    'SEXTANT_CLUSTER_TLS_CA, SEXTANT_CLUSTER_TLS_CERT and SEXTANT_CLUSTER_TLS_KEY must be set; or, where gateways and ' +
      'storage nodes are all on this host, SEXTANT_CLUSTER_TOKEN or SEXTANT_CLUSTER_TOKEN_FILE.',
  ])
}
