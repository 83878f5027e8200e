import { join } from 'node:path'
import type { Environment, Settings } from '../../base/config.ts'
import { settings as allSettings } from '../../base/config.ts'
import { settingTable } from '../../base/config-table.ts'
import type { ChildPlan } from './child.ts'
import type { DataPaths } from './data-paths.ts'
import type { Secrets } from './secrets.ts'

export interface StorePlan {
  env: Environment
  settings: Settings
  paths: DataPaths
  secrets: Secrets
  databaseUrl: string
  s3Port: number
  adminPort: number
}

/** A Unix socket's path, in bytes: 107 on Linux, 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 103

/** V8's young generation in MiB: bodies die young. With 8 a GET costs a tenth more CPU; what floods cost differs by no more than chance. */
const GATEWAY_FLAGS = ['--max-semi-space-size=16']
/** There are many, and they reuse their buffers. */
const NODE_FLAGS = ['--max-semi-space-size=8']

/** Storage node `number`, from 1. Its port is any free one: it registers its address at every start. */
export function planNode(store: StorePlan, number: number): ChildPlan {
  const { paths, secrets, databaseUrl } = store
  return {
    name: `storage node ${number}`,
    args: ['storage-node', '--supervised'],
    execArgv: NODE_FLAGS,
    env: childEnvironment(store, {
      DATABASE_URL: databaseUrl,
      SEXTANT_CLUSTER_TOKEN: secrets.clusterToken,
      SEXTANT_DATA_DIR: paths.node(number),
      SEXTANT_NODE_HOST: '127.0.0.1',
      SEXTANT_NODE_PORT: '0',
      SEXTANT_NODE_ADDRESS: undefined,
      SEXTANT_NODE_SOCKET: socketPath(paths.run, `node-${number}`),
      SEXTANT_NODE_METRICS_PORT: undefined,
      SEXTANT_METRICS_SOCKET: metricsSocket(paths, `node-${number}`),
    }),
  }
}

/** Gateway process `worker`, from 1. They share the S3 port; the first one serves health and administration. */
export function planGateway(store: StorePlan, worker: number): ChildPlan {
  const { settings, paths, secrets, databaseUrl, s3Port, adminPort } = store
  const isShared = settings.workers > 1
  return {
    name: isShared ? `gateway ${worker}` : 'gateway',
    args: ['gateway', '--supervised', ...(isShared ? ['--share-port'] : []), ...(worker === 1 ? [] : ['--no-admin'])],
    execArgv: GATEWAY_FLAGS,
    env: childEnvironment(store, {
      DATABASE_URL: databaseUrl,
      SEXTANT_READ_REPLICA_URL: settings.readReplicaUrl,
      SEXTANT_CLUSTER_TOKEN: secrets.clusterToken,
      SEXTANT_SEALING_KEY: secrets.sealingKey.toString('hex'),
      SEXTANT_KMS_KEYS: settings.kmsKeys?.map(({ name, key }) => `${name}=${key.toString('hex')}`).join(','),
      SEXTANT_WEBHOOKS: store.env.SEXTANT_WEBHOOKS,
      SEXTANT_WEBHOOKS_FILE: store.env.SEXTANT_WEBHOOKS_FILE,
      SEXTANT_S3_PORT: String(s3Port),
      SEXTANT_ADMIN_PORT: String(adminPort),
      SEXTANT_METRICS_SOCKET: metricsSocket(paths, `gateway-${worker}`),
      SEXTANT_METRICS_PEERS: worker === 1 ? metricsPeers(store).join(',') : undefined,
      // glibc: one arena. With one for each thread, a hundred uploads left 100 MiB of freed buffers unreturned.
      MALLOC_ARENA_MAX: '1',
    }),
  }
}

/** Of all processes but the first gateway, which asks them. */
function metricsPeers({ settings, paths }: StorePlan): string[] {
  const gateways = Array.from({ length: settings.workers - 1 }, (_, index) => `gateway-${index + 2}`)
  const nodes = Array.from({ length: settings.nodes }, (_, index) => `node-${index + 1}`)
  return [...gateways, ...nodes].flatMap((name) => metricsSocket(paths, name) ?? [])
}

/** A process is called as its socket is. */
function metricsSocket(paths: DataPaths, name: string): string | undefined {
  return socketPath(paths.metrics, name)
}

/** Undefined where it would be too long. */
function socketPath(directory: string, name: string): string | undefined {
  const path = join(directory, `${name}.sock`)
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX ? path : undefined
}

/** Ours, with what the child needs; the secrets that it does not need stay here. */
function childEnvironment({ env, settings }: StorePlan, own: Environment): Environment {
  const child: Record<string, string | undefined> = { ...env, SEXTANT_LOG_LEVEL: settings.logLevel }
  // All of them are on this host: its token and loopback are enough.
  for (const key of ['clusterTlsCa', 'clusterTlsCert', 'clusterTlsKey'] as const) delete child[settingTable[key].name]
  for (const [, { name, secret }] of allSettings()) {
    if (!secret) continue
    delete child[name]
    delete child[`${name}_FILE`]
  }
  return { ...child, ...own }
}
