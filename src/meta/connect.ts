import type { Clock, Random } from '../base/clock.ts'
import { assert } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { Catalogue } from '../engine/ports/catalogue.ts'
import type { Registry } from '../storage-node/ports.ts'
import type { CensusCatalogue } from '../upkeep/ports/census.ts'
import type { JobCatalogue, JobControl } from '../upkeep/ports/jobs.ts'
import type { RepairCatalogue } from '../upkeep/ports/repair.ts'
import type { UpkeepReports } from '../upkeep/ports/report.ts'
import type { ScrubCatalogue } from '../upkeep/ports/scrub.ts'
import type { UpkeepCatalogue } from '../upkeep/ports/sweeps.ts'
import { makeAccessKeyFinder } from './access-keys.ts'
import { type Accounts, accounts } from './accounts.ts'
import { buckets } from './buckets.ts'
import { censusCatalogue } from './census-catalogue.ts'
import { openDatabases } from './databases.ts'
import { type GatewaySession, openGatewaySession } from './gateway-session.ts'
import { jobs } from './jobs.ts'
import { findAccount } from './queries/accounts.ts'
import { ping } from './queries/cluster.ts'
import { objectReads } from './read-objects.ts'
import { registry } from './registry.ts'
import { repairCatalogue } from './repair-catalogue.ts'
import { scrubCatalogue } from './scrub-catalogue.ts'
import { makeSealer, type Sealer } from './seal.ts'
import { upkeepCatalogue } from './upkeep-catalogue.ts'
import { upkeepReports } from './upkeep-reports.ts'
import { uploads } from './uploads.ts'
import { type WatchedCluster, watchCluster } from './watch-cluster.ts'
import { objectWrites } from './write-objects.ts'

export interface MetaSettings {
  /** Connections of this process, at most; a few more for locks and LISTEN. They are opened as they are needed. */
  connectionsMax: number
  connectTimeoutMs: number
  /** A statement that takes longer is cancelled: ServiceUnavailable. */
  statementTimeoutMs: number
  /** How long a commit whose answer was lost is asked about. */
  resolveMs: number
  keyCacheMs: number
  /** A multipart upload is given up this long after its last part; a completed one is remembered this long. */
  uploadTtlMs: number
}

const DEFAULTS: MetaSettings = {
  connectionsMax: 10,
  connectTimeoutMs: 3_000,
  statementTimeoutMs: 10_000,
  resolveMs: 5_000,
  keyCacheMs: 5_000,
  uploadTtlMs: 86_400_000,
}

export interface MetaOptions {
  url: string
  /** 32 bytes under which secrets are sealed. Without it, whatever needs a secret throws; all else works. */
  sealingKey?: Buffer | undefined
  clock: Clock
  random: Random
  log: Log
  settings?: Partial<MetaSettings>
}

export interface Meta extends AsyncDisposable {
  readonly catalogue: Catalogue
  readonly upkeep: UpkeepCatalogue
  readonly jobs: JobCatalogue & JobControl
  readonly repairs: RepairCatalogue
  readonly census: CensusCatalogue
  readonly scrubs: ScrubCatalogue
  readonly reports: UpkeepReports
  readonly registry: Registry
  readonly accounts: Accounts
  /** Servers and ring, kept up to date until it is disposed. `refreshMs`: 30 s if absent. */
  watchCluster(options: { refreshMs?: number }, signal: AbortSignal): Promise<WatchedCluster>
  openGatewaySession(options: { ttlMs: number }, signal: AbortSignal): Promise<GatewaySession>
  /** Resolves if the database answers. Fault: ServiceUnavailable. */
  ping(signal: AbortSignal): Promise<void>
}

export type { Accounts, GatewaySession, WatchedCluster }

/** All metadata, on a database that was migrated. Connects as it is needed; rejects only if the database does not answer now. */
export async function connectMeta(options: MetaOptions): Promise<Meta> {
  const { url, clock, random, log } = options
  const settings = { ...DEFAULTS, ...options.settings }
  const { connectTimeoutMs, statementTimeoutMs } = settings
  const pools = { url, name: 'sextant', connectTimeoutMs, statementTimeoutMs, clock, random, log }
  const databases = openDatabases(pools, settings.connectionsMax)
  const { general } = databases
  const sealer = lazySealer(options)
  const findKey = makeAccessKeyFinder({ database: general, sealer, clock, cacheMs: settings.keyCacheMs })
  const pingNow = async (signal: AbortSignal) => void (await general.run(ping, undefined, { signal, repeatable: true }))
  try {
    await pingNow(new AbortController().signal)
  } catch (error) {
    await databases[Symbol.asyncDispose]()
    throw error
  }
  return {
    catalogue: {
      findAccessKey: findKey,
      findAccount: async (id, signal) => (await general.run(findAccount, id, { signal, repeatable: true }))[0],
      ...buckets(databases),
      ...objectReads(databases),
      ...objectWrites(databases, settings),
      ...uploads(databases, settings),
    },
    upkeep: upkeepCatalogue(general),
    jobs: jobs(general),
    repairs: repairCatalogue(general),
    census: censusCatalogue(general),
    scrubs: scrubCatalogue(general),
    reports: upkeepReports(general),
    registry: registry(general),
    accounts: accounts(general, sealer, random),
    watchCluster: ({ refreshMs = 30_000 }, signal) =>
      watchCluster({ database: general, clock, log, refreshMs }, signal),
    openGatewaySession: (session, signal) => openGatewaySession(general, session, signal),
    ping: pingNow,
    [Symbol.asyncDispose]: () => databases[Symbol.asyncDispose](),
  }
}

function lazySealer({ sealingKey, random }: MetaOptions): () => Sealer {
  const sealer = sealingKey && makeSealer(sealingKey, random)
  return () => {
    assert(sealer, 'whatever needs a secret is given the sealing key')
    return sealer
  }
}
