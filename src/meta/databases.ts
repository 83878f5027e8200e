import type { Clock } from '../base/clock.ts'
import type { PoolUse } from '../base/meters.ts'
import { doesAnswer } from './connection-config.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { Primaries } from './primaries.ts'
import { Pulse } from './pulse.ts'

/** Pools apart, so that a slow listing never stands before a commit, and no job before a request. */
export interface Databases {
  /** Batched commits and look-ups. */
  hot: Database
  /** All else that is waited for. */
  general: Database
  /** Sweeps and jobs. */
  behind: Database
  clock: Clock
}

/** One each for commits, deletes, and look-ups of buckets and of objects, and two for their second lanes. */
const HOT_MAX = 6
/** Beside the others; few, so that jobs are slow rather than in the way. */
const BEHIND_MAX = 2

export function openDatabases(
  given: Omit<DatabaseOptions, 'connectionsMax' | 'pool' | 'pulse' | 'primaries'>,
  { connectionsMax, silentMs }: { connectionsMax: number; silentMs: number },
): Databases & AsyncDisposable & { pools(): PoolUse[] } {
  const { clock } = given
  // One for all pools: what one of them hears, all of them need not ask.
  const pulse = new Pulse({ clock, silentMs, ask: () => doesAnswer(given) })
  const options = { ...given, pulse, primaries: new Primaries() }
  const hotMax = Math.min(HOT_MAX, Math.ceil(connectionsMax * 0.6))
  const hot = new Database({ ...options, pool: 'hot', connectionsMax: hotMax })
  const general = new Database({ ...options, pool: 'general', connectionsMax: Math.max(1, connectionsMax - hotMax) })
  const behind = new Database({ ...options, pool: 'behind', connectionsMax: BEHIND_MAX })
  return {
    hot,
    general,
    behind,
    clock,
    pools: () => [hot, general, behind].map((database) => database.use()),
    async [Symbol.asyncDispose]() {
      pulse[Symbol.dispose]()
      await Promise.all([hot, general, behind].map((database) => database[Symbol.asyncDispose]()))
    },
  }
}
