import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5Base64 } from '../support/bytes.ts'
import { algorithms, checksum, checksumField, checksumHeader } from '../support/checksums.ts'
import { openSuite, refusedWire } from '../support/suite.ts'

const { s3, bucket, send } = await openSuite(t)
const data = bytes(150_001, 'checksums')
const ENABLED = { 'x-amz-checksum-mode': 'ENABLED' }

for (const algorithm of algorithms) {
  const header = checksumHeader(algorithm)
  const right = checksum(algorithm, data)
  const path = `/${bucket}/${algorithm}`

  t.test(
    `PutObject: ${algorithm} in a header: verified, answered, kept, shown only when asked (quirk 10)`,
    async (t) => {
      const put = await send({ method: 'PUT', path, body: data, headers: { [header]: right } })
      t.equal(put.status, 200, String(put.body))
      t.equal(put.headers[header], right)
      t.equal(put.headers['x-amz-checksum-type'], 'FULL_OBJECT')
      for (const method of ['HEAD', 'GET']) {
        const asked = await send({ method, path, headers: ENABLED })
        t.match(asked.headers, { [header]: right, 'x-amz-checksum-type': 'FULL_OBJECT' }, `${method}, asked`)
        const silent = await send({ method, path })
        t.equal(silent.headers[header], undefined, `${method}, not asked`)
      }
    },
  )

  t.test(
    `PutObject: a wrong ${algorithm}: 400 BadDigest, nothing stored; malformed: 400 InvalidRequest (quirk 11)`,
    async (t) => {
      const there = `/${bucket}/wrong-${algorithm}`
      const wrong = { [header]: checksum(algorithm, bytes(2)) }
      refusedWire(t, await send({ method: 'PUT', path: there, body: data, headers: wrong }), 400, 'BadDigest')
      for (const malformed of ['', 'AAAA', 'not base64 at all!', `${right}${right}`])
        refusedWire(
          t,
          await send({ method: 'PUT', path: there, body: data, headers: { [header]: malformed } }),
          400,
          'InvalidRequest',
          JSON.stringify(malformed),
        )
      t.equal((await send({ method: 'HEAD', path: there })).status, 404)
    },
  )

  t.test(
    `PutObject: ChecksumAlgorithm ${algorithm} of the SDK: it computes, the store agrees, GetObject verifies`,
    async (t) => {
      const Key = `sdk-${algorithm}`
      const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: data, ChecksumAlgorithm: algorithm }))
      t.equal(put[checksumField(algorithm)], right)
      const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }))
      t.equal(got[checksumField(algorithm)], right)
      t.same(Buffer.from(await got.Body!.transformToByteArray()), data)
      const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }))
      t.equal(head[checksumField(algorithm)], right)
      const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }))
      t.same(listed.Contents?.[0]?.ChecksumAlgorithm, [algorithm], 'and the listing names it')
    },
  )
}

t.test('PutObject: of no bytes, with each algorithm: kept', async (t) => {
  for (const algorithm of algorithms) {
    const header = checksumHeader(algorithm)
    const right = checksum(algorithm, Buffer.alloc(0))
    const answer = await send({ method: 'PUT', path: `/${bucket}/none`, body: '', headers: { [header]: right } })
    t.same([answer.status, answer.headers[header]], [200, right], algorithm)
  }
})

t.test('PutObject: two different checksums at once: 400 InvalidRequest', async (t) => {
  const headers = { 'x-amz-checksum-crc32': checksum('CRC32', data), 'x-amz-checksum-sha1': checksum('SHA1', data) }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}/two`, body: data, headers }), 400, 'InvalidRequest')
})

t.test('PutObject: x-amz-sdk-checksum-algorithm that is none of S3’s: 400 InvalidRequest', async (t) => {
  const headers = { 'x-amz-sdk-checksum-algorithm': 'CRC16' }
  refusedWire(
    t,
    await send({ method: 'PUT', path: `/${bucket}/none-such`, body: data, headers }),
    400,
    'InvalidRequest',
  )
})

t.test(
  'PutObject: Content-MD5 right: stored; wrong: BadDigest; malformed or empty: InvalidDigest (quirk 11)',
  async (t) => {
    const path = `/${bucket}/md5`
    const put = (value: string) => send({ method: 'PUT', path, body: data, headers: { 'Content-MD5': value } })
    refusedWire(t, await put(md5Base64(bytes(5))), 400, 'BadDigest')
    for (const malformed of ['', 'AAAA', '!!!', 'd41d8cd98f00b204e9800998ecf8427e'])
      refusedWire(t, await put(malformed), 400, 'InvalidDigest', JSON.stringify(malformed))
    t.equal((await send({ method: 'HEAD', path })).status, 404, 'nothing stored')
    t.equal((await put(md5Base64(data))).status, 200)
  },
)

t.test('PutObject: refused for a wrong checksum over an object: the old object stays', async (t) => {
  const path = `/${bucket}/stays`
  await send({ method: 'PUT', path, body: 'old' })
  const headers = { 'x-amz-checksum-crc32': checksum('CRC32', bytes(3)) }
  refusedWire(t, await send({ method: 'PUT', path, body: data, headers }), 400, 'BadDigest')
  t.equal(String((await send({ method: 'GET', path })).body), 'old')
})

t.test(
  'GetObject: a range, checksum mode ENABLED: no checksum of the whole that clients would hold against the part',
  async (t) => {
    const got = await send({ method: 'GET', path: `/${bucket}/SHA256`, headers: { ...ENABLED, Range: 'bytes=0-9' } })
    t.equal(got.status, 206)
    t.equal(got.headers['x-amz-checksum-sha256'], undefined)
  },
)

t.test('CopyObject: of an object with a checksum: the copy has it too', async (t) => {
  const copied = await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copied', CopySource: `${bucket}/SHA256` }))
  t.equal(copied.CopyObjectResult?.ChecksumSHA256, checksum('SHA256', data))
  const head = await send({ method: 'HEAD', path: `/${bucket}/copied`, headers: ENABLED })
  t.equal(head.headers['x-amz-checksum-sha256'], checksum('SHA256', data))
})
