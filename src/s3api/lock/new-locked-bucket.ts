import { headerOr } from '../fields.ts'
import type { RequestHead } from '../request-head.ts'

/** Whether a bucket is to have object lock from the start. */
export const isLocked = headerOr(
  'x-amz-bucket-object-lock-enabled',
  (value) => value.trim().toLowerCase() === 'true',
  false,
)

export function asksForLock(head: RequestHead): boolean {
  return isLocked.read(head)
}
