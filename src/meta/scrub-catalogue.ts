import type { ScrubCatalogue } from '../upkeep/ports/scrub.ts'
import type { Database } from './database.ts'
import { listParts } from './queries/scrub.ts'
import { repairCatalogue } from './repair-catalogue.ts'

export function scrubCatalogue(database: Database): ScrubCatalogue {
  const { queueDamage } = repairCatalogue(database)
  return {
    listParts: (query, signal) => database.run(listParts, query, { signal, repeatable: true }),
    queueDamage,
  }
}
