import type { UpkeepReports } from '../upkeep/ports/report.ts'
import type { Database } from './database.ts'
import { countChunks, findGoneServers, listQueuedParts, readQueues, readServers } from './queries/report.ts'

export function upkeepReports(database: Database): UpkeepReports {
  return {
    async readQueues(signal) {
      const [queues] = await database.run(readQueues, undefined, { signal, repeatable: true })
      return queues!
    },
    async countChunks(signal) {
      const [chunks] = await database.run(countChunks, undefined, { signal, repeatable: true })
      return chunks!
    },
    findGoneServers: (signal) => database.run(findGoneServers, undefined, { signal, repeatable: true }),
    listQueuedParts: (rowsMax, signal) => database.run(listQueuedParts, rowsMax, { signal, repeatable: true }),
    readServers: (signal) => database.run(readServers, undefined, { signal, repeatable: true }),
  }
}
