import type { Clock, Random } from '../base/clock.ts'
import { assert } from '../base/faults.ts'
import type { Log } from '../base/log.ts'
import type { PoolUse, ReplicaUse, StatementMeter } from '../base/meters.ts'
import type { BatchMeter } from '../base/spans.ts'
import type { Catalogue } from '../engine/ports/catalogue.ts'
import type { Registry } from '../storage-node/ports.ts'
import type { CensusCatalogue } from '../upkeep/ports/census.ts'
import type { ClusterReports } from '../upkeep/ports/cluster-report.ts'
import type { FsckCatalogue } from '../upkeep/ports/fsck.ts'
import type { JobCatalogue, JobControl } from '../upkeep/ports/jobs.ts'
import type { LifecycleCatalogue } from '../upkeep/ports/lifecycle.ts'
import type { NotificationCatalogue } from '../upkeep/ports/notifications.ts'
import type { OrphanCatalogue } from '../upkeep/ports/orphans.ts'
import type { RepairCatalogue } from '../upkeep/ports/repair.ts'
import type { UpkeepReports } from '../upkeep/ports/report.ts'
import type { RestoreControl } from '../upkeep/ports/restores.ts'
import type { ScrubCatalogue } from '../upkeep/ports/scrub.ts'
import type { ServerControl } from '../upkeep/ports/servers.ts'
import type { UpkeepCatalogue } from '../upkeep/ports/sweeps.ts'
import { type AccessKeyControl, accessKeyControl } from './access-key-control.ts'
import { makeAccessKeyFinder } from './access-keys.ts'
import { type Accounts, accounts } from './accounts.ts'
import { buckets } from './buckets.ts'
import { censusCatalogue } from './census-catalogue.ts'
import { versionChanges } from './change-versions.ts'
import { clusterReports } from './cluster-reports.ts'
import { openDatabases } from './databases.ts'
import { type EncryptionKeys, encryptionKeys } from './encryption.ts'
import { fsckCatalogue } from './fsck-catalogue.ts'
import { type GatewaySession, openGatewaySession } from './gateway-session.ts'
import { jobs } from './jobs.ts'
import { type KeyUses, trackKeyUses } from './key-uses.ts'
import { lifecycleCatalogue } from './lifecycle-catalogue.ts'
import { notificationCatalogue } from './notification-catalogue.ts'
import { findAccount, findAccountsByEmail } from './queries/accounts.ts'
import { surveyParts } from './queries/census.ts'
import { ping, setServerStatus } from './queries/cluster.ts'
import { objectReads } from './read-objects.ts'
import { registry } from './registry.ts'
import { renames } from './rename-objects.ts'
import { repairCatalogue } from './repair-catalogue.ts'
import { orphanCatalogue, restoreControl } from './restores.ts'
import { scrubCatalogue } from './scrub-catalogue.ts'
import { makeSealer, type Sealer } from './seal.ts'
import { upkeepCatalogue } from './upkeep-catalogue.ts'
import { upkeepReports } from './upkeep-reports.ts'
import { uploads } from './uploads.ts'
import { type WatchedCluster, watchCluster } from './watch-cluster.ts'
import { objectWrites } from './write-objects.ts'

export interface MetaSettings {
  /** Connections of this process for requests, at most; a few more for locks, LISTEN and jobs. Opened as they are needed. */
  connectionsMax: number
  connectTimeoutMs: number
  /** A statement that takes longer is cancelled: ServiceUnavailable. */
  statementTimeoutMs: number
  /**
   * A server that answers nothing for so long is asked on another connection; silent there as well for `connectTimeoutMs`,
   * it is not waited for any more: requests are refused at once until it answers.
   */
  silentMs: number
  /** The farthest behind the primary that a replica's answers are taken. */
  replicaLagMsMax: number
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
  silentMs: 1_500,
  replicaLagMsMax: 30_000,
  resolveMs: 30_000,
  keyCacheMs: 5_000,
  uploadTtlMs: 86_400_000,
}

export interface MetaOptions {
  url: string
  /** Of a streaming replica, for what may be a little old. It need not be there. */
  replicaUrl?: string | undefined
  /** 32 bytes under which secrets are sealed. Without it, whatever needs a secret throws; all else works. */
  sealingKey?: Buffer | undefined
  clock: Clock
  random: Random
  log: Log
  settings?: Partial<MetaSettings>
  /** Told of every statement of the pools. */
  meter?: StatementMeter | undefined
  /** Told of each call that travels with others in one statement. */
  batched?: BatchMeter | undefined
}

