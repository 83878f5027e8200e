import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import type { ObjectVersion } from '../../base/model.ts'
import { type Field, headers } from '../fields.ts'
import { type ETagList, listsETag, parseETagList } from '../names/etag-list.ts'
import { parseHttpDate } from '../names/http-date.ts'
import { headerOf, type RequestHead } from '../request-head.ts'

/** Conditions on an object that is read, as they came. */
export interface ReadConditions {
  /** What the names of their headers begin with: what failed is told by its name. */
  prefix: string
  ifMatch: ETagList | undefined
  ifNoneMatch: ETagList | undefined
  ifModifiedSince: string | undefined
  ifUnmodifiedSince: string | undefined
}

export const readConditions: Field<ReadConditions> = conditionsAt('')
/** On the source of a copy. */
export const copySourceConditions: Field<ReadConditions> = conditionsAt('x-amz-copy-source-')
/** On what is renamed. */
export const renameSourceConditions: Field<ReadConditions> = conditionsAt('x-amz-rename-source-')

/**
 * In the order of RFC 9110, section 13.2.2: where an ETag condition is there, the date condition of its pair is not asked.
 * A date that is none is passed over (section 13.1.3). Fault: PreconditionFailed.
 */
export function judgeConditions(
  conditions: ReadConditions,
  object: ObjectVersion,
  clock: Clock,
): 'go on' | 'not modified' {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  // HTTP dates have whole seconds: what was committed within a second counts as of its beginning.
  const modifiedMs = Math.floor(object.committedAt.getTime() / 1000) * 1000
  if (ifMatch !== undefined) {
    if (!listsETag(ifMatch, object.etag, 'strong')) throw failed(conditions, 'If-Match')
  } else if (modifiedMs > (dateMs(ifUnmodifiedSince, clock) ?? Number.POSITIVE_INFINITY)) {
    throw failed(conditions, 'If-Unmodified-Since')
  }
  if (ifNoneMatch !== undefined) return listsETag(ifNoneMatch, object.etag, 'weak') ? 'not modified' : 'go on'
  const sinceMs = dateMs(ifModifiedSince, clock)
  // A date in the future is invalid, and passed over, as S3 does it.
  return sinceMs !== undefined && sinceMs <= clock.nowMs() && modifiedMs <= sinceMs ? 'not modified' : 'go on'
}

/** A source has no 304: what is not modified is 412 too. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export function judgeSourceConditions(conditions: ReadConditions, source: ObjectVersion, clock: Clock): void {
  if (judgeConditions(conditions, source, clock) === 'go on') return
  throw failed(conditions, conditions.ifNoneMatch ? 'If-None-Match' : 'If-Modified-Since')
}

/** Whether a Range counts: RFC 9110, section 13.1.5. */
export function isRangeCurrent(ifRange: string | undefined, object: ObjectVersion, clock: Clock): boolean {
  if (ifRange === undefined) return true
  const ms = dateMs(ifRange, clock)
  if (ms !== undefined) return Math.floor(object.committedAt.getTime() / 1000) * 1000 === ms
  return listsETag(parseETagList(ifRange), object.etag, 'strong')
}

function conditionsAt(prefix: string): Field<ReadConditions> {
  const names = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'].map((name) => prefix + name)
  const etags = (head: RequestHead, name: string) => {
    const value = headerOf(head, prefix + name)
    return value === undefined ? undefined : parseETagList(value)
  }
  return headers(`${prefix || 'read-'}conditions`, names, (head) => ({
    prefix,
    ifMatch: etags(head, 'if-match'),
    ifNoneMatch: etags(head, 'if-none-match'),
    ifModifiedSince: headerOf(head, `${prefix}if-modified-since`),
    ifUnmodifiedSince: headerOf(head, `${prefix}if-unmodified-since`),
  }))
}

/** HTTP's; copies are also dated in ISO 8601 by some SDKs. Undefined: it is no date. */
export function dateMs(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined
  const ms = parseHttpDate(text, clock.nowMs()) ?? (/^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN)
  return Number.isNaN(ms) ? undefined : ms
}

function failed({ prefix }: ReadConditions, condition: string): StoreFault {
  return new StoreFault('PreconditionFailed', { condition: prefix + condition })
}
