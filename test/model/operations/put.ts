import { attributeHeaders, keptAttributes, pickAttributes, pickBody, pickKey, type SentAttributes } from '../choices.ts'
import { judgeWrite, pickWriteCondition, type WriteCondition, writeHeaders } from '../conditions.ts'
import { bytesOf, checksumOf, etagOf } from '../content.ts'
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
      'x-amz-checksum-crc32': checksumOf(body, crc32),
    },
    body: bytesOf(body),
  }),
  expect({ key, body, crc32, ...more }, { bucket, n }) {
    const refusals = judgeWrite(more, bucket.current(key))
    if (crc32 === 'wrong') refusals.push(refusal(400, 'BadDigest'))
    if (refusals.length > 0) return refusals
    const content = [bytesOf(body)]
    const sums = { etag: etagOf(content), crc32: checksumOf(body, crc32) }
    const made = bucket.write({ key, content, ...sums, parts: undefined, ...keptAttributes(more) }, `v${n}`)
    return { status: 200, ...sums, version: bucket.toldId(made) }
  },
})
