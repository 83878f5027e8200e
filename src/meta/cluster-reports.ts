import type { ClusterReports } from '../upkeep/ports/cluster-report.ts'
import type { Reader } from './database.ts'
import { listDeadRows, listTableSizes, readBacklog, readServerStatistics } from './queries/cluster-report.ts'

/** `old`: for what may be a little old. A server's statistics are of itself alone, so they are the primary's. */
export function clusterReports(primary: Reader, old: Reader): ClusterReports {
  return {
    async readBacklog(signal) {
      const [backlog] = await old.run(readBacklog, undefined, { signal, repeatable: true })
      return backlog!
    },
    async readPostgres(signal) {
      const [server] = await primary.run(readServerStatistics, undefined, { signal, repeatable: true })
      const sizes = await old.run(listTableSizes, undefined, { signal, repeatable: true })
      const dead = new Map(await primary.run(listDeadRows, undefined, { signal, repeatable: true }))
      return { ...server!, tables: sizes.map((table) => ({ ...table, deadRows: dead.get(table.name) ?? 0 })) }
    },
  }
}
