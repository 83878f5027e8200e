import { elements } from '../../../conformance/support/suite.ts'
import type { Chance } from '../../fuzz/chance.ts'
import type { Bucket, Version } from '../bucket.ts'
import { maybeVersion, pickKey } from '../choices.ts'
import { judgeRead, pickReadCondition, type ReadCondition, readHeaders } from '../conditions.ts'
import { cut, inWords, sizeOf } from '../content.ts'
import { operation } from '../operation.ts'
import {
  NO_SUCH_KEY,
  NO_SUCH_VERSION,
  PRECONDITION_FAILED,
  readHead,
  readObject,
  refusal,
  type Said,
  withoutCode,
} from '../said.ts'

interface Named {
  key: string
  version?: string
}

interface Read extends Named, ReadCondition {
  range?: string
  part?: number
  /** The checksum is asked for, of the whole. */
  sum?: true
}

/** What is read: its place in the whole, if it is not all. */
interface Piece {
  first: number
  last: number
  /** Of how many parts, where one was asked for. */
  parts?: number | undefined
}

const RANGES = [
  'bytes=0-0',
  'bytes=0-4',
  'bytes=3-',
  'bytes=2-100000',
  'bytes=-3',
  'bytes=-100000',
  'bytes=100000-',
  'bytes=-0',
]
/** What is no range of bytes, is none: all is answered. */
const NO_RANGES = ['bytes=4-2', 'lines=0-1']

function make(chance: Chance, bucket: Bucket): Read {
  const key = pickKey(chance, bucket, 'object')
  const read = { key, ...maybeVersion(chance, bucket, key), ...pickReadCondition(chance) }
  if (chance.oneIn(3)) return { ...read, range: chance.oneIn(8) ? chance.pick(NO_RANGES) : chance.pick(RANGES) }
  if (chance.oneIn(6)) return { ...read, part: chance.pick([1, 1, 2, 3, 10_000]) }
  return { ...read, ...(chance.oneIn(2) && { sum: true }) }
}

function headersOf({ key, version, range, sum, ...condition }: Read, bucket: Bucket) {
  const found = bucket.find(key, version)
  return {
    range,
    'x-amz-checksum-mode': sum && 'ENABLED',
    ...readHeaders(condition, typeof found === 'string' ? undefined : found),
  }
}

/** Why there is nothing to read, or what there is. */
export function findToRead({ key, version }: Named, bucket: Bucket): Version | Said {
  const found = bucket.find(key, version)
  if (found === 'NoSuchVersion') return NO_SUCH_VERSION
  if (found === 'NoSuchKey') return { ...NO_SUCH_KEY, isMarker: bucket.isDeleted(key) ? true : undefined }
  if (found === 'marker') return { ...refusal(405, 'MethodNotAllowed'), isMarker: true }
  return found
}

function expectObject(read: Read, bucket: Bucket): Said & { content?: Version['content'] } {
  const found = findToRead(read, bucket)
  if ('status' in found) return found
  const judged = judgeRead(read)
  if (judged === 412) return PRECONDITION_FAILED
  if (judged === 304) return { status: 304, etag: found.etag }
  const piece = pieceOf(read, found)
  if (piece && 'status' in piece) return piece
  const size = sizeOf(found.content)
  return {
    status: piece ? 206 : 200,
    version: bucket.readId(found),
    etag: found.etag,
    type: found.type,
    meta: found.meta,
    tags: found.tags.length || undefined,
    parts: piece?.parts,
    crc32: read.sum && found.crc32,
    range: piece && `bytes ${piece.first}-${piece.last}/${size}`,
    content: piece ? cut(found.content, piece.first, piece.last) : found.content,
  }
}

function pieceOf({ range, part }: Read, { content, parts }: Version): Piece | Said | undefined {
  const size = sizeOf(content)
  if (part !== undefined) {
    // By their own numbers, which may have gaps; what was not made of parts is one, the first.
    const all = parts ?? [{ number: 1, bytes: size }]
    const at = all.findIndex(({ number }) => number === part)
    if (at < 0) return refusal(416, 'InvalidPartNumber')
    const first = all.slice(0, at).reduce((sum, { bytes }) => sum + bytes, 0)
    const last = first + all[at]!.bytes - 1
    // An empty object has no range that could be told: it is all answered.
    return size === 0 ? undefined : { first, last, parts: parts?.length }
  }
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined || to === undefined || (from !== '' && to !== '' && Number(from) > Number(to)))
    return undefined
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return first > last ? refusal(416, 'InvalidRange') : { first, last }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export const getObject = operation<Read>({
  make,
  call: (read, { bucket, idOf }) => ({
    method: 'GET',
    key: read.key,
    query: { versionId: read.version && idOf(read.version), partNumber: read.part?.toString() },
    headers: headersOf(read, bucket),
  }),
  expect(read, { bucket }) {
    const { content, ...said } = expectObject(read, bucket)
    return content ? { ...said, body: inWords(content) } : said
  },
  read: readObject,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html */
export const headObject = operation<Read>({
  make,
  call: (read, { bucket, idOf }) => ({
    method: 'HEAD',
    key: read.key,
    query: { versionId: read.version && idOf(read.version), partNumber: read.part?.toString() },
    headers: headersOf(read, bucket),
  }),
  expect(read, { bucket }) {
    const { content, ...said } = expectObject(read, bucket)
    return content ? { ...said, length: sizeOf(content) } : withoutCode(said)
  },
  read: readObject,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes = operation<Named>({
  make(chance, bucket) {
    const key = pickKey(chance, bucket, 'object')
    return { key, ...maybeVersion(chance, bucket, key) }
  },
  call: ({ key, version }, { idOf }) => ({
    method: 'GET',
    key,
    query: { attributes: '', versionId: version && idOf(version) },
    headers: { 'x-amz-object-attributes': 'ETag,ObjectSize,ObjectParts,StorageClass' },
  }),
  expect(named, { bucket }) {
    const found = findToRead(named, bucket)
    if ('status' in found) return found
    const parts = found.parts ? [`${found.parts.length} parts`] : []
    const lines = [found.etag.replaceAll('"', ''), String(sizeOf(found.content)), ...parts, 'STANDARD']
    return { status: 200, version: bucket.readId(found), lines }
  },
  read(answer, nameOf) {
    const head = readHead(answer, nameOf)
    if (head.status !== 200) return head
    const of = (name: string) => elements(answer.body, name)
    const parts = of('PartsCount').map((count) => `${count} parts`)
    return { ...head, lines: [...of('ETag'), ...of('ObjectSize'), ...parts, ...of('StorageClass')] }
  },
})
