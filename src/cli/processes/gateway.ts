import { createHealth, type Health } from '../../admin/health.ts'
import { startAdminServer } from '../../admin/server.ts'
import type { Settings } from '../../base/config.ts'
import { createChunkClient } from '../../chunk-client/client.ts'
import { openLocalChunks } from '../../chunk-client/local-chunks.ts'
import { ChunkCache } from '../../engine/chunk-cache.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { EngineSettings } from '../../engine/deps.ts'
import type { Engine } from '../../engine/engine.ts'
import { createPlacer } from '../../engine/placer.ts'
import { noLocalChunks } from '../../engine/ports/local-chunks.ts'
import { ReadMemory } from '../../engine/read-memory.ts'
import { Slots } from '../../engine/slots.ts'
import { SlowUploadBudget } from '../../engine/stripe-filler.ts'
import { connectMeta, type Meta } from '../../meta/connect.ts'
import { loadRingHash } from '../../placement/ring-hash.ts'
import { createS3Server, type S3Server } from '../../s3api/s3-server.ts'
import type { S3Settings } from '../../s3api/settings.ts'
import { StripePool } from '../../striping/stripe-pool.ts'
import { startDamageReports } from '../../upkeep/damage-reports.ts'
import type { ProcessDeps } from './deps.ts'
import { required } from './required.ts'
import { type Service, serve } from './serve.ts'
import { type KeptSession, keepSession } from './session-keeper.ts'
import { startUpkeep } from './upkeep.ts'

/** Of the memory for stripes, what uploads, or downloads, may take at once: slow clients of one kind leave room for the other. */
const SIDE_SHARE = 3 / 4

export interface GatewayOptions {
  isSupervised: boolean
  /** Other gateway processes listen on the same S3 port. */
  sharesPort: boolean
  /** Serve health and administration on a port of their own. */
  hasAdmin: boolean
}

/** One S3 gateway, until it is told to stop; answers the exit code. */
export function runGateway(deps: ProcessDeps, options: GatewayOptions): Promise<number> {
  return serve({ ...deps, isSupervised: options.isSupervised }, (stop) => startGateway(deps, options, stop))
}

/** What was opened last is closed first: the S3 server, then what serves it, the database at the end. */
async function startGateway(deps: ProcessDeps, options: GatewayOptions, stop: AbortSignal): Promise<Service> {
  const { settings, clock, random, log } = deps
  const {
    clusterToken,
    databaseUrl: url,
    sealingKey,
  } = required(settings, ['databaseUrl', 'clusterToken', 'sealingKey'])
  await using opened = new AsyncDisposableStack()
  await loadRingHash()
  const meta = opened.use(await openMeta(deps, { url, sealingKey }))
  const cluster = opened.use(await meta.watchCluster({ refreshMs: settings.ringRefreshMs }, stop))
  const session = opened.use(await keepSession({ meta, clock, log, ttlMs: settings.putTtlMs }, stop))
  const chunks = opened.use(createChunkClient({ cluster, clusterToken, clock, log }))
  const localChunks = settings.localReads ? opened.use(openLocalChunks({ cluster, clock, log })) : noLocalChunks
  const placer = opened.use(createPlacer(cluster, chunks))
  const bytesMax = settings.stripePoolBytes
  const pool = new StripePool({ bytesMax, sideBytesMax: SIDE_SHARE * bytesMax })
  const sending = new Slots(settings.stripesSendingMax)
  const streaming = new Slots(settings.streamedDownloadsMax)
  const slowUploads = new SlowUploadBudget(settings.slowUploadBytes)
  const readMemory = new ReadMemory(pool)
  const chunkCache = new ChunkCache({ bytesMax: settings.chunkCacheBytes })
  const damage = opened.use(startDamageReports({ catalogue: meta.repairs, clock, log }))
  const memory = { pool, readMemory, chunkCache, slowUploads, sending, streaming }
  const ports = { catalogue: meta.catalogue, chunks, localChunks, damage, placer, ...memory }
  const engineDeps = { ...ports, clock, random, log, settings: engineSettings(settings, session) }
  const engine = createEngine(engineDeps)
  opened.use(startUpkeep({ meta, cluster, engine: engineDeps, settings }))
  const health = createHealth({
    ping: (signal) => meta.ping(signal),
    servers: () => cluster.servers().values(),
    isReachable: ({ number }) => chunks.isReachable(number),
    clock,
  })
  if (options.hasAdmin) {
    const { adminHost: host, adminPort: port } = settings
    opened.use(await startAdminServer({ health, log, settings: { host, port } }))
  }
  const server = opened.use(await startS3(engine, health, deps, options))
  log.info({ s3Port: server.port, session: session.number }, 'gateway serves')
  const owned = opened.move()
  return {
    drain: (hurry) => drain(server, settings.drainMs, hurry),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}

function openMeta(
  { settings, clock, random, log }: ProcessDeps,
  { url, sealingKey }: { url: string; sealingKey: Buffer },
): Promise<Meta> {
  const { databaseConnections: connectionsMax, keyCacheMs, uploadTtlMs } = settings
  return connectMeta({ url, sealingKey, clock, random, log, settings: { connectionsMax, keyCacheMs, uploadTtlMs } })
}

function engineSettings(settings: Settings, session: KeptSession): EngineSettings {
  const { blockBytes, messageChunkBytesMax, stripesInFlightMax, slowStripeMs, objectBytesMax } = settings
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
    objectBytesMax,
  }
}

function startS3(
  engine: Engine,
  health: Health,
  { settings, clock, random, log }: ProcessDeps,
  { sharesPort }: GatewayOptions,
): Promise<S3Server> {
  const { s3Host: host, s3Port: port, region, sigV2, objectBytesMax, connectionsMax } = settings
  const s3Settings: S3Settings = {
    host,
    port,
    sharesPort,
    region,
    domains: settings.domain?.split(',') ?? [],
    sigV2,
    objectBytesMax,
    http: { connectionsMax },
  }
  return createS3Server({
    engine,
    clock,
    random,
    log,
    settings: s3Settings,
    async health() {
      const report = await health.report()
      return { ok: report.status !== 'unavailable', ...report }
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
