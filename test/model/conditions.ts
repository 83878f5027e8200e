import type { Chance } from '../fuzz/chance.ts'
import type { Version } from './bucket.ts'
import { NO_SUCH_KEY, PRECONDITION_FAILED, type Said } from './said.ts'

/** `right`: the ETag of what is there when the step is done; `wrong`: one that nothing has. */
type Tag = 'right' | 'wrong' | '*'
const WRONG_ETAG = '"00000000000000000000000000000000"'
const PAST = 'Mon, 01 Jan 2001 00:00:00 GMT'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export interface WriteCondition {
  ifMatch?: 'right' | 'wrong'
  ifNoneMatch?: '*'
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html */
export interface ReadCondition {
  ifMatch?: Tag
  ifNoneMatch?: Tag
  /** `now`: nothing is younger. A time ahead of the server's is one that S3 may ignore. */
  ifModifiedSince?: 'past' | 'now'
  ifUnmodifiedSince?: 'past' | 'future'
}

export function pickWriteCondition(chance: Chance): WriteCondition {
  if (!chance.oneIn(3)) return {}
  return chance.pick<WriteCondition>([{ ifNoneMatch: '*' }, { ifMatch: 'right' }, { ifMatch: 'wrong' }])
}

export function pickReadCondition(chance: Chance): ReadCondition {
  if (!chance.oneIn(3)) return {}
  const tags = ['right', 'right', 'wrong', '*'] as const
  return {
    ...(chance.oneIn(2) && { ifMatch: chance.pick(tags) }),
    ...(chance.oneIn(2) && { ifNoneMatch: chance.pick(tags) }),
    ...(chance.oneIn(4) && { ifModifiedSince: chance.pick(['past', 'now'] as const) }),
    ...(chance.oneIn(4) && { ifUnmodifiedSince: chance.pick(['past', 'future'] as const) }),
  }
}

export function writeHeaders(
  { ifMatch, ifNoneMatch }: WriteCondition,
  current: Version | undefined,
): Record<string, string | undefined> {
  return { 'if-match': ifMatch && tagOf(ifMatch, current), 'if-none-match': ifNoneMatch }
}

/** `prefix`: `x-amz-copy-source-` for a source. */
export function readHeaders(
  condition: ReadCondition,
  found: Version | undefined,
  prefix = '',
): Record<string, string | undefined> {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = condition
  const dates = { past: PAST, now: new Date().toUTCString(), future: new Date(Date.now() + 86_400_000).toUTCString() }
  return {
    [`${prefix}if-match`]: ifMatch && tagOf(ifMatch, found),
    [`${prefix}if-none-match`]: ifNoneMatch && tagOf(ifNoneMatch, found),
    [`${prefix}if-modified-since`]: ifModifiedSince && dates[ifModifiedSince],
    [`${prefix}if-unmodified-since`]: ifUnmodifiedSince && dates[ifUnmodifiedSince],
  }
}

/** Why a write must not be done; a delete marker counts as nothing. */
export function judgeWrite({ ifMatch, ifNoneMatch }: WriteCondition, current: Version | undefined): Said[] {
  if (ifNoneMatch && current) return [PRECONDITION_FAILED]
  if (ifMatch && !current) return [NO_SUCH_KEY]
  return ifMatch === 'wrong' ? [PRECONDITION_FAILED] : []
}

/** Of what is there: 304 where a client that has it needs nothing, 412 where it is not what the client meant. */
export function judgeRead(condition: ReadCondition): 304 | 412 | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = condition
  // An ETag decides before a time does: https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
  if (ifMatch ? ifMatch === 'wrong' : ifUnmodifiedSince === 'past') return 412
  if (ifNoneMatch ? ifNoneMatch !== 'wrong' : ifModifiedSince === 'now') return 304
  return undefined
}

export function tagOf(tag: Tag, version: Version | undefined): string {
  if (tag === '*') return '*'
  return tag === 'right' && version ? version.etag : WRONG_ETAG
}
