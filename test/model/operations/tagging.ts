import { md5Base64 } from '../../../conformance/support/bytes.ts'
import { element } from '../../../conformance/support/suite.ts'
import type { Bucket, Version } from '../bucket.ts'
import { maybeVersion, pickKey } from '../choices.ts'
import { blocksOf } from '../documents.ts'
import { operation } from '../operation.ts'
import { readHead, refusal, type Said } from '../said.ts'
import { findToRead } from './read.ts'

interface Tagged {
  key: string
  version?: string
}

const make: Parameters<typeof operation<Tagged>>[0]['make'] = (chance, bucket) => {
  const key = pickKey(chance, bucket, 'object')
  return { key, ...maybeVersion(chance, bucket, key) }
}

/** A deleted key: S3 says 405 of its tags, some of its operations 404; its documentation neither. */
function find(named: Tagged, bucket: Bucket): Version | readonly Said[] {
  const found = findToRead(named, bucket)
  if (!('status' in found)) return found
  const bare = { ...found, isMarker: undefined }
  if (!found.isMarker) return [bare]
  const both = [refusal(404, 'NoSuchKey'), refusal(405, 'MethodNotAllowed')]
  return both.flatMap((said) => [said, { ...said, isMarker: true as const }])
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging = operation<Tagged & { tags: readonly string[] }>({
  make: (chance, bucket) => ({
    ...make(chance, bucket)!,
    tags: chance.pick([['set=1'], ['b=2', 'a=1', 'empty='], []]),
  }),
  call({ key, version, tags }, { idOf }) {
    const set = tags
      .map((tag) => tag.split('='))
      .map(([name, value]) => `<Tag><Key>${name}</Key><Value>${value}</Value></Tag>`)
    const body = Buffer.from(`<Tagging><TagSet>${set.join('')}</TagSet></Tagging>`)
    const query = { tagging: '', versionId: version && idOf(version) }
    return { method: 'PUT', key, query, headers: { 'content-md5': md5Base64(body) }, body }
  },
  expect({ tags, ...named }, { bucket }) {
    const found = find(named, bucket)
    if (!('etag' in found)) return found
    bucket.change(found, { tags })
    return { status: 200, version: bucket.readId(found) }
  },
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging = operation<Tagged>({
  make,
  call: ({ key, version }, { idOf }) => ({
    method: 'GET',
    key,
    query: { tagging: '', versionId: version && idOf(version) },
  }),
  expect(named, { bucket }) {
    const found = find(named, bucket)
    return 'etag' in found ? { status: 200, version: bucket.readId(found), lines: found.tags } : found
  },
  read(answer, nameOf) {
    const head = readHead(answer, nameOf)
    if (head.status !== 200) return head
    const tags = blocksOf(answer.body, ['Tag'])
    return { ...head, lines: tags.map(({ text }) => `${element(text, 'Key')}=${element(text, 'Value')}`) }
  },
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging = operation<Tagged>({
  make,
  call: ({ key, version }, { idOf }) => ({
    method: 'DELETE',
    key,
    query: { tagging: '', versionId: version && idOf(version) },
  }),
  expect(named, { bucket }) {
    const found = find(named, bucket)
    if (!('etag' in found)) return found
    bucket.change(found, { tags: [] })
    return { status: 204, version: bucket.readId(found) }
  },
})
