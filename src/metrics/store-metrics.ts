import type { Clock } from '../base/clock.ts'
import type { JobState } from '../upkeep/ports/jobs.ts'
import type { ServerStanding } from '../upkeep/ports/report.ts'
import { type ClusterReport, REPORT_JOB } from '../upkeep/report/report-job.ts'
import { progressOf } from '../upkeep/report/safety.ts'
import { type Family, family, inGroup, single } from './metric.ts'
import { collectPostgres } from './postgres-metrics.ts'
import { collectJobs, collectSafety } from './safety-metrics.ts'
import { collectServers } from './server-metrics.ts'

const { gauge } = inGroup('The store')

export const storeMetrics = {
  databaseUp: gauge({
    name: 'sextant_database_up',
    about: '0: the database did not answer this scrape in time. What comes from it is left out then.',
  }),
  processUp: gauge({
    name: 'sextant_process_up',
    labels: ['process'],
    about: '0: a process of this store on this host did not tell its metrics in time.',
  }),
} as const

/** What the whole cluster is asked; each rejects when the database is away. */
export interface StoreSource {
  readServers(signal: AbortSignal): Promise<ServerStanding[]>
  listJobs(signal: AbortSignal): Promise<JobState[]>
  clock: Clock
}

/** Two small statements; the rest is in the report that they find. Never rejects. */
export async function collectStore(source: StoreSource, signal: AbortSignal): Promise<Family[]> {
  try {
    const [servers, jobs] = await Promise.all([source.readServers(signal), source.listJobs(signal)])
    const report = progressOf<Partial<ClusterReport>>(jobs, REPORT_JOB)
    return [
      single(storeMetrics.databaseUp, 1),
      ...collectServers(servers),
      ...collectJobs(jobs),
      ...(isMade(report) ? [...collectSafety(report, source.clock.nowMs()), ...collectPostgres(report.postgres)] : []),
    ]
  } catch {
    return [single(storeMetrics.databaseUp, 0)]
  }
}

/** Whether each process of this host answered. */
export function collectProcesses(answered: readonly (readonly [process: string, isUp: boolean])[]): Family[] {
  return [
    family(
      storeMetrics.processUp,
      answered.map(([process, isUp]) => [[process], isUp ? 1 : 0]),
    ),
  ]
}

/** Not before its first run. */
function isMade(report: Partial<ClusterReport>): report is ClusterReport {
  return report.madeAt !== undefined
}
