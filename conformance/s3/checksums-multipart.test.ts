import {
  AbortMultipartUploadCommand,
  type ChecksumType,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { type Algorithm, algorithms, checksum, checksumField, compositeChecksum } from '../support/checksums.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const { s3, bucket, send } = await openSuite(t)
const parts = [bytes(5 * 1024 * 1024, 'one'), bytes(1_000_003, 'two')]
const whole = Buffer.concat(parts)

const create = async (Key: string, ChecksumAlgorithm: Algorithm, ChecksumType?: ChecksumType) =>
  (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm, ChecksumType }))).UploadId!

const kinds = [
  ...(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const).map((algorithm) => [algorithm, 'COMPOSITE'] as const),
  ...(['CRC32', 'CRC32C', 'CRC64NVME'] as const).map((algorithm) => [algorithm, 'FULL_OBJECT'] as const),
]
for (const [algorithm, type] of kinds)
  t.test(
    `CompleteMultipartUpload: ${algorithm} ${type}: checked per part, composed, answered and kept (quirk 10)`,
    async (t) => {
      const Key = `${algorithm}-${type}`
      const field = checksumField(algorithm)
      const UploadId = await create(Key, algorithm, type)
      const Parts = []
      for (const [n, Body] of parts.entries()) {
        const named = { Bucket: bucket, Key, UploadId, PartNumber: n + 1, Body, ChecksumAlgorithm: algorithm }
        const part = await s3.send(new UploadPartCommand(named))
        t.equal(part[field], checksum(algorithm, Body), `part ${n + 1}`)
        Parts.push({ PartNumber: n + 1, ETag: part.ETag, [field]: part[field] })
      }
      const listed = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))
      t.same([listed.ChecksumAlgorithm, listed.ChecksumType], [algorithm, type])
      t.same(
        listed.Parts?.map((part) => part[field]),
        parts.map((part) => checksum(algorithm, part)),
      )
      const expected = type === 'COMPOSITE' ? compositeChecksum(algorithm, parts) : checksum(algorithm, whole)
      const done = await s3.send(
        new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload: { Parts } }),
      )
      t.same([done[field], done.ChecksumType], [expected, type], 'Complete')
      const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }))
      t.same([head[field], head.ChecksumType], [expected, type], 'HEAD')
      const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }))
      t.equal(sha256(await got.Body!.transformToByteArray()), sha256(whole))
    },
  )

const impossible = [
  ['CRC64NVME', 'COMPOSITE'],
  ['SHA1', 'FULL_OBJECT'],
  ['SHA256', 'FULL_OBJECT'],
] as const
for (const [algorithm, type] of impossible)
  t.test(`CreateMultipartUpload: ${algorithm} ${type}: 400 InvalidRequest`, async (t) => {
    await refused(t, create('impossible', algorithm, type), 400, 'InvalidRequest')
  })

for (const algorithm of algorithms)
  t.test(
    `CompleteMultipartUpload: ${algorithm} named by Create alone, ETags only after that: the server supplies the rest (quirk 29)`,
    async (t) => {
      const Key = `supplied-${algorithm}`
      const UploadId = await create(Key, algorithm)
      const path = (number: number) => `/${bucket}/${Key}?partNumber=${number}&uploadId=${UploadId}`
      const listed: string[] = []
      for (const [n, body] of parts.entries()) {
        const answer = await send({ method: 'PUT', path: path(n + 1), body })
        t.equal(answer.status, 200, String(answer.body))
        listed.push(`<Part><PartNumber>${n + 1}</PartNumber><ETag>${answer.headers.etag}</ETag></Part>`)
      }
      const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`
      const done = await send({ method: 'POST', path: `/${bucket}/${Key}?uploadId=${UploadId}`, body })
      const full = algorithm === 'CRC64NVME'
      t.equal(
        element(done.body, `Checksum${algorithm}`),
        full ? checksum(algorithm, whole) : compositeChecksum(algorithm, parts),
      )
      t.equal(element(done.body, 'ChecksumType'), full ? 'FULL_OBJECT' : 'COMPOSITE')
    },
  )

t.test('UploadPart: a CRC32 though Create named no algorithm: verified and accepted (quirk 29)', async (t) => {
  const Key = 'unnamed'
  const made = await send({ method: 'POST', path: `/${bucket}/${Key}?uploads` })
  const uploadId = element(made.body, 'UploadId')
  const path = `/${bucket}/${Key}?partNumber=1&uploadId=${uploadId}`
  const body = Buffer.from('part')
  const wrong = { 'x-amz-checksum-crc32': checksum('CRC32', bytes(1)) }
  refusedWire(t, await send({ method: 'PUT', path, body, headers: wrong }), 400, 'BadDigest')
  const right = { 'x-amz-checksum-crc32': checksum('CRC32', body) }
  const put = await send({ method: 'PUT', path, body, headers: right })
  t.match([put.status, put.headers], [200, right])
  const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${put.headers.etag}</ETag><ChecksumCRC32>${right['x-amz-checksum-crc32']}</ChecksumCRC32></Part></CompleteMultipartUpload>`
  const done = await send({ method: 'POST', path: `/${bucket}/${Key}?uploadId=${uploadId}`, body: xml })
  t.equal(done.status, 200, String(done.body))
})

t.test('UploadPart: another algorithm than Create named: 400 InvalidRequest', async (t) => {
  const UploadId = await create('mixed', 'SHA256')
  const path = `/${bucket}/mixed?partNumber=1&uploadId=${UploadId}`
  const headers = { 'x-amz-checksum-crc32': checksum('CRC32', Buffer.from('x')) }
  refusedWire(t, await send({ method: 'PUT', path, body: 'x', headers }), 400, 'InvalidRequest')
  await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: 'mixed', UploadId }))
})

t.test(
  'CompleteMultipartUpload: a part’s checksum listed wrongly: 400 InvalidPart; the whole’s wrong: 400 BadDigest; then right: 200',
  async (t) => {
    const Key = 'wrong'
    const UploadId = await create(Key, 'CRC32', 'FULL_OBJECT')
    const Body = Buffer.from('the only part')
    const named = { Bucket: bucket, Key, UploadId }
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...named, PartNumber: 1, Body, ChecksumAlgorithm: 'CRC32' }),
    )
    const wrong = checksum('CRC32', bytes(9))
    const complete = (part: string | undefined, full?: string) => {
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32: part }] }
      return s3.send(
        new CompleteMultipartUploadCommand({
          ...named,
          MultipartUpload,
          ChecksumCRC32: full,
          ChecksumType: 'FULL_OBJECT',
        }),
      )
    }
    await refused(t, complete(wrong), 400, 'InvalidPart')
    await refused(t, complete(ChecksumCRC32, wrong), 400, 'BadDigest')
    t.equal((await complete(ChecksumCRC32, checksum('CRC32', Body))).ChecksumCRC32, checksum('CRC32', Body))
  },
)

t.test('CompleteMultipartUpload: a checksum type other than Create’s: 400 InvalidRequest', async (t) => {
  const Key = 'type'
  const UploadId = await create(Key, 'CRC32', 'COMPOSITE')
  const named = { Bucket: bucket, Key, UploadId }
  const { ETag } = await s3.send(
    new UploadPartCommand({ ...named, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' }),
  )
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  const call = new CompleteMultipartUploadCommand({ ...named, MultipartUpload, ChecksumType: 'FULL_OBJECT' })
  await refused(t, s3.send(call), 400, 'InvalidRequest')
  await s3.send(new AbortMultipartUploadCommand(named))
})
