import { StoreFault } from '../../base/faults.ts'
import type { BucketName, ObjectKey, VersionId } from '../../base/ids.ts'
import { parseVersionId } from '../objects/version.ts'
import { parseBucketName } from './bucket-name.ts'
import { parseObjectKey } from './object-key.ts'
import { percentDecode } from './percent.ts'

export interface CopySource {
  bucket: BucketName
  key: ObjectKey
  versionId: VersionId | undefined
}

/**
 * `x-amz-copy-source`: `[/]bucket/key[?versionId=…]`, percent-coded. The version is split off first, so that a `%3F` in the
 * key stays part of it; then both are decoded, once. A `+` is a plus.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#API_CopyObject_RequestSyntax
 * Faults: InvalidArgument, InvalidBucketName, KeyTooLongError.
 */
export function parseCopySource(header: string): CopySource {
  const mark = header.indexOf('?')
  const path = percentDecode(mark < 0 ? header : header.slice(0, mark))
  if (path === undefined) throw badSource(header, 'The x-amz-copy-source header must be URL-encoded UTF-8')
  const start = path.startsWith('/') ? 1 : 0
  const slash = path.indexOf('/', start)
  if (slash <= start || slash === path.length - 1) {
    throw badSource(header, 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey')
  }
  return {
    bucket: parseBucketName(path.slice(start, slash)),
    key: parseObjectKey(path.slice(slash + 1)),
    versionId: mark < 0 ? undefined : parseVersion(header, header.slice(mark + 1)),
  }
}

function parseVersion(header: string, query: string): VersionId {
  const versionId = query.startsWith(VERSION) ? percentDecode(query.slice(VERSION.length)) : undefined
  if (versionId === undefined) throw badSource(header, 'Invalid version id specified')
  return parseVersionId(versionId, 'x-amz-copy-source')
}

const VERSION = 'versionId='

function badSource(value: string, reason: string): StoreFault {
  return new StoreFault('InvalidArgument', { name: 'x-amz-copy-source', value: value.slice(0, 2048), reason })
}
