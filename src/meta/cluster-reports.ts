import type { ClusterReports } from '../upkeep/ports/cluster-report.ts'
import type { Database } from './database.ts'
import { listTableSizes, readBacklog, readServerStatistics } from './queries/cluster-report.ts'

export function clusterReports(database: Database): ClusterReports {
  return {
    async readBacklog(signal) {
      const [backlog] = await database.run(readBacklog, undefined, { signal, repeatable: true })
      return backlog!
    },
    async readPostgres(signal) {
      const [server] = await database.run(readServerStatistics, undefined, { signal, repeatable: true })
      return { ...server!, tables: await database.run(listTableSizes, undefined, { signal, repeatable: true }) }
    },
  }
}
