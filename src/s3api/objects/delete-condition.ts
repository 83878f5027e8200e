import type { Clock } from '../../base/clock.ts'
import type { DeleteCondition } from '../../engine/ports/catalogue.ts'
import { type Field, headers, integerIn, invalid } from '../fields.ts'
import { headerOf } from '../request-head.ts'
import { dateMs } from './read-conditions.ts'
import { singleETag } from './write-condition.ts'

const TIME = 'x-amz-if-match-last-modified-time'
const SIZE = 'x-amz-if-match-size'

/** As it came. */
export type GivenDeleteCondition = { readonly [K in keyof DeleteCondition]-?: string | undefined }

/**
 * If-Match, and what S3 has for directory buckets alone: a size, a time.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
 */
export const deleteCondition: Field<GivenDeleteCondition> = headers(
  'delete-condition',
  ['if-match', TIME, SIZE],
  (head) => ({
    etag: headerOf(head, 'if-match'),
    sizeBytes: headerOf(head, SIZE),
    modified: headerOf(head, TIME),
  }),
)

/** Undefined: there is none. A time that is none is refused: else more would go than was meant. Faults: NotImplemented (several ETags), InvalidArgument. */
export function parseDeleteCondition(
  { etag, sizeBytes, modified }: GivenDeleteCondition,
  clock: Clock,
): DeleteCondition | undefined {
  if (etag === undefined && sizeBytes === undefined && modified === undefined) return undefined
  return {
    ...(etag !== undefined && { etag: singleETag(etag) }),
    ...(sizeBytes !== undefined && { sizeBytes: parseSize(sizeBytes.trim(), SIZE) }),
    ...(modified !== undefined && { modified: parseTime(modified.trim(), clock) }),
  }
}

const parseSize = integerIn(0, Number.MAX_SAFE_INTEGER)

function parseTime(text: string, clock: Clock): Date {
  const ms = dateMs(text, clock)
  if (ms === undefined) throw invalid(TIME, text, `${TIME} is not a date`)
  return new Date(ms)
}
