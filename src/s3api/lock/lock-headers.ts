import type { ObjectLock, ObjectVersion } from '../../base/model.ts'
import { retainedUntil } from '../../base/object-lock.ts'
import { type Field, headers, invalid } from '../fields.ts'
import type { ReplyHeaders } from '../operation.ts'
import { headerOf, type RequestHead } from '../request-head.ts'

const MODE = 'x-amz-object-lock-mode'
const UNTIL = 'x-amz-object-lock-retain-until-date'
const LEGAL_HOLD = 'x-amz-object-lock-legal-hold'

/**
 * What a new object is to be held by; undefined: nothing was said.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html Fault: InvalidArgument.
 */
export const lockGiven: Field<ObjectLock | undefined> = headers('lock', [MODE, UNTIL, LEGAL_HOLD], (head) => {
  const lock = { ...readRetention(head), ...readLegalHold(head) }
  return Object.keys(lock).length === 0 ? undefined : lock
})

/** What GET and HEAD tell of an object's lock. */
export function lockHeaders({ extras, committedAt }: ObjectVersion): ReplyHeaders {
  const lock = extras?.lock
  if (!lock) return {}
  return {
    [MODE]: lock.mode,
    [UNTIL]: retainedUntil(lock, committedAt)?.toISOString(),
    [LEGAL_HOLD]: lock.legalHold === undefined ? undefined : lock.legalHold ? 'ON' : 'OFF',
  }
}

/** A date in the past, which holds nothing. Fault: InvalidArgument. */
export function checkFuture(until: Date, nowMs: number, name: string): void {
  if (until.getTime() <= nowMs) {
    throw invalid(name, until.toISOString(), 'The retain until date must be in the future!')
  }
}

export const retainUntilHeader = UNTIL

function readRetention(head: RequestHead): ObjectLock {
  const mode = headerOf(head, MODE)
  const until = headerOf(head, UNTIL)
  if (mode === undefined && until === undefined) return {}
  if (mode === undefined || until === undefined) {
    throw invalid(mode === undefined ? MODE : UNTIL, undefined, `${UNTIL} and ${MODE} must both be supplied`)
  }
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') throw invalid(MODE, mode, 'Unknown wormMode directive.')
  const date = new Date(until)
  if (!/^\d{4}-\d\d-\d\d(T|$)/.test(until) || Number.isNaN(date.getTime())) {
    throw invalid(UNTIL, until, 'The retain until date must be provided in ISO 8601 format')
  }
  return { mode, retainUntil: date.toISOString() }
}

function readLegalHold(head: RequestHead): ObjectLock {
  const status = headerOf(head, LEGAL_HOLD)
  if (status === undefined) return {}
  if (status !== 'ON' && status !== 'OFF') {
    throw invalid(LEGAL_HOLD, status, "Legal Hold must be either of 'ON' or 'OFF'")
  }
  return { legalHold: status === 'ON' }
}
