import { systemClock } from '../../base/system.ts'
import type { JobState } from '../../upkeep/ports/jobs.ts'
import type { Queues } from '../../upkeep/ports/report.ts'
import { REPAIR_JOB, type RepairProgress } from '../../upkeep/repair/repair-job.ts'
import { progressOf, secondsToSafety, writtenPerSecond } from '../../upkeep/report/safety.ts'
import type { JobWork } from './job-command.ts'
import { findJob, pauseJob, wakeJob } from './job-rows.ts'
import { showCount, showRounded, showSeconds } from './show.ts'
import { withMeta } from './store-access.ts'

interface RepairStatus {
  state: JobState['state']
  queue: Queues['repair']
  /** Copies that are still to be deleted. */
  strayChunks: number
  /** Since the store was made. */
  repaired: Omit<RepairProgress, 'run'>
  /** Bytes of chunks that the run under way makes anew; null: none is. */
  bytesPerSecond: number | null
  /** Until nothing is missing. */
  secondsToSafety: number | null
  /** Until the servers that are to be emptied are, too. */
  secondsLeft: number | null
  error: string | null
}

/** Entries that are made due in one transaction. */
const RETRIES_AT_ONCE = 5_000

export const repairWork: JobWork<RepairStatus> = {
  start: () =>
    withMeta(async (meta, signal) => {
      for (let count = RETRIES_AT_ONCE; count === RETRIES_AT_ONCE; ) {
        count = await meta.census.retryRepairs(RETRIES_AT_ONCE, signal)
      }
      await wakeJob(meta, REPAIR_JOB, signal)
      return ({ state, queue }) => state === 'paused' || queue.parts + queue.toMove === queue.failing
    }),
  pause: (isPaused) => withMeta((meta, signal) => pauseJob(meta, { name: REPAIR_JOB, isPaused }, signal)),
  read: () =>
    withMeta(async (meta, signal) => {
      const jobs = await meta.jobs.listJobs(signal)
      const queues = await meta.reports.readQueues(signal)
      return toStatus(jobs, queues)
    }),
  lines,
  progress: ({ state, queue, bytesPerSecond, secondsLeft: seconds }) =>
    [
      `${state}: ${showCount(queue.parts, 'part')} to repair (${showRounded(queue.bytes)}), ${queue.toMove} to move (${showRounded(queue.toMoveBytes)}), ${queue.failing} of them put off`,
      ...(bytesPerSecond === null ? [] : [`${showRounded(bytesPerSecond)}/s`]),
      ...(seconds === null ? [] : [`${showSeconds(seconds)} left`]),
    ].join(', '),
}

function toStatus(jobs: readonly JobState[], queues: Queues): RepairStatus {
  const nowMs = systemClock.nowMs()
  const { state, error = null } = findJob(jobs, REPAIR_JOB)
  const { run: _, ...sums } = progressOf<Partial<RepairProgress>>(jobs, REPAIR_JOB)
  const bytesPerSecond = writtenPerSecond(jobs, nowMs)
  const leftBytes = queues.repair.bytes + queues.repair.toMoveBytes
  return {
    state,
    queue: queues.repair,
    strayChunks: queues.strayChunks,
    repaired: { parts: 0, chunks: 0, movedBytes: 0, writtenBytes: 0, failures: 0, ...sums },
    bytesPerSecond,
    secondsToSafety: secondsToSafety(jobs, queues, nowMs),
    secondsLeft: bytesPerSecond && leftBytes > 0 ? Math.ceil(leftBytes / bytesPerSecond) : null,
    error,
  }
}

function lines(status: RepairStatus): string[] {
  const { state, queue, strayChunks, repaired, bytesPerSecond, secondsLeft: seconds, error } = status
  const { withoutSpare, unreadable, failing } = queue
  return [
    `repair    ${state}${bytesPerSecond === null ? '' : `, ${showRounded(bytesPerSecond)}/s`}${seconds === null ? '' : `, ${showSeconds(seconds)} left`}`,
    `queue     ${showCount(queue.parts, 'part')} (${showRounded(queue.bytes)}): ${withoutSpare} without a chunk to spare, ${unreadable} unreadable; ${queue.toMove} to be moved (${showRounded(queue.toMoveBytes)}); ${failing} failed last time`,
    `repaired  ${showCount(repaired.parts, 'part')}, ${showCount(repaired.chunks, 'chunk')}, ${showRounded(repaired.writtenBytes)} made anew, ${showCount(repaired.failures, 'failure')}`,
    `left over ${showCount(strayChunks, 'chunk')} to be deleted`,
    ...queue.failures.map(({ partId, error: why }) => `failing   ${partId}: ${why}`),
    ...(error === null ? [] : [`failed    ${error}`]),
  ]
}
