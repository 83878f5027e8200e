import type { ObjectKey } from '../../base/ids.ts'
import { type Field, headers, invalid } from '../fields.ts'
import { parseObjectKey } from '../names/object-key.ts'
import { percentDecode } from '../names/percent.ts'
import { headerOf } from '../request-head.ts'
import { type ReadConditions, renameSourceConditions } from './read-conditions.ts'

export interface RenameSource {
  key: ObjectKey
  conditions: ReadConditions
}

const SOURCE = 'x-amz-rename-source'

/** What is renamed, and on what conditions. Faults: InvalidArgument, KeyTooLongError. */
export const renameSource: Field<RenameSource> = headers(
  'rename-source',
  [SOURCE, ...(renameSourceConditions.reads ?? [])],
  (head) => ({ key: parseSource(headerOf(head, SOURCE) ?? ''), conditions: renameSourceConditions.read(head) }),
)

/**
 * `[/]key` in the bucket of the target, percent-coded, as S3's examples and Mountpoint have it. It is never read as
 * `bucket/key`: that could be another key of the same bucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 */
function parseSource(header: string): ObjectKey {
  const path = percentDecode(header)
  if (path === undefined) throw invalid(SOURCE, header, `The ${SOURCE} header must be URL-encoded UTF-8`)
  const key = path.startsWith('/') ? path.slice(1) : path
  if (key === '') throw invalid(SOURCE, header, 'Rename Source must mention the source key')
  return parseObjectKey(key)
}
