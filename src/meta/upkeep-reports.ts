import type { UpkeepReports } from '../upkeep/ports/report.ts'
import type { Reader } from './database.ts'
import { countChunks, findGoneServers, listQueuedParts, readQueues, readServers } from './queries/report.ts'

/**
 * `old`: for what may be a little old. Whether servers are there is judged by their last heartbeats: of those, old news are
 * wrong news.
 */
export function upkeepReports(database: Reader, old: Reader = database): UpkeepReports {
  return {
    async readQueues(signal) {
      const [queues] = await old.run(readQueues, undefined, { signal, repeatable: true })
      return queues!
    },
    async countChunks(signal) {
      const [chunks] = await database.run(countChunks, undefined, { signal, repeatable: true })
      return chunks!
    },
    findGoneServers: (signal) => database.run(findGoneServers, undefined, { signal, repeatable: true }),
    listQueuedParts: (rowsMax, signal) => old.run(listQueuedParts, rowsMax, { signal, repeatable: true }),
    readServers: (signal) => database.run(readServers, undefined, { signal, repeatable: true }),
  }
}
