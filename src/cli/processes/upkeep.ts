import type { Settings } from '../../base/config.ts'
import type { EngineDeps } from '../../engine/deps.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import { rebuildChunks } from '../../engine/rebuild-chunks.ts'
import type { Meta } from '../../meta/connect.ts'
import { censusJob } from '../../upkeep/census/census-job.ts'
import { startJobs } from '../../upkeep/job-runner.ts'
import type { Rebuilder } from '../../upkeep/ports/repair.ts'
import { repairJob } from '../../upkeep/repair/repair-job.ts'
import { scrubJob } from '../../upkeep/scrub/scrub-job.ts'
import { startSweeps } from '../../upkeep/sweeps.ts'

export interface UpkeepParts {
  meta: Meta
  cluster: ClusterView
  engine: EngineDeps
  settings: Settings
}

/** How long a job waits for its gateway to say something before another one takes it. */
const LOOKS_IN_A_LEASE = 3
const LEASE_MS_MIN = 5_000

/** What runs behind the requests of a gateway: sweeps and jobs, each on one gateway at a time. */
export function startUpkeep({ meta, cluster, engine, settings }: UpkeepParts): AsyncDisposable {
  const { chunks, placer, clock, random, log } = engine
  const { sweepIntervalMs, doomedGraceMs, jobIntervalMs: intervalMs } = settings
  const opened = new AsyncDisposableStack()
  opened.use(
    startSweeps(
      { catalogue: meta.upkeep, chunks, cluster, clock, log },
      { intervalMs: sweepIntervalMs, doomedGraceMs },
    ),
  )
  const rebuilder: Rebuilder = { rebuild: (order, signal) => rebuildChunks(engine, order, signal) }
  const repair = repairJob(
    { catalogue: meta.repairs, chunks, placer, rebuilder, clock, log },
    { graceMs: doomedGraceMs, bytesPerSecond: settings.repairBytesPerSecond, intervalMs },
  )
  const census = censusJob({ catalogue: meta.census, clock, log }, { graceMs: settings.repairGraceMs, intervalMs })
  const scrub = scrubJob(
    { catalogue: meta.scrubs, chunks, clock, log },
    { periodMs: settings.scrubPeriodMs, bytesPerSecond: settings.scrubBytesPerSecond },
  )
  const runner = random.bytes(16).toString('hex')
  const leaseMs = Math.max(LEASE_MS_MIN, LOOKS_IN_A_LEASE * intervalMs)
  opened.use(startJobs({ catalogue: meta.jobs, clock, log, runner }, [census, repair, scrub], { intervalMs, leaseMs }))
  return opened
}
