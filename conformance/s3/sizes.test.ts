import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, randomFrom, sha256 } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

const { s3, bucket } = await openSuite(t)
const KIB = 1024
const MIB = 1024 * KIB

/** Around six chunks, around blocks of 64 and 128 KiB, and around stripes of six of them. */
const edges = [64 * KIB, 128 * KIB, 6 * 64 * KIB, 6 * 128 * KIB]
const small = [0, 1, 2, 5, 6, 7, 11, 12, 13, 100, 4095, 4096, 4097]
const around = edges.flatMap((edge) => [edge - 7, edge - 1, edge, edge + 1, edge + 6])
const large = [MIB, 5 * MIB, 6 * MIB + 1, 16 * MIB + 1]

for (const size of [...small, ...around, ...large]) {
  t.test(`PutObject, GetObject: ${size} bytes: the same bytes, whole and in ranges`, async (t) => {
    const Key = `size-${size}`
    const body = bytes(size, Key)
    const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body }))
    t.equal(put.ETag, `"${md5(body)}"`)
    const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    t.equal(sha256(await got.Body!.transformToByteArray()), sha256(body), 'whole')
    for (const [first, last] of rangesOf(size)) {
      const Range = `bytes=${first}-${last}`
      const part = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }))
      t.equal(part.ContentRange, `bytes ${first}-${last}/${size}`)
      t.equal(sha256(await part.Body!.transformToByteArray()), sha256(body.subarray(first, last + 1)), Range)
    }
  })
}

/** First, last, middle, across the edges, and a few by chance. */
function rangesOf(size: number): [number, number][] {
  if (size === 0) return []
  const random = randomFrom(size)
  const chosen: [number, number][] = [
    [0, 0],
    [size - 1, size - 1],
    [Math.floor(size / 3), Math.floor((2 * size) / 3)],
  ]
  for (const edge of edges) if (edge < size) chosen.push([edge - 1, edge])
  for (let n = 0; n < 3; n++) {
    const first = Math.floor(random() * size)
    chosen.push([first, first + Math.floor(random() * (size - first))])
  }
  return chosen
}
