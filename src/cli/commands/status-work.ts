import { systemClock } from '../../base/system.ts'
import { judgeSafety } from '../../upkeep/report/safety.ts'
import { toServerRow } from './server-table.ts'
import { withMeta } from './store-access.ts'

/** How safe the data is, what waits, the storage servers as the database knows them, and how fast it answers. */
export function readStatus() {
  return withMeta(async (meta, signal) => {
    const startedMs = performance.now()
    await meta.ping(signal)
    const latencyMs = Math.round((performance.now() - startedMs) * 10) / 10
    await using cluster = await meta.watchCluster({}, signal)
    const servers = [...cluster.servers().values()].map(toServerRow)
    const [jobs, queues, restores] = await Promise.all([
      meta.jobs.listJobs(signal),
      meta.told.readQueues(signal),
      meta.restores.listRestores(signal),
    ])
    const { told } = meta
    const safety = await judgeSafety({ reports: told, census: told, jobs, queues, nowMs: systemClock.nowMs() }, signal)
    const states = Object.fromEntries(jobs.map(({ name, state, error = null }) => [name, { state, error }]))
    return { database: { ok: true, latencyMs }, safety, queues, jobs: states, restores, servers }
  })
}
