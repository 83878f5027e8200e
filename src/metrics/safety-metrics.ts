import { CENSUS_JOB, type CensusProgress } from '../upkeep/census/census-job.ts'
import type { JobState } from '../upkeep/ports/jobs.ts'
import type { ClusterReport } from '../upkeep/report/report-job.ts'
import { progressOf } from '../upkeep/report/safety.ts'
import { SCRUB_JOB, type ScrubProgress } from '../upkeep/scrub/scrub-job.ts'
import { type Family, family, inGroup, single } from './metric.ts'

const { gauge } = inGroup('Safety of the data')

/** The same from every gateway. All but the jobs comes from a report that is made at an interval. */
export const safetyMetrics = {
  reportAge: gauge({
    name: 'sextant_report_age_seconds',
    about: 'Since the report was made that the figures of this group and of PostgreSQL come from.',
  }),
  tolerance: gauge({
    name: 'sextant_fault_tolerance',
    about:
      'How many more storage servers may be lost, whichever they are, without a loss of data; -1: some cannot be read now. Absent while that is not known, for the parts are being counted.',
  }),
  parts: gauge({
    name: 'sextant_parts',
    labels: ['tolerance'],
    about: 'Parts by how many more servers they survive the loss of, as the last census counted them.',
  }),
  atRisk: gauge({
    name: 'sextant_parts_at_risk',
    labels: ['missing'],
    about: 'Parts that wait for repair, by how many of their chunks are missing.',
  }),
  withoutSpare: gauge({
    name: 'sextant_parts_without_spare',
    about: 'Of them: with six chunks left, and none to spare.',
  }),
  unreadable: gauge({ name: 'sextant_parts_unreadable', about: 'Of them: with fewer than six chunks left.' }),
  repairBytes: gauge({ name: 'sextant_repair_bytes', about: 'What repair has still to make anew.' }),
  repairFailing: gauge({
    name: 'sextant_repair_failing_parts',
    about: 'Parts in the repair queue whose last attempt failed.',
  }),
  repairOldest: gauge({
    name: 'sextant_repair_oldest_seconds',
    about: 'For how long the oldest entry of the repair queue waits; 0: it is empty.',
  }),
  toMove: gauge({ name: 'sextant_parts_to_move', about: 'Parts with chunks on servers that are to be emptied.' }),
  toMoveBytes: gauge({ name: 'sextant_move_bytes', about: 'Of their chunks there.' }),
  doomed: gauge({
    name: 'sextant_doomed_parts',
    about: 'The deletion queue: parts that nothing refers to, whose chunks are still to be deleted.',
  }),
  doomedOldest: gauge({
    name: 'sextant_doomed_oldest_seconds',
    about: 'For how long the oldest of them waits; SEXTANT_DOOMED_GRACE_SECONDS of that are on purpose.',
  }),
  strays: gauge({
    name: 'sextant_stray_chunks',
    about: 'Chunks that repairs and late writes left over, still to be deleted.',
  }),
  straysOldest: gauge({
    name: 'sextant_stray_oldest_seconds',
    about: 'For how long the oldest of those that may be deleted waits for it.',
  }),
  events: gauge({ name: 'sextant_events_waiting', about: "Notifications that wait to be sent to buckets' owners." }),
  eventsOldest: gauge({ name: 'sextant_events_oldest_seconds', about: 'For how long the oldest of them waits.' }),
  scrubEnded: gauge({
    name: 'sextant_scrub_last_end_timestamp_seconds',
    about: 'When the last scrub that came to its end did so, since 1970. Absent before the first.',
  }),
  scrubDamaged: gauge({
    name: 'sextant_scrub_damaged_chunks',
    labels: ['pass'],
    about:
      'Rotten or missing chunks that scrub found: in the `last` pass that came to its end, and in the one under way, `now`.',
  }),
  scrubSkipped: gauge({
    name: 'sextant_scrub_skipped_chunks',
    about: 'Chunks that the last pass could not look at, for their servers did not answer.',
  }),
  jobFailed: gauge({
    name: 'sextant_job_failed',
    labels: ['name'],
    about: "1: the job's last run failed; it is tried again. `sextant status` says why.",
  }),
  jobPaused: gauge({ name: 'sextant_job_paused', labels: ['name'], about: '1: somebody has paused the job.' }),
} as const

export function collectJobs(jobs: readonly JobState[]): Family[] {
  const { report } = progressOf<CensusProgress>(jobs, CENSUS_JOB)
  const { last, pass } = progressOf<ScrubProgress>(jobs, SCRUB_JOB)
  return [
    family(
      safetyMetrics.parts,
      Object.entries(report?.tally.byTolerance ?? {}).map(([tolerance, parts]) => [[tolerance], parts]),
    ),
    ...(last ? [single(safetyMetrics.scrubEnded, Date.parse(last.finishedAt) / 1000)] : []),
    family(safetyMetrics.scrubDamaged, [
      [['last'], last?.damaged ?? 0],
      [['now'], pass?.damaged ?? 0],
    ]),
    single(safetyMetrics.scrubSkipped, last?.skipped ?? 0),
    family(
      safetyMetrics.jobFailed,
      jobs.map(({ name, error }) => [[name], error === undefined ? 0 : 1]),
    ),
    family(
      safetyMetrics.jobPaused,
      jobs.map(({ name, state }) => [[name], state === 'paused' ? 1 : 0]),
    ),
  ]
}

export function collectSafety({ madeAt, safety, queues, backlog }: ClusterReport, nowMs: number): Family[] {
  const { repair, strayChunks, doomedParts } = queues
  const atRisk = Object.entries(backlog.partsByMissing).filter(([missing]) => missing !== '0')
  return [
    single(safetyMetrics.reportAge, Math.max(0, nowMs - Date.parse(madeAt)) / 1000),
    ...(safety.tolerance === null ? [] : [single(safetyMetrics.tolerance, safety.tolerance)]),
    family(
      safetyMetrics.atRisk,
      // An alert on what is not there would never fire, nor end.
      atRisk.length === 0 ? [[['1'], 0]] : atRisk.map(([missing, parts]) => [[missing], parts]),
    ),
    single(safetyMetrics.withoutSpare, repair.withoutSpare),
    single(safetyMetrics.unreadable, repair.unreadable),
    single(safetyMetrics.repairBytes, repair.bytes),
    single(safetyMetrics.repairFailing, repair.failing),
    single(safetyMetrics.repairOldest, backlog.oldestRepairSeconds ?? 0),
    single(safetyMetrics.toMove, repair.toMove),
    single(safetyMetrics.toMoveBytes, repair.toMoveBytes),
    single(safetyMetrics.doomed, doomedParts),
    single(safetyMetrics.doomedOldest, backlog.oldestDoomedSeconds ?? 0),
    single(safetyMetrics.strays, strayChunks),
    single(safetyMetrics.straysOldest, backlog.oldestStraySeconds ?? 0),
    single(safetyMetrics.events, backlog.events),
    single(safetyMetrics.eventsOldest, backlog.oldestEventSeconds ?? 0),
  ]
}
