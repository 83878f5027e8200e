import type { UpkeepReports } from '../upkeep/ports/report.ts'
import type { Database } from './database.ts'
import { findGoneServers, listQueuedParts, readQueues } from './queries/report.ts'

export function upkeepReports(database: Database): UpkeepReports {
  return {
    async readQueues(signal) {
      const [queues] = await database.run(readQueues, undefined, { signal, repeatable: true })
      return queues!
    },
    findGoneServers: (signal) => database.run(findGoneServers, undefined, { signal, repeatable: true }),
    listQueuedParts: (rowsMax, signal) => database.run(listQueuedParts, rowsMax, { signal, repeatable: true }),
  }
}
