import type { ObjectLock } from './model.ts'

/** Until when a version may not go; undefined: it was never retained. Who decides whether that is over is the database. */
export function retainedUntil({ retainUntil, retainDays }: ObjectLock, committedAt: Date): Date | undefined {
  if (retainUntil !== undefined) return new Date(retainUntil)
  return retainDays === undefined ? undefined : new Date(committedAt.getTime() + retainDays * DAY_MS)
}

const DAY_MS = 86_400_000
