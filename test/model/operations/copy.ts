import { element } from '../../../conformance/support/suite.ts'
import type { Chance } from '../../fuzz/chance.ts'
import type { Bucket, Version } from '../bucket.ts'
import {
  attributeHeaders,
  keptAttributes,
  maybeVersion,
  pickAttributes,
  pickKey,
  type SentAttributes,
} from '../choices.ts'
import {
  judgeRead,
  judgeWrite,
  pickReadCondition,
  pickWriteCondition,
  type ReadCondition,
  readHeaders,
  type WriteCondition,
  writeHeaders,
} from '../conditions.ts'
import { operation, type Place } from '../operation.ts'
import {
  type Answer,
  type NameOf,
  NO_SUCH_KEY,
  NO_SUCH_VERSION,
  PRECONDITION_FAILED,
  readHead,
  refusal,
  type Said,
} from '../said.ts'

export interface Source {
  key: string
  version?: string
  condition: ReadCondition
}

export function pickSource(chance: Chance, bucket: Bucket): Source {
  const key = pickKey(chance, bucket, 'object')
  return { key, ...maybeVersion(chance, bucket, key), condition: chance.oneIn(2) ? pickReadCondition(chance) : {} }
}

export function sourceHeaders({ key, version, condition }: Source, { bucket, bucketName, idOf }: Place) {
  const found = bucket.find(key, version)
  const object = typeof found === 'string' ? undefined : found
  return {
    'x-amz-copy-source': `${bucketName}/${key}${version === undefined ? '' : `?versionId=${idOf(version)}`}`,
    ...readHeaders(condition, object, 'x-amz-copy-source-'),
  }
}

/** Why nothing is to be copied, or what is. */
export function findSource({ key, version, condition }: Source, bucket: Bucket): Version | Said {
  const found = bucket.find(key, version)
  if (found === 'NoSuchKey') return NO_SUCH_KEY
  if (found === 'NoSuchVersion') return NO_SUCH_VERSION
  if (found === 'marker') return refusal(400, 'InvalidRequest')
  return judgeRead(condition) ? PRECONDITION_FAILED : found
}

export function readCopy(answer: Answer, nameOf: NameOf): Said {
  const head = readHead(answer, nameOf)
  // Whether it tells that its source is deleted, rather than never was, S3 does not say.
  return head.status === 200 ? { ...head, etag: element(answer.body, 'ETag') } : { ...head, isMarker: undefined }
}

interface Copy extends WriteCondition {
  key: string
  source: Source
  replace?: SentAttributes
  /** The directive REPLACE; '': by none. */
  tags?: string
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const copyObject = operation<Copy>({
  make(chance, bucket) {
    const source = pickSource(chance, bucket)
    const key = chance.oneIn(4) ? source.key : pickKey(chance, bucket)
    const { tags: _, ...replace } = pickAttributes(chance)
    const isSelf = key === source.key
    // What of a version may be copied onto its own key without a change, and whether tags are one, S3 does not say.
    const replaces = chance.oneIn(3) || (isSelf && (source.version !== undefined || chance.oneIn(2)))
    return {
      key,
      source,
      ...pickWriteCondition(chance),
      ...(replaces && { replace }),
      ...(chance.oneIn(4) && (replaces || !isSelf) && { tags: chance.pick(['', 'copy=1', 'z=1&a=2']) }),
    }
  },
  call: ({ key, source, replace, tags, ...condition }, place) => ({
    method: 'PUT',
    key,
    headers: {
      ...sourceHeaders(source, place),
      ...writeHeaders(condition, place.bucket.current(key)),
      ...(replace && { ...attributeHeaders(replace), 'x-amz-metadata-directive': 'REPLACE' }),
      ...(tags !== undefined && { 'x-amz-tagging-directive': 'REPLACE', 'x-amz-tagging': tags || undefined }),
    },
  }),
  expect({ key, source, replace, tags, ...condition }, { bucket, n }) {
    const found = findSource(source, bucket)
    const refusals = judgeWrite(condition, bucket.current(key))
    if ('status' in found) refusals.push(found)
    if (key === source.key && !replace) refusals.push(refusal(400, 'InvalidRequest'))
    if ('status' in found || refusals.length > 0) return refusals
    const kept = replace ? keptAttributes(replace) : found
    // S3 makes one part of what it copies, and its MD5 the ETag; here a copy shares the parts, and so their ETag.
    const { content, etag, parts, crc32 } = found
    const made = bucket.write(
      {
        key,
        content,
        etag,
        parts,
        crc32,
        type: kept.type,
        meta: kept.meta,
        tags: tags === undefined ? found.tags : tags.split('&').filter(Boolean),
      },
      `v${n}`,
    )
    const sourceId = bucket.readId(found)
    return { status: 200, etag: made.etag, version: bucket.toldId(made), source: sourceId }
  },
  read: readCopy,
})
