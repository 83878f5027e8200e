import type { Clock } from '../../base/clock.ts'
import type { Bucket, ObjectLock } from '../../base/model.ts'
import { invalidRequest } from '../fields.ts'
import { checkFuture, retainUntilHeader } from './lock-headers.ts'

/**
 * What a new version is held by: what was said of it, else what its bucket has by default. That one is counted from the
 * version's own time, which is the database's. Faults: InvalidRequest (a bucket without object lock), InvalidArgument.
 */
export function newLock(
  { bucket, clock }: { bucket: Bucket; clock: Clock },
  given: ObjectLock | undefined,
): ObjectLock | undefined {
  const { objectLock } = bucket.settings
  if (!objectLock) {
    if (given) throw invalidRequest('Bucket is missing ObjectLockConfiguration')
    return undefined
  }
  if (given?.retainUntil !== undefined) checkFuture(new Date(given.retainUntil), clock.nowMs(), retainUntilHeader)
  const { retention } = objectLock
  if (!retention || given?.mode) return given
  return { mode: retention.mode, retainDays: retention.days ?? retention.years! * DAYS_OF_A_YEAR, ...given }
}

/** As S3 counts. */
const DAYS_OF_A_YEAR = 365