export interface Meta extends AsyncDisposable {
  readonly catalogue: Catalogue
  readonly upkeep: UpkeepCatalogue
  readonly jobs: JobCatalogue & JobControl
  readonly repairs: RepairCatalogue
  readonly census: CensusCatalogue
  readonly scrubs: ScrubCatalogue
  readonly lifecycle: LifecycleCatalogue
  readonly notifications: NotificationCatalogue
  readonly fsck: FsckCatalogue
  readonly orphans: OrphanCatalogue
  readonly restores: RestoreControl
  readonly reports: UpkeepReports
  /** As `reports`, for what people are told and nothing is done by: where there is a replica, some of it is a little old. */
  readonly told: UpkeepReports & ClusterReports & Pick<CensusCatalogue, 'surveyParts'>
  readonly servers: ServerControl
  readonly encryption: EncryptionKeys
  readonly registry: Registry
  readonly accounts: Accounts
  readonly accessKeys: AccessKeyControl
  /** To be disposed before this. */
  trackKeyUses(): KeyUses
  /** Servers and ring, kept up to date until it is disposed; so long, changed access keys are noticed at once. `refreshMs`: 30 s if absent. */
  watchCluster(options: { refreshMs?: number }, signal: AbortSignal): Promise<WatchedCluster>
  openGatewaySession(options: { ttlMs: number }, signal: AbortSignal): Promise<GatewaySession>
  /** Resolves if the database answers. Fault: ServiceUnavailable. */
  ping(signal: AbortSignal): Promise<void>
  /** The pools of connections as they are now. */
  pools(): PoolUse[]
  /** Undefined: there is none. */
  replicaUse(): ReplicaUse | undefined
}

export type { Accounts, GatewaySession, KeyUses, WatchedCluster }

/** All metadata, on a database that was migrated. Connects as it is needed; rejects only if the database does not answer now. */
export async function connectMeta(options: MetaOptions): Promise<Meta> {
  const { url, clock, random, log, meter, replicaUrl, batched } = options
  const settings = { ...DEFAULTS, ...options.settings }
  const { connectTimeoutMs, statementTimeoutMs } = settings
  const pools = { url, name: 'sextant', connectTimeoutMs, statementTimeoutMs, clock, random, log, meter }
  const databases = openDatabases(pools, { ...settings, replicaUrl, batched })
  const { general, behind, old } = databases
  const sealer = lazySealer(options)
  const keys = makeAccessKeyFinder({ database: general, sealer, clock, cacheMs: settings.keyCacheMs })
  const keyNotices = { name: 'sextant_keys', heard: keys.forget, begin: keys.forgetAll }
  const pingNow = async (signal: AbortSignal) => void (await general.run(ping, undefined, { signal, repeatable: true }))
  try {
    await pingNow(new AbortController().signal)
  } catch (error) {
    await databases[Symbol.asyncDispose]()
    throw error
  }
  return {
    catalogue: {
      findAccessKey: (id, signal) => keys.find(id, signal),
      findAccount: async (id, signal) => (await general.run(findAccount, id, { signal, repeatable: true }))[0],
      async findAccountByEmail(email, signal) {
        const found = await general.run(findAccountsByEmail, email, { signal, repeatable: true })
        return found.length === 1 ? found[0] : undefined
      },
      ...buckets(databases),
      ...objectReads(databases),
      ...objectWrites(databases, settings),
      ...renames(databases),
      ...versionChanges(databases),
      ...uploads(databases, settings),
    },
    upkeep: upkeepCatalogue(behind),
    jobs: jobs(behind),
    repairs: repairCatalogue(behind),
    census: censusCatalogue(behind),
    scrubs: scrubCatalogue(behind),
    lifecycle: lifecycleCatalogue(behind, old),
    notifications: notificationCatalogue(behind),
    fsck: fsckCatalogue(behind),
    orphans: orphanCatalogue(behind),
    restores: restoreControl(general),
    reports: upkeepReports(general),
    told: {
      ...upkeepReports(general, old),
      ...clusterReports(behind, old),
      surveyParts: (query, signal) => old.run(surveyParts, query, { signal, repeatable: true }),
    },
    servers: {
      async setServerStatus(order, signal) {
        const [outcome] = await general.run(setServerStatus, order, { signal, repeatable: true })
        return outcome!
      },
    },
    encryption: encryptionKeys(general),
    registry: registry(general),
    accounts: accounts(general, sealer, random),
    accessKeys: accessKeyControl({ database: general, sealer, random, clock }),
    trackKeyUses: () => trackKeyUses({ database: behind, clock, log }),
    watchCluster: ({ refreshMs = 30_000 }, signal) =>
      watchCluster({ database: general, clock, log, refreshMs, others: [keyNotices] }, signal),
    openGatewaySession: (session, signal) => openGatewaySession(general, session, signal),
    ping: pingNow,
    pools: () => databases.pools(),
    replicaUse: () => databases.replicaUse(),
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
