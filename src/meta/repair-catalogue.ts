import type { RepairCatalogue } from '../upkeep/ports/repair.ts'
import type { Database } from './database.ts'
import {
  claimRepairs,
  commitRepair,
  failRepair,
  findUnwantedServers,
  planRepair,
  queueDamage,
} from './queries/repair.ts'

/** All of it may be repeated: whoever repeats a commit that was carried out is told `changed`, and nothing is deleted. */
export function repairCatalogue(database: Database): RepairCatalogue {
  return {
    claimRepairs: (query, signal) => database.run(claimRepairs, query, { signal, repeatable: true }),
    async findUnwantedServers(signal) {
      const rows = await database.run(findUnwantedServers, undefined, { signal, repeatable: true })
      return {
        lost: rows.filter(({ isLost }) => isLost).map(({ server }) => server),
        leaving: rows.filter(({ isLost, isLeaving }) => isLeaving && !isLost).map(({ server }) => server),
      }
    },
    async planRepair(plan, signal) {
      const planned = await database.run(planRepair, plan, { signal, repeatable: true })
      return plan.moves.flatMap((move) => {
        const found = planned.find(({ index }) => index === move.index)
        return found ? [{ ...move, mayBeThere: found.mayBeThere }] : []
      })
    },
    async commitRepair(commit, signal) {
      const [outcome] = await database.run(commitRepair, commit, { signal, repeatable: true })
      return outcome!
    },
    async failRepair(failure, signal) {
      await database.run(failRepair, failure, { signal, repeatable: true })
    },
    async queueDamage(damages, signal) {
      const [queued] = await database.run(queueDamage, damages, { signal, repeatable: true })
      return queued!
    },
  }
}
