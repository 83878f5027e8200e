import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { systemClock } from '../../base/system.ts'
import { CENSUS_JOB, type CensusProgress } from '../../upkeep/census/census-job.ts'
import type { JobState } from '../../upkeep/ports/jobs.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import { SCRUB_JOB, type ScrubPass, type ScrubProgress, type ScrubTally } from '../../upkeep/scrub/scrub-job.ts'
import type { JobWork } from './job-command.ts'
import { findJob } from './job-rows.ts'
import { passWork } from './pass-work.ts'
import { showCount, showRounded, showSeconds } from './show.ts'
import { withMeta } from './store-access.ts'

interface ScrubStatus {
  state: JobState['state']
  /** The pass under way; null: none is. */
  pass: (Omit<ScrubPass, 'after'> & { share: number | null; secondsLeft: number | null; isInTime: boolean }) | null
  last: ScrubProgress['last'] | null
  nextAt: string | null
  error: string | null
}

export const scrubWork: JobWork<ScrubStatus> = {
  ...passWork(SCRUB_JOB),
  read: () => withMeta(async (meta, signal) => toStatus(await meta.jobs.listJobs(signal))),
  lines: (status) => [headline(status), ...details(status)],
  progress: headline,
}

function toStatus(jobs: readonly JobState[]): ScrubStatus {
  const { state, dueAt, error = null } = findJob(jobs, SCRUB_JOB)
  const { pass, last = null } = progressOf<ScrubProgress>(jobs, SCRUB_JOB)
  const partsInAll = progressOf<CensusProgress>(jobs, CENSUS_JOB).report?.tally.parts
  return { state, pass: pass ? underWay(pass, partsInAll) : null, last, nextAt: dueAt?.toISOString() ?? null, error }
}

/** How far a pass is is judged by parts: whether they are large or small, in the mean it comes out even. */
function underWay({ after, ...pass }: ScrubPass, partsInAll: number | undefined): NonNullable<ScrubStatus['pass']> {
  const elapsedMs = systemClock.nowMs() - Date.parse(pass.startedAt)
  const share = partsInAll && pass.parts > 0 ? Math.min(1, pass.parts / partsInAll) : null
  const { scrubPeriodMs } = readSettings(processConfig())
  return {
    ...pass,
    share,
    secondsLeft: share === null ? null : Math.ceil((elapsedMs * (1 / share - 1)) / 1000),
    isInTime: share === null || elapsedMs / share <= scrubPeriodMs,
  }
}

function headline({ state, pass }: ScrubStatus): string {
  if (!pass) return `scrub     ${state}`
  const share = pass.share === null ? '' : `, ${Math.floor(pass.share * 100)} %`
  const left = pass.secondsLeft === null ? '' : `, ${showSeconds(pass.secondsLeft)} left`
  const seconds = Math.max(1, (systemClock.nowMs() - Date.parse(pass.startedAt)) / 1000)
  return `scrub     ${state}${share}, ${showRounded(pass.bytes / seconds)}/s${left}`
}

function details({ pass, last, nextAt, error }: ScrubStatus): string[] {
  return [
    ...(pass ? [`this pass began ${pass.startedAt}: ${found(pass)}`] : []),
    ...(pass && !pass.isInTime
      ? ['too slow  at this pace the pass outlasts its period: raise SEXTANT_SCRUB_BYTES_PER_SECOND']
      : []),
    last
      ? `last pass began ${last.startedAt}, ended ${last.finishedAt}: ${found(last)}`
      : 'last pass there was none yet',
    ...(pass ? [] : [`next pass ${nextAt}`]),
    ...(error === null ? [] : [`failed    ${error}`]),
  ]
}

function found({ parts, chunks, bytes, damaged, skipped }: ScrubTally): string {
  const what = `${showCount(chunks, 'chunk')} of ${showCount(parts, 'part')}, ${showRounded(bytes)}`
  return `${what}; ${damaged} damaged, ${skipped} skipped because their server did not answer`
}
