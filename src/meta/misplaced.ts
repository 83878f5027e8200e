import type { MisplacedCatalogue } from '../upkeep/ports/misplaced.ts'
import type { Database } from './database.ts'
import { adoptChunks, findWantedParts } from './queries/misplaced.ts'

export function misplacedCatalogue(database: Database): MisplacedCatalogue {
  return {
    findWantedParts: (partIds, signal) => database.run(findWantedParts, partIds, { signal, repeatable: true }),
    adoptChunks: (query, signal) => database.run(adoptChunks, query, { signal, repeatable: true }),
  }
}
