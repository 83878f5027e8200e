import type { JobState } from '../../upkeep/ports/jobs.ts'
import { progressOf } from '../../upkeep/report/safety.ts'
import type { JobWork } from './job-command.ts'
import { pauseJob, wakeJob } from './job-rows.ts'
import { withMeta } from './store-access.ts'

interface PassStatus {
  state: JobState['state']
  /** The last pass that came to its end. */
  last: { startedAt: string } | null | undefined
}

/** How a job is started and paused that goes through everything in one pass, and then waits for the next one. */
export function passWork(name: string): Pick<JobWork<PassStatus>, 'start' | 'pause'> {
  return {
    start: () =>
      withMeta(async (meta, signal) => {
        const { last: before } = progressOf<Pick<PassStatus, 'last'>>(await meta.jobs.listJobs(signal), name)
        await wakeJob(meta, name, signal)
        return ({ state, last }) => state === 'paused' || last?.startedAt !== before?.startedAt
      }),
    pause: (isPaused) => withMeta((meta, signal) => pauseJob(meta, { name, isPaused }, signal)),
  }
}
