import type { CensusCatalogue } from '../upkeep/ports/census.ts'
import type { Database } from './database.ts'
import { observeServers, queueParts, readRepairs, retryRepairs, surveyParts } from './queries/census.ts'

export function censusCatalogue(database: Database): CensusCatalogue {
  return {
    async observeServers(query, signal) {
      const rows = await database.run(observeServers, query, { signal, repeatable: true })
      const those = (wanted: string) => rows.filter((row) => row.condition === wanted).map(({ server }) => server)
      return { up: those('up'), draining: those('draining'), down: those('down'), lost: those('lost') }
    },
    async readRepairs(signal) {
      const [repairs] = await database.run(readRepairs, undefined, { signal, repeatable: true })
      return repairs!
    },
    surveyParts: (query, signal) => database.run(surveyParts, query, { signal, repeatable: true }),
    async queueParts(parts, signal) {
      await database.run(queueParts, parts, { signal, repeatable: true })
    },
    async retryRepairs(rowsMax, signal) {
      return (await database.run(retryRepairs, rowsMax, { signal, repeatable: true })).length
    },
  }
}
