import type { OrphanCatalogue } from '../upkeep/ports/orphans.ts'
import type { RestoreControl, RestoreWatch } from '../upkeep/ports/restores.ts'
import type { Database } from './database.ts'
import { misplacedCatalogue } from './misplaced.ts'
import { judgeChunks } from './queries/fsck.ts'
import { claimOrphans, compareBeats, listRestores, releaseRestores } from './queries/restores.ts'
import { forgetStrays } from './queries/upkeep.ts'

export function restoreWatch(database: Database): RestoreWatch {
  return {
    async compareBeats(query, signal) {
      return (await database.run(compareBeats, query, { signal, repeatable: true })).length > 0
    },
  }
}

export function restoreControl(database: Database): RestoreControl {
  return {
    listRestores: (signal) => database.run(listRestores, undefined, { signal, repeatable: true }),
    async releaseRestores(signal) {
      return (await database.run(releaseRestores, undefined, { signal, repeatable: true })).length
    },
  }
}

export function orphanCatalogue(database: Database): OrphanCatalogue {
  return {
    ...restoreWatch(database),
    ...misplacedCatalogue(database),
    judgeChunks: (query, signal) => database.run(judgeChunks, query, { signal, repeatable: true }),
    claimOrphans: (query, signal) => database.run(claimOrphans, query, { signal, repeatable: true }),
    async forgetStrays(strays, signal) {
      await database.run(forgetStrays, strays, { signal, repeatable: true })
    },
  }
}
