import type { Settings } from '../../base/config.ts'
import { copyChunks } from '../../engine/copy-chunks.ts'
import type { EngineDeps } from '../../engine/deps.ts'
import { takesChunks } from '../../engine/placer.ts'
import type { StorageServer } from '../../engine/ports/cluster.ts'
import { rebuildChunks } from '../../engine/rebuild-chunks.ts'
import type { Meta, WatchedCluster } from '../../meta/connect.ts'
import type { Tracing } from '../../tracing/tracing.ts'
import { censusJob } from '../../upkeep/census/census-job.ts'
import { type Job, startJobs } from '../../upkeep/job-runner.ts'
import { lifecycleJob } from '../../upkeep/lifecycle/lifecycle-job.ts'
import { notificationsJob } from '../../upkeep/notifications/notifications-job.ts'
import { orphansJob } from '../../upkeep/orphans/orphans-job.ts'
import type { Rebuilder } from '../../upkeep/ports/repair.ts'
import { rebalanceJob } from '../../upkeep/rebalance/rebalance-job.ts'
import { repairJob } from '../../upkeep/repair/repair-job.ts'
import { reportJob } from '../../upkeep/report/report-job.ts'
import { scrubJob } from '../../upkeep/scrub/scrub-job.ts'
import { startSweeps } from '../../upkeep/sweeps.ts'
import { postEvent } from '../../webhooks/post-event.ts'
import { notificationTargets } from './notification-targets.ts'

export interface UpkeepParts {
  meta: Meta
  cluster: WatchedCluster
  engine: EngineDeps
  settings: Settings
  tracing?: Tracing | undefined
}

/** How long a job waits for its gateway to say something before another one takes it. */
const LOOKS_IN_A_LEASE = 3
const LEASE_MS_MIN = 5_000

/** What runs behind the requests of a gateway: sweeps and jobs, each on one gateway at a time. */
export function startUpkeep(parts: UpkeepParts): AsyncDisposable {
  const { meta, cluster, engine, settings, tracing } = parts
  const { chunks, clock, random, log } = engine
  const { sweepIntervalMs, doomedGraceMs, jobIntervalMs: intervalMs } = settings
  const opened = new AsyncDisposableStack()
  opened.use(
    startSweeps(
      { catalogue: meta.upkeep, chunks, cluster, clock, log },
      { intervalMs: sweepIntervalMs, doomedGraceMs },
    ),
  )
  const runner = random.bytes(16).toString('hex')
  const leaseMs = Math.max(LEASE_MS_MIN, LOOKS_IN_A_LEASE * intervalMs)
  const jobs = upkeepJobs(parts)
  const told = tracing ? jobs.map(tracing.job) : jobs
  opened.use(startJobs({ catalogue: meta.jobs, clock, log, runner }, told, { intervalMs, leaseMs }))
  return opened
}

/** Every job that a gateway can take. */
export function upkeepJobs({ meta, cluster, engine, settings }: UpkeepParts): Job[] {
  const { chunks, placer, clock, random, log } = engine
  const { doomedGraceMs: graceMs, jobIntervalMs: intervalMs } = settings
  const rebuilder: Rebuilder = {
    rebuild: (order, signal) => rebuildChunks(engine, order, signal),
    copy: (order, signal) => copyChunks(engine, order, signal),
  }
  const repairDeps = { catalogue: meta.repairs, chunks, placer, rebuilder, clock, log }
  const takes = (server: StorageServer) => takesChunks(server) && chunks.isReachable(server.number)
  return [
    censusJob({ catalogue: meta.census, clock, log }, { graceMs: settings.repairGraceMs, intervalMs }),
    repairJob(repairDeps, { graceMs, bytesPerSecond: settings.repairBytesPerSecond, intervalMs }),
    rebalanceJob(
      { ...repairDeps, parts: meta.scrubs, reports: meta.reports, cluster, takes },
      { graceMs, bytesPerSecond: settings.rebalanceBytesPerSecond, intervalMs },
    ),
    scrubJob(
      { catalogue: meta.scrubs, chunks, clock, log },
      { periodMs: settings.scrubPeriodMs, bytesPerSecond: settings.scrubBytesPerSecond },
    ),
    lifecycleJob(
      { catalogue: meta.lifecycle, clock, log },
      { dayMs: settings.lifecycleDayMs, objectsPerSecond: settings.lifecycleObjectsPerSecond, intervalMs },
    ),
    notificationsJob(
      { catalogue: meta.notifications, post: postEvent, clock, random, log },
      {
        targets: notificationTargets(settings),
        timeoutMs: settings.webhookTimeoutMs,
        ageMsMax: settings.eventAgeMsMax,
        waitingMax: settings.eventsWaitingMax,
        intervalMs,
      },
    ),
    reportJob(
      { reports: meta.told, clusterReports: meta.told, census: meta.told, jobs: meta.jobs, clock },
      { periodMs: settings.reportPeriodMs },
    ),
    orphansJob(
      { catalogue: meta.orphans, chunks, cluster, clock, log },
      {
        periodMs: settings.orphanPeriodMs,
        ageMs: settings.orphanAgeMs,
        chunksPerSecond: settings.orphanChunksPerSecond,
      },
    ),
  ]
}
