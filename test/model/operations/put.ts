import { attributeHeaders, keptAttributes, pickAttributes, pickBody, pickKey, type SentAttributes } from '../choices.ts'
import { judgeWrite, pickWriteCondition, type WriteCondition, writeHeaders } from '../conditions.ts'
import { bytesOf, crc32Base64, etagOf } from '../content.ts'
import { operation } from '../operation.ts'
import { refusal } from '../said.ts'

interface Put extends SentAttributes, WriteCondition {
  key: string
  body: string
  crc32?: 'right' | 'wrong'
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject = operation<Put>({
  make: (chance, bucket) => ({
    key: pickKey(chance, bucket),
    body: pickBody(chance),
    ...pickAttributes(chance),
    ...pickWriteCondition(chance),
    ...(chance.oneIn(6) && { crc32: chance.oneIn(3) ? 'wrong' : 'right' }),
  }),
  call: ({ key, body, crc32, ...more }, { bucket }) => ({
    method: 'PUT',
    key,
    headers: {
      ...attributeHeaders(more),
      ...writeHeaders(more, bucket.current(key)),
      'x-amz-checksum-crc32': crc32 && crc32Base64(crc32 === 'right' ? bytesOf(body) : Buffer.from(`not ${body}`)),
    },
    body: bytesOf(body),
  }),
  expect({ key, body, crc32, ...more }, { bucket, n }) {
    const refusals = judgeWrite(more, bucket.current(key))
    if (crc32 === 'wrong') refusals.push(refusal(400, 'BadDigest'))
    if (refusals.length > 0) return refusals
    const content = [bytesOf(body)]
    const attributes = keptAttributes(more)
    const made = bucket.write({ key, content, etag: etagOf(content), partSizes: undefined, ...attributes }, `v${n}`)
    return {
      status: 200,
      etag: made.etag,
      version: bucket.toldId(made),
      crc32: crc32 && crc32Base64(bytesOf(body)),
    }
  },
})
