import type { Clock } from '../base/clock.ts'
import { Database, type DatabaseOptions } from './database.ts'

/** Two pools, so that a slow listing never stands before a commit. */
export interface Databases {
  /** Batched commits and look-ups. */
  hot: Database
  /** All else. */
  general: Database
  clock: Clock
}

/** One each for commits, deletes, and look-ups of buckets and of objects, and two for their second lanes. */
const HOT_MAX = 6

export function openDatabases(
  options: Omit<DatabaseOptions, 'connectionsMax'>,
  connectionsMax: number,
): Databases & AsyncDisposable {
  const hotMax = Math.min(HOT_MAX, Math.ceil(connectionsMax * 0.6))
  const hot = new Database({ ...options, connectionsMax: hotMax })
  const general = new Database({ ...options, connectionsMax: Math.max(1, connectionsMax - hotMax) })
  return {
    hot,
    general,
    clock: options.clock,
    async [Symbol.asyncDispose]() {
      await Promise.all([hot[Symbol.asyncDispose](), general[Symbol.asyncDispose]()])
    },
  }
}
