import { StoreFault } from '../../base/faults.ts'
import type { WriteCondition } from '../../base/model.ts'
import { type Field, headers } from '../fields.ts'
import { parseETagList } from '../names/etag-list.ts'
import { headerOf } from '../request-head.ts'

/**
 * If-None-Match: * and If-Match: one ETag, as S3 has them on writes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html Fault: NotImplemented (anything else).
 */
export const writeCondition: Field<WriteCondition> = headers(
  'write-condition',
  ['if-match', 'if-none-match'],
  (head) => {
    const ifNoneMatch = headerOf(head, 'if-none-match')
    const ifMatch = headerOf(head, 'if-match')
    if (ifNoneMatch !== undefined && ifNoneMatch.trim() !== '*') {
      throw new StoreFault('NotImplemented', { feature: 'If-None-Match with anything but *' })
    }
    if (ifNoneMatch !== undefined && ifMatch !== undefined) {
      throw new StoreFault('NotImplemented', { feature: 'If-Match together with If-None-Match' })
    }
    if (ifNoneMatch !== undefined) return { ifNoneMatch: '*' }
    return ifMatch === undefined ? {} : { ifMatch: singleETag(ifMatch) }
  },
)

/** Unquoted, or `*`. Fault: NotImplemented (several). */
export function singleETag(header: string): string {
  const list = parseETagList(header)
  if (list === '*') return '*'
  const [only] = list
  if (list.length !== 1 || only === undefined) {
    throw new StoreFault('NotImplemented', { feature: 'If-Match with anything but one ETag' })
  }
  return only.value
}
