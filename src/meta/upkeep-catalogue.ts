import type { UpkeepCatalogue } from '../upkeep/ports/sweeps.ts'
import type { Database } from './database.ts'
import { findExpiredSessions, forgetSession } from './queries/gateway-sessions.ts'
import {
  claimStrays,
  expireUploads,
  findDoomedParts,
  findUnknownParts,
  forgetDoomedParts,
  forgetStrays,
} from './queries/upkeep.ts'
import { restoreWatch } from './restores.ts'

/** A lock of the database's session, told apart from others by its first number (migrations/0005). */
const JOB_LOCK = 5

export function upkeepCatalogue(database: Database): UpkeepCatalogue {
  return {
    ...restoreWatch(database),
    async exclusively(job, run, signal) {
      signal.throwIfAborted()
      const client = await database.dedicated()
      const lost = new AbortController()
      const loseIt = () => lost.abort(new Error(`the database connection that guards the job ${job} was lost`))
      client.on('error', loseIt)
      client.on('end', loseIt)
      try {
        const { rows } = await client.query<{ mine: boolean }>(
          'select pg_try_advisory_lock($1, hashtext($2)) as mine',
          [JOB_LOCK, job],
        )
        if (!rows[0]!.mine) return false
        await run(AbortSignal.any([signal, lost.signal]))
        return true
      } finally {
        client.off('end', loseIt)
        await client.end().catch(() => {}) // lost already: then the lock is gone with it
      }
    },
    async expireUploads(rowsMax, signal) {
      const [expired] = await database.run(expireUploads, rowsMax, { signal, repeatable: true })
      return expired!
    },
    findDoomedParts: (query, signal) => database.run(findDoomedParts, query, { signal, repeatable: true }),
    async forgetDoomedParts(partIds, signal) {
      await database.run(forgetDoomedParts, partIds, { signal, repeatable: true })
    },
    findExpiredSessions: (signal) => database.run(findExpiredSessions, undefined, { signal, repeatable: true }),
    findUnknownParts: (partIds, signal) => database.run(findUnknownParts, partIds, { signal, repeatable: true }),
    claimStrays: (query, signal) => database.run(claimStrays, query, { signal, repeatable: true }),
    async forgetStrays(strays, signal) {
      await database.run(forgetStrays, strays, { signal, repeatable: true })
    },
    async forgetSession(session, signal) {
      await database.run(forgetSession, session, { signal, repeatable: true })
    },
  }
}
