import { type ClusterHealth, createClusterHealth } from '../../admin/cluster-health.ts'
import { createHealth, type Health, isReady } from '../../admin/health.ts'
import { RequestStream } from '../../admin/request-stream.ts'
import { startAdminServer } from '../../admin/server.ts'
import { adminToken } from '../../base/admin-token.ts'
import type { Settings } from '../../base/config.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { LineFile } from '../../base/line-file.ts'
import type { RequestMeter, StatementRecord } from '../../base/meters.ts'
import type { RequestTracer } from '../../base/spans.ts'
import type { TlsIdentity } from '../../base/tls/identity.ts'
import { createChunkClient } from '../../chunk-client/client.ts'
import { openLocalChunks } from '../../chunk-client/local-chunks.ts'
import { ChunkCache } from '../../engine/chunk-cache.ts'
import { createCompression } from '../../engine/compression/compression.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { EngineSettings } from '../../engine/deps.ts'
import { createKeyRing } from '../../engine/encryption/key-ring.ts'
import type { Engine } from '../../engine/engine.ts'
import { Hedging } from '../../engine/hedging.ts'
import { createLateServers, type LateServers } from '../../engine/late-servers.ts'
import { createPlacer } from '../../engine/placer.ts'
import { noLocalChunks } from '../../engine/ports/local-chunks.ts'
import { ReadMemory } from '../../engine/read-memory.ts'
import { Slots } from '../../engine/slots.ts'
import { SlowUploadBudget } from '../../engine/stripe-filler.ts'
import { connectMeta, type KeyUses, type Meta } from '../../meta/connect.ts'
import { loadRingHash } from '../../placement/ring-hash.ts'
import type { RequestWatch } from '../../s3api/audit-entry.ts'
import { RateLimiter, type RateLimiterOptions } from '../../s3api/limits/rate-limiter.ts'
import { createS3Server, type S3Server } from '../../s3api/s3-server.ts'
import type { S3Settings } from '../../s3api/settings.ts'
import { StripePool } from '../../striping/stripe-pool.ts'
import type { Tracing } from '../../tracing/tracing.ts'
import { startDamageReports } from '../../upkeep/damage-reports.ts'
import { type ClusterReport, REPORT_JOB } from '../../upkeep/report/report-job.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import { openAuditLog } from './audit-log.ts'
import { checkSchema } from './check-schema.ts'
import { openClusterCredentials } from './cluster-credentials.ts'
import type { ProcessDeps } from './deps.ts'
import { GatewayCounters, startGatewayMetrics } from './gateway-metrics.ts'
import { openAdminIdentity, openS3Identity } from './identities.ts'
import { notificationTargets } from './notification-targets.ts'
import { openTracing } from './open-tracing.ts'
import { checkTogether, required } from './required.ts'
import { type Service, serve } from './serve.ts'
import { type KeptSession, keepSession } from './session-keeper.ts'
import { shareUsage } from './share-usage.ts'
import { startUpkeep } from './upkeep.ts'

/** Of the memory for stripes, what uploads, or downloads, may take at once: slow clients of one kind leave room for the other. */
const SIDE_SHARE = 3 / 4
/** How long a look at the report may take, in ms. */
const REPORT_MS_MAX = 2_000

export interface GatewayOptions {
  isSupervised: boolean
  /** Other gateway processes listen on the same S3 port. */
  sharesPort: boolean
  /** Serve health and administration on a port of their own. */
  hasAdmin: boolean
}

/** One S3 gateway, until it is told to stop; answers the exit code. */
export function runGateway(deps: ProcessDeps, options: GatewayOptions): Promise<number> {
  const { isSupervised } = options
  const noticeMs = noticeOf(deps, options)
  return serve({ ...deps, isSupervised, noticeMs }, (stop) => startGateway(deps, options, stop))
}

/** Where `sextant up` stops it, all of the store stops, and there is nobody to turn to. */
function noticeOf({ settings }: ProcessDeps, { isSupervised }: GatewayOptions): number {
  return isSupervised ? 0 : settings.stopNoticeMs
}

