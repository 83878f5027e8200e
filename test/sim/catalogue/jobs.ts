import type { JobCatalogue, JobControl } from '../../../src/upkeep/ports/jobs.ts'
import type { JobRow, MemoryDatabase } from './tables.ts'

export function jobs(db: MemoryDatabase): JobCatalogue & Pick<JobControl, 'pauseJob' | 'wakeJob'> {
  const change = (name: string, by: Partial<JobRow>) => {
    const row = db.rows.jobs.get(name)
    if (row) db.put('jobs', name, { ...row, ...by })
    db.synced()
    return row !== undefined
  }
  return {
    async takeJob({ name, runner, leaseMs }) {
      const row = db.rows.jobs.get(name)
      const nowMs = db.nowMs()
      if (!row || row.isPaused || row.dueMs > nowMs) return undefined
      if (row.leaseUntilMs > nowMs && row.runner !== runner) return undefined
      change(name, { runner, leaseUntilMs: nowMs + leaseMs })
      return { progress: row.progress }
    },
    async renewJob({ name, runner, leaseMs, progress }) {
      const row = db.rows.jobs.get(name)
      const nowMs = db.nowMs()
      if (!row || row.runner !== runner || row.leaseUntilMs <= nowMs) return 'lost'
      change(name, { leaseUntilMs: nowMs + leaseMs, progress: asStored(progress) })
      return row.isPaused ? 'asked to pause' : 'running'
    },
    async releaseJob({ name, runner, progress, dueInMs, error }) {
      if (db.rows.jobs.get(name)?.runner !== runner) return
      const released = { runner: undefined, leaseUntilMs: 0, dueMs: db.nowMs() + dueInMs }
      change(name, { ...released, progress: asStored(progress), error })
    },
    pauseJob: async ({ name, isPaused }) => change(name, { isPaused }),
    wakeJob: async (name) => change(name, { dueMs: Math.min(db.nowMs(), db.rows.jobs.get(name)?.dueMs ?? 0) }),
  }
}

/** As JSON. */
function asStored(progress: object): object {
  return JSON.parse(JSON.stringify(progress)) as object
}
