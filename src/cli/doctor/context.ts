import { resolve } from 'node:path'
import type { Clock, Random } from '../../base/clock.ts'
import { type Environment, readSettings, type Settings } from '../../base/config.ts'
import { silentLog } from '../../base/log.ts'
import { createChunkClient } from '../../chunk-client/client.ts'
import type { StorageServer } from '../../engine/ports/cluster.ts'
import { connectMeta } from '../../meta/connect.ts'
import { inspectServer, type ServerFacts } from '../../meta/inspect-server.ts'
import { messageOf } from '../failure.ts'
import { openClusterCredentials } from '../processes/cluster-credentials.ts'
import { findClusterToken } from '../secrets-at-hand.ts'
import { readRunningStore, type StoreFile } from '../store-file.ts'
import { type DataPaths, dataPaths } from '../up/data-paths.ts'

/** What this host is to run. */
export type Role = 'up' | 'gateway' | 'storage-node'

/** What checks look at. What several of them need is asked for once. */
export interface DoctorContext {
  role: Role
  settings: Settings
  env: Environment
  paths: DataPaths
  /** Of a `sextant up` that runs on the data directory. */
  store: StoreFile | undefined
  /** URLs of gateways to be asked for their time. */
  gateways: readonly string[]
  clock: Clock
  random: Random
  nodeVersion: string
  database(): Promise<Asked<ServerFacts>>
  servers(): Promise<Asked<StorageServer[]>>
  /** What storage servers answer to this host. */
  answers(): Promise<Asked<NodeAnswer[]>>
}

/** `away`: asked, and not answered; `none`: there is nobody to ask, or no way to. */
export type Asked<T> = { is: 'there'; value: T } | { is: 'away'; reason: string } | { is: 'none'; reason: string }

export interface NodeAnswer {
  server: StorageServer
  /** Absent: `reason` says why. */
  stat?: { version: string | undefined; nowMs: number | undefined; askedMs: number; slackMs: number }
  reason?: string
}

export interface DoctorOrder {
  /** Undefined: by the settings. */
  role?: Role | undefined
  gateways: readonly string[]
  env: Environment
  readFile(path: string): string
  clock: Clock
  random: Random
  nodeVersion: string
}

/** To connect, and to be answered: short, for whoever waits sits before a terminal. */
const ASK_MS_MAX = 3_000
/** Gateways renew their sessions at least once a minute. */
const SESSION_RENEWED_MS = 180_000

/** Throws a ConfigError where the settings are wrong. */
export function makeContext(order: DoctorOrder): DoctorContext {
  const settings = readSettings(order)
  const paths = dataPaths(resolve(settings.dataDirectory))
  const store = readRunningStore(paths.run)
  const role = order.role ?? guessRole(settings, store)
  const base = { ...order, settings, paths, store, role }
  const database = once(() => askDatabase(base))
  const servers = once(() => askServers(base, database))
  return { ...base, database, servers, answers: once(() => askNodes(base, servers)) }
}

/** Of a host of many a node has its own address or port, and a gateway a way to be known by nodes. */
function guessRole(settings: Settings, store: StoreFile | undefined): Role {
  if (store || settings.databaseUrl === undefined) return 'up'
  if (settings.nodePort !== 0 || settings.nodeAddress !== undefined) return 'storage-node'
  return settings.clusterTlsCert !== undefined || settings.clusterToken !== undefined ? 'gateway' : 'up'
}

type Base = Omit<DoctorContext, 'database' | 'servers' | 'answers'>

async function askDatabase({ settings, store, clock, role }: Base): Promise<Asked<ServerFacts>> {
  const url = settings.databaseUrl ?? store?.databaseUrl
  if (url === undefined)
    return {
      is: 'none',
      reason: role === 'up' ? 'PostgreSQL of the store itself runs with `sextant up` alone' : 'DATABASE_URL is not set',
    }
  const sessionMs = Math.max(0, settings.putTtlMs - SESSION_RENEWED_MS)
  try {
    return { is: 'there', value: await inspectServer({ url, timeoutMs: ASK_MS_MAX, sessionMs, clock }) }
  } catch (error) {
    return { is: 'away', reason: messageOf(error).replace(/\.$/, '') }
  }
}

async function askServers(base: Base, database: () => Promise<Asked<ServerFacts>>): Promise<Asked<StorageServer[]>> {
  const asked = await database()
  if (asked.is !== 'there') return { is: 'none', reason: 'only the database knows the storage servers' }
  const { missing, strange } = asked.value.schema
  if (missing.length > 0 || strange !== undefined) return { is: 'none', reason: 'the database is not of this version' }
  const { settings, store, clock, random } = base
  const url = settings.databaseUrl ?? store!.databaseUrl
  try {
    await using meta = await connectMeta({ url, clock, random, log: silentLog })
    await using cluster = await meta.watchCluster({}, AbortSignal.timeout(ASK_MS_MAX))
    return { is: 'there', value: [...cluster.servers().values()].filter(({ status }) => status !== 'removed') }
  } catch (error) {
    return { is: 'away', reason: messageOf(error).replace(/\.$/, '') }
  }
}

async function askNodes(base: Base, servers: () => Promise<Asked<StorageServer[]>>): Promise<Asked<NodeAnswer[]>> {
  const asked = await servers()
  if (asked.is !== 'there') return asked
  const { settings, clock } = base
  if (base.role === 'storage-node' && settings.clusterTlsCert !== undefined)
    return {
      is: 'none',
      reason: 'a storage node calls no other, and its certificate is not for that: ask on a gateway',
    }
  try {
    using credentials = await openClusterCredentials({ settings, clock, log: silentLog }, findClusterToken)
    const known = new Map(asked.value.map((server) => [server.number, server]))
    const cluster = { servers: () => known, onChange: () => ({ [Symbol.dispose]() {} }) }
    await using client = createChunkClient({ cluster, credentials, clock, log: silentLog })
    const ask = async (server: StorageServer): Promise<NodeAnswer> => {
      try {
        await client.statServer(server.number, AbortSignal.timeout(ASK_MS_MAX)) // connects, so that the next is quick
        const beforeMs = clock.nowMs()
        const { version, nowMs } = await client.statServer(server.number, AbortSignal.timeout(ASK_MS_MAX))
        const slackMs = (clock.nowMs() - beforeMs) / 2
        return { server, stat: { version, nowMs, askedMs: beforeMs + slackMs, slackMs } }
      } catch (error) {
        return { server, reason: messageOf(error).replace(/\.$/, '') }
      }
    }
    return { is: 'there', value: await Promise.all(asked.value.map(ask)) }
  } catch (error) {
    return { is: 'none', reason: messageOf(error).replace(/\.$/, '') }
  }
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= work())
}
