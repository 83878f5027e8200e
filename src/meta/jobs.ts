import type { JobCatalogue, JobControl } from '../upkeep/ports/jobs.ts'
import type { Database } from './database.ts'
import { listJobs, pauseJob, releaseJob, renewJob, takeJob, wakeJob } from './queries/jobs.ts'

export function jobs(database: Database): JobCatalogue & JobControl {
  return {
    async takeJob(lease, signal) {
      const [taken] = await database.run(takeJob, lease, { signal, repeatable: true })
      return taken
    },
    async renewJob(lease, signal) {
      const [state] = await database.run(renewJob, lease, { signal, repeatable: true })
      return state ?? 'lost'
    },
    async releaseJob(release, signal) {
      await database.run(releaseJob, release, { signal, repeatable: true })
    },
    listJobs: (signal) => database.run(listJobs, undefined, { signal, repeatable: true }),
    async pauseJob(job, signal) {
      return (await database.run(pauseJob, job, { signal, repeatable: true })).length > 0
    },
    async wakeJob(name, signal) {
      return (await database.run(wakeJob, name, { signal, repeatable: true })).length > 0
    },
  }
}