/** What was opened last is closed first: the S3 server, then what serves it, the database at the end. */
async function startGateway(deps: ProcessDeps, options: GatewayOptions, stop: AbortSignal): Promise<Service> {
  const { settings, clock, random, log } = deps
  const { databaseUrl: url, sealingKey } = required(settings, ['databaseUrl', 'sealingKey'])
  checkTogether(settings)
  await checkSchema(url, ['newer', 'older', 'none'])
  await using opened = new AsyncDisposableStack()
  const credentials = opened.use(await openClusterCredentials(deps))
  await loadRingHash()
  const tracing = opened.use(await openTracing(deps))
  const counters = new GatewayCounters()
  const meta = opened.use(await openMeta(deps, { url, sealingKey, counters, tracing }))
  const cluster = opened.use(await meta.watchCluster({ refreshMs: settings.ringRefreshMs }, stop))
  const session = opened.use(await keepSession({ meta, clock, log, ttlMs: settings.putTtlMs }, stop))
  const client = opened.use(createChunkClient({ cluster, credentials, clock, log, currentTrace: tracing?.current }))
  const counted = counters.calls.metered(client)
  const chunks = tracing ? tracing.chunks(counted) : counted
  const here = settings.localReads ? opened.use(openLocalChunks({ cluster, clock, log })) : noLocalChunks
  const localChunks = tracing ? tracing.localChunks(here) : here
  const late = createLateServers({ clock, restMs: settings.lateRestMs })
  const placer = opened.use(createPlacer({ cluster, chunks, late }))
  const hedging = createHedging(deps, late)
  const bytesMax = settings.stripePoolBytes
  const pool = new StripePool({ bytesMax, sideBytesMax: SIDE_SHARE * bytesMax })
  const sending = new Slots(settings.stripesSendingMax)
  const streaming = new Slots(settings.streamedDownloadsMax)
  const slowUploads = new SlowUploadBudget(settings.slowUploadBytes)
  const readMemory = new ReadMemory(pool, clock)
  const chunkCache = new ChunkCache({ bytesMax: settings.chunkCacheBytes })
  const compression = createCompression({ byDefault: settings.defaultCompression, bytesMax: settings.compressionBytes })
  const damage = opened.use(startDamageReports({ catalogue: counters.damage.metered(meta.repairs), clock, log }))
  const kmsKeys = settings.kmsKeys ?? []
  const keys = createKeyRing({ sealingKey, kmsKeys, generations: meta.encryption, clock })
  const memory = { pool, readMemory, chunkCache, slowUploads, sending, streaming, compression }
  const ports = { catalogue: meta.catalogue, chunks, localChunks, damage, placer, late, hedging, keys, ...memory }
  const engineDeps = { ...ports, clock, random, log, settings: engineSettings(settings, session) }
  const engine = createEngine(engineDeps)
  opened.use(startUpkeep({ meta, cluster, engine: engineDeps, settings, tracing }))
  const health = createHealth({
    ping: (signal) => meta.ping(signal),
    servers: () => cluster.servers().values(),
    isReachable: ({ number }) => chunks.isReachable(number),
    isStopping: () => stop.aborted,
    clock,
  })
  const inside = { pool, poolBytesMax: bytesMax, chunkCache, hedging }
  const requests = new RequestStream()
  const metrics = opened.use(
    await startGatewayMetrics({ counters, meta, cluster, memory: inside, requests, settings, clock, log }),
  )
  if (options.hasAdmin) {
    const { adminHost: host, adminPort: port } = settings
    const tls = opened.use(openAdminIdentity(deps))
    const chunkCount = DATA_CHUNKS + settings.parityChunks
    const cluster = clusterHealth(health, meta, () => placer.takesParts(chunkCount))
    opened.use(
      await startAdminServer({
        gateway: { health, cluster },
        requests: { stream: requests, peers: settings.metricsPeers ?? [], token: adminToken(sealingKey) },
        metrics: metrics.page,
        log,
        settings: { host, port, tls },
      }),
    )
  }
  const keyUses = opened.use(meta.trackKeyUses())
  const audit = opened.use(await openAuditLog(deps))
  const limiter = new RateLimiter({ clock, ...rateLimits(settings) })
  if (options.sharesPort) opened.use(shareUsage(limiter, clock))
  const tls = opened.use(openS3Identity(deps))
  const heard = { meter: counters.requests, keyUses, audit, watch: requests, tracer: tracing?.requests }
  const served = { engine, health, ...heard, limiter, tls }
  const server = opened.use(await startS3(served, deps, options))
  log.info({ s3Port: server.port, session: session.number }, 'gateway serves')
  const owned = opened.move()
  return {
    async drain(hurry) {
      server.announceClose()
      await clock.sleep(noticeOf(deps, options), hurry).catch(() => {}) // it hurries
      await drain(server, settings.drainMs, hurry)
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}

interface OfMeta {
  url: string
  sealingKey: Buffer
  counters: GatewayCounters
  tracing: Tracing | undefined
}

function openMeta(
  { settings, clock, random, log }: ProcessDeps,
  { url, sealingKey, counters, tracing }: OfMeta,
): Promise<Meta> {
  const { databaseConnections: connectionsMax, keyCacheMs, uploadTtlMs, resolveMs } = settings
  const { readReplicaUrl: replicaUrl, readReplicaLagMs: replicaLagMsMax } = settings
  const metaSettings = { connectionsMax, keyCacheMs, uploadTtlMs, resolveMs, replicaLagMsMax }
  const { meter } = counters.statements
  const traced = tracing && {
    batched: tracing.batched,
    meter(record: StatementRecord) {
      meter(record)
      tracing.statement(record)
    },
  }
  return connectMeta({ url, replicaUrl, sealingKey, clock, random, log, settings: metaSettings, meter, ...traced })
}

function engineSettings(settings: Settings, session: KeptSession): EngineSettings {
  const { blockBytes, messageChunkBytesMax, stripesInFlightMax, slowStripeMs, lateChunkMs, objectBytesMax } = settings
  return {
    // Read anew for each part: a session that was over is replaced.
    get session() {
      return session.number
    },
    blockBytes,
    parityChunks: { STANDARD: settings.parityChunks, REDUCED_REDUNDANCY: settings.reducedParityChunks },
    messageChunkBytesMax,
    stripesInFlightMax,
    slowStripeMs,
    lateChunkMs,
    objectBytesMax,
  }
}

function rateLimits(settings: Settings): Pick<RateLimiterOptions, 'ofKey' | 'ofAddress'> {
  const { keyRequestsPerSecond, keyBytesPerSecond, addressRequestsPerSecond, addressBytesPerSecond } = settings
  return {
    ofKey: { requestsPerSecond: keyRequestsPerSecond, bytesPerSecond: keyBytesPerSecond },
    ofAddress: { requestsPerSecond: addressRequestsPerSecond, bytesPerSecond: addressBytesPerSecond },
  }
}

function createHedging({ settings, clock }: ProcessDeps, late: LateServers): Hedging {
  const { hedgeDelayMsMin: delayMsMin, hedgePercent } = settings
  return new Hedging({ clock, late: late.reads, settings: { delayMsMin, share: hedgePercent / 100 } })
}

/** What the report that one gateway makes says of the whole store. */
function clusterHealth(health: Health, meta: Meta, takesParts: () => boolean): ClusterHealth {
  return createClusterHealth({
    health,
    takesParts,
    async readTolerance() {
      const jobs = await meta.jobs.listJobs(AbortSignal.timeout(REPORT_MS_MAX))
      const { safety, gone = [] } = progressOf<Partial<ClusterReport>>(jobs, REPORT_JOB)
      return safety && { tolerance: safety.tolerance, gone }
    },
  })
}

interface Served {
  engine: Engine
  health: Health
  meter: RequestMeter
  keyUses: KeyUses
  audit: LineFile | undefined
  watch: RequestWatch
  tracer: RequestTracer | undefined
  limiter: RateLimiter
  tls: TlsIdentity | undefined
}

function startS3(
  { engine, health, meter, keyUses, audit, watch, tracer, limiter, tls }: Served,
  { settings, clock, random, log }: ProcessDeps,
  { sharesPort }: GatewayOptions,
): Promise<S3Server> {
  const {
    s3Host: host,
    s3Port: port,
    region,
    sigV2,
    objectBytesMax,
    lifecycleDayMs,
    connectionsMax,
    proxyHeaderMs,
  } = settings
  const s3Settings: S3Settings = {
    host,
    port,
    sharesPort,
    tls,
    region,
    domains: settings.domain?.split(',') ?? [],
    sigV2,
    objectBytesMax,
    defaultEncryption: settings.defaultEncryption,
    allowsCustomerKeysOverHttp: settings.allowSseCOverHttp,
    newBuckets: {
      ownership: settings.defaultObjectOwnership,
      blocksPublicAccess: settings.defaultPublicAccessBlock,
    },
    lifecycleDayMs,
    notificationTargets: notificationTargets(settings),
    trustedProxies: settings.trustedProxies,
    hasProxyHeaders: settings.proxyProtocol,
    allowedAddresses: settings.allowedAddresses,
    http: { connectionsMax, proxyHeaderMs },
  }
  return createS3Server({
    engine,
    clock,
    random,
    log,
    meter,
    settings: s3Settings,
    limiter,
    noteKeyUse: (accessKeyId) => keyUses.note(accessKeyId),
    watch,
    tracer,
    audit: audit && ((entry) => audit.write(JSON.stringify(entry))),
    async health() {
      const report = await health.report()
      return { ok: isReady(report), ...report }
    },
  })
}

/** Requests under way have `drainMs`, or until they are told to hurry. */
async function drain(server: S3Server, drainMs: number, hurry: AbortSignal): Promise<void> {
  const breakOff = () => void server.close(0)
  hurry.addEventListener('abort', breakOff, { once: true })
  try {
    await server.close(hurry.aborted ? 0 : drainMs)
  } finally {
    hurry.removeEventListener('abort', breakOff)
  }
}
