import type { Clock } from '../../base/clock.ts'
import type { ServerNumber } from '../../base/ids.ts'
import type { Job, JobRun } from '../job-runner.ts'
import type { CensusCatalogue } from '../ports/census.ts'
import type { Backlog, ClusterReports, PostgresReport } from '../ports/cluster-report.ts'
import type { JobControl } from '../ports/jobs.ts'
import type { Queues, UpkeepReports } from '../ports/report.ts'
import { judgeSafety, type Safety } from './safety.ts'

export const REPORT_JOB = 'report'

/** What costs too much to be asked at every scrape, and by every gateway: it is the job's progress, which all may read. */
export interface ClusterReport {
  madeAt: string
  safety: Safety
  /** Servers that were not to be had by then: the tolerance is without them. */
  gone: ServerNumber[]
  queues: Omit<Queues, 'repair'> & { repair: Omit<Queues['repair'], 'failures'> }
  backlog: Backlog
  postgres: PostgresReport
}

export interface ReportDeps {
  reports: UpkeepReports
  clusterReports: ClusterReports
  census: Pick<CensusCatalogue, 'surveyParts'>
  jobs: Pick<JobControl, 'listJobs'>
  clock: Clock
}

/** Gathers the report every `periodMs`. */
export function reportJob(deps: ReportDeps, { periodMs }: { periodMs: number }): Job {
  return {
    name: REPORT_JOB,
    async work(run: JobRun, signal) {
      run.report(await makeReport(deps, signal))
      return periodMs
    },
  }
}

async function makeReport(
  { reports, clusterReports, census, jobs, clock }: ReportDeps,
  signal: AbortSignal,
): Promise<ClusterReport> {
  const nowMs = clock.nowMs()
  const gone = await reports.findGoneServers(signal)
  const { repair, ...queues } = await reports.readQueues(signal)
  const { failures: _, ...sums } = repair
  const sources = { reports, census, jobs: await jobs.listJobs(signal), queues: { ...queues, repair }, nowMs }
  return {
    madeAt: new Date(nowMs).toISOString(),
    safety: await judgeSafety(sources, signal),
    gone,
    queues: { ...queues, repair: sums },
    backlog: await clusterReports.readBacklog(signal),
    postgres: await clusterReports.readPostgres(signal),
  }
}
