import type { Clock } from '../../base/clock.ts'
import type { WriteCondition } from '../../base/model.ts'
import type { RenameCondition } from '../../engine/ports/renames.ts'
import { type Field, headers } from '../fields.ts'
import { headerOf } from '../request-head.ts'
import { dateMs } from './read-conditions.ts'
import { writeCondition } from './write-condition.ts'

/** As it came. */
export interface GivenCondition {
  etags: WriteCondition
  ifModifiedSince: string | undefined
  ifUnmodifiedSince: string | undefined
}

/** What must be so of a rename's target: beside the conditions of every write, dates. Fault: NotImplemented. */
export const renameCondition: Field<GivenCondition> = headers(
  'rename-condition',
  [...(writeCondition.reads ?? []), 'if-modified-since', 'if-unmodified-since'],
  (head) => ({
    etags: writeCondition.read(head),
    ifModifiedSince: headerOf(head, 'if-modified-since'),
    ifUnmodifiedSince: headerOf(head, 'if-unmodified-since'),
  }),
)

/** By RFC 9110, section 13.2.2: where an ETag is asked for, the date of its pair is not; nor one that is none, or to come. */
export function countingCondition(
  { etags, ifModifiedSince, ifUnmodifiedSince }: GivenCondition,
  clock: Clock,
): RenameCondition {
  const modifiedMs = etags.ifNoneMatch ? undefined : dateMs(ifModifiedSince, clock)
  const unmodifiedMs = etags.ifMatch === undefined ? dateMs(ifUnmodifiedSince, clock) : undefined
  return {
    ...etags,
    ...(modifiedMs !== undefined && modifiedMs <= clock.nowMs() && { modifiedSince: new Date(modifiedMs) }),
    ...(unmodifiedMs !== undefined && { unmodifiedSince: new Date(unmodifiedMs) }),
  }
}
