import { element } from '../../../conformance/support/suite.ts'
import type { Chance } from '../../fuzz/chance.ts'
import type { Bucket } from '../bucket.ts'
import {
  attributeHeaders,
  KEYS,
  keptAttributes,
  NO_UPLOAD,
  pickAttributes,
  pickBody,
  pickKey,
  type SentAttributes,
} from '../choices.ts'
import { bytesOf, type Content, checksumOf, cut, etagOf, LARGE_PART, sizeOf } from '../content.ts'
import { operation } from '../operation.ts'
import { INVALID_ARGUMENT, NO_SUCH_UPLOAD, readHead, refusal, type Said } from '../said.ts'
import { findSource, pickSource, readCopy, type Source, sourceHeaders } from './copy.ts'

export interface OfUpload {
  key: string
  upload: string
}

const PART_NUMBER_MAX = 10_000

/** Mostly an open one; sometimes one that is over, or never was, or is another key's. */
export function pickUpload(chance: Chance, bucket: Bucket): OfUpload | undefined {
  const open = bucket.uploads.filter(({ completed }) => !completed)
  const among = open.length > 0 && !chance.oneIn(10) ? open : bucket.uploads
  if (among.length === 0) return chance.oneIn(6) ? { key: chance.pick(KEYS), upload: NO_UPLOAD } : undefined
  const { key, id } = chance.pick(among)
  return { key: chance.oneIn(30) ? chance.pick(KEYS) : key, upload: id }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload = operation<SentAttributes & { key: string }>({
  make: (chance, bucket) => ({ key: pickKey(chance, bucket), ...pickAttributes(chance) }),
  call: ({ key, ...attributes }) => ({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: attributeHeaders(attributes),
  }),
  expect({ key, ...attributes }, { bucket, n }) {
    bucket.uploads.push({ key, id: `u${n}`, parts: new Map(), ...keptAttributes(attributes) })
    return { status: 200, lines: [`upload u${n}`] }
  },
  read(answer, nameOf) {
    const id = element(answer.body, 'UploadId')
    return { ...readHead(answer, nameOf), ...(id !== undefined && { lines: [`upload ${nameOf(id)}`] }) }
  },
})

interface PartName extends OfUpload {
  number: number
}

interface SentPart extends PartName {
  body: string
  crc32?: 'right' | 'wrong'
}

function pickNumber(chance: Chance): number {
  return chance.oneIn(20) ? chance.pick([0, PART_NUMBER_MAX + 1]) : chance.pick([1, 1, 1, 2, 2, 3, PART_NUMBER_MAX])
}

function refusalsOfPart({ key, upload, number }: PartName, bucket: Bucket): Said[] {
  return [
    ...(number < 1 || number > PART_NUMBER_MAX ? [INVALID_ARGUMENT] : []),
    ...(bucket.openUpload(upload, key) ? [] : [NO_SUCH_UPLOAD]),
  ]
}

function keepPart({ key, upload, number }: PartName, content: Content, bucket: Bucket): string {
  const etag = etagOf(content)
  bucket.openUpload(upload, key)!.parts.set(number, { content, etag })
  return etag
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart = operation<SentPart>({
  make(chance, bucket) {
    const upload = pickUpload(chance, bucket)
    if (!upload) return undefined
    const body = chance.oneIn(100) ? LARGE_PART : pickBody(chance)
    const crc32 = chance.oneIn(3) ? 'wrong' : 'right'
    return { ...upload, number: pickNumber(chance), body, ...(chance.oneIn(8) && { crc32 }) }
  },
  call: ({ key, upload, number, body, crc32 }, { idOf }) => ({
    method: 'PUT',
    key,
    query: { partNumber: String(number), uploadId: idOf(upload) },
    headers: { 'x-amz-checksum-crc32': checksumOf(body, crc32) },
    body: bytesOf(body),
  }),
  expect({ body, crc32, ...part }, { bucket }) {
    const refusals = refusalsOfPart(part, bucket)
    if (crc32 === 'wrong') refusals.push(refusal(400, 'BadDigest'))
    if (refusals.length > 0) return refusals
    return { status: 200, etag: keepPart(part, [bytesOf(body)], bucket), crc32: checksumOf(body, crc32) }
  },
})

interface CopiedPart extends PartName {
  source: Source
  /** Bytes, both within. */
  range?: { first: number; last: number }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export const uploadPartCopy = operation<CopiedPart>({
  make(chance, bucket) {
    const upload = pickUpload(chance, bucket)
    if (!upload) return undefined
    const source = pickSource(chance, bucket)
    const found = bucket.find(source.key, source.version)
    const size = typeof found === 'string' ? 10 : sizeOf(found.content)
    // S3 copies ranges only of sources over 5 MiB, by its documentation; servers and clients do it of all.
    const first = chance.below(Math.max(1, Math.min(size, 20)))
    const range = { first, last: first + chance.below(Math.max(1, size - first)) }
    return { ...upload, number: pickNumber(chance), source, ...(chance.oneIn(2) && size > 0 && { range }) }
  },
  call: ({ key, upload, number, source, range }, place) => ({
    method: 'PUT',
    key,
    query: { partNumber: String(number), uploadId: place.idOf(upload) },
    headers: {
      ...sourceHeaders(source, place),
      'x-amz-copy-source-range': range && `bytes=${range.first}-${range.last}`,
    },
  }),
  expect({ source, range, ...part }, { bucket }) {
    const found = findSource(source, bucket)
    const refusals = refusalsOfPart(part, bucket)
    if ('status' in found) refusals.push(found)
    else if (range && range.last >= sizeOf(found.content)) refusals.push(...OUT_OF_RANGE)
    if ('status' in found || refusals.length > 0) return refusals
    const content = range ? cut(found.content, range.first, range.last) : found.content
    return { status: 200, etag: keepPart(part, content, bucket), source: bucket.readId(found) }
  },
  read: readCopy,
})

/** S3 does not say which. */
const OUT_OF_RANGE: readonly Said[] = [
  INVALID_ARGUMENT,
  { status: 416, code: 'InvalidRange' },
  { status: 400, code: 'InvalidRange' },
]

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export const abortMultipartUpload = operation<OfUpload>({
  make: pickUpload,
  call: ({ key, upload }, { idOf }) => ({ method: 'DELETE', key, query: { uploadId: idOf(upload) } }),
  expect({ key, upload }, { bucket }): Said | Said[] {
    const open = bucket.openUpload(upload, key)
    // Of one that was completed S3 says nothing.
    if (!open)
      return bucket.uploads.some(({ id }) => id === upload) ? [NO_SUCH_UPLOAD, { status: 204 }] : NO_SUCH_UPLOAD
    bucket.uploads = bucket.uploads.filter((each) => each !== open)
    return { status: 204 }
  },
})
