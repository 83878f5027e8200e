import { AbortMultipartUploadCommand, CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes } from '../support/bytes.ts'
import { openSuite, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const Key = 'errors'
const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
const etagOf: Record<number, string> = {}
for (const [PartNumber, Body] of [
  [1, 'small'],
  [2, 'small too'],
  [3, bytes(5 * 1024 * 1024)],
  [4, 'last'],
] as const)
  etagOf[PartNumber] = (await s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body }))).ETag!
t.teardown(() => s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })).catch(() => {}))

const part = (number: number | string, etag = etagOf[number as number]) =>
  `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`
const complete = (inner: string, uploadId = UploadId!) =>
  send({
    method: 'POST',
    path: `/${bucket}/${Key}?uploadId=${uploadId}`,
    body: `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</CompleteMultipartUpload>`,
  })

t.test('CompleteMultipartUpload: an empty list: 400 MalformedXML (quirk 25)', async (t) => {
  refusedWire(t, await complete(''), 400, 'MalformedXML')
})

t.test('CompleteMultipartUpload: no XML, an empty body, a part without an ETag: 400', async (t) => {
  const path = `/${bucket}/${Key}?uploadId=${UploadId}`
  refusedWire(t, await send({ method: 'POST', path, body: 'parts' }), 400, 'MalformedXML')
  refusedWire(
    t,
    await send({ method: 'POST', path, body: '' }),
    400,
    /^(MalformedXML|InvalidRequest|MissingRequestBodyError)$/,
  )
  refusedWire(t, await complete('<Part><PartNumber>1</PartNumber></Part>'), 400, 'MalformedXML')
  refusedWire(t, await complete(part('one', etagOf[1])), 400, /^(MalformedXML|InvalidArgument)$/)
})

t.test('CompleteMultipartUpload: an unknown upload: 404 NoSuchUpload (quirk 25)', async (t) => {
  refusedWire(t, await complete(part(1), 'no-such-upload'), 404, 'NoSuchUpload')
})

t.test(
  'CompleteMultipartUpload: a part that was not uploaded, or a wrong ETag: 400 InvalidPart (quirk 25)',
  async (t) => {
    refusedWire(t, await complete(part(9, '"d41d8cd98f00b204e9800998ecf8427e"')), 400, 'InvalidPart')
    refusedWire(t, await complete(part(1, etagOf[2])), 400, 'InvalidPart')
  },
)

t.test('CompleteMultipartUpload: parts out of order, or one twice: 400 InvalidPartOrder (quirk 25)', async (t) => {
  refusedWire(t, await complete(part(4) + part(3)), 400, 'InvalidPartOrder')
  refusedWire(t, await complete(part(3) + part(3)), 400, 'InvalidPartOrder')
})

t.test('CompleteMultipartUpload: a part before the last under 5 MiB: 400 EntityTooSmall (quirk 25)', async (t) => {
  refusedWire(t, await complete(part(1) + part(3)), 400, 'EntityTooSmall')
})

t.test(
  'CompleteMultipartUpload: small parts that are not listed: no matter; after refusals the upload still completes (quirk 25)',
  async (t) => {
    const answer = await complete(part(3) + part(4))
    t.equal(answer.status, 200, String(answer.body))
  },
)

t.test(
  'UploadPart: part numbers 0, 10,001, negative or no number: 400 InvalidArgument; 10,000: accepted',
  async (t) => {
    const made = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'numbers' }))
    const put = (number: string) =>
      send({ method: 'PUT', path: `/${bucket}/numbers?partNumber=${number}&uploadId=${made.UploadId}`, body: 'x' })
    for (const wrong of ['0', '10001', '-1', 'x', '1.5'])
      refusedWire(t, await put(wrong), 400, 'InvalidArgument', wrong)
    t.equal((await put('10000')).status, 200)
    t.equal((await put('1')).status, 200)
    await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: 'numbers', UploadId: made.UploadId }))
  },
)

t.test('CreateMultipartUpload: bucket not there: NoSuchBucket; key over 1,024 bytes: KeyTooLongError', async (t) => {
  refusedWire(t, await send({ method: 'POST', path: `/${suite.newBucketName()}/k?uploads` }), 404, 'NoSuchBucket')
  refusedWire(t, await send({ method: 'POST', path: `/${bucket}/${'k'.repeat(1025)}?uploads` }), 400, 'KeyTooLongError')
})

t.test('CreateMultipartUpload: ?uploads and ?uploads=: an InitiateMultipartUploadResult', async (t) => {
  for (const query of ['?uploads', '?uploads=', '?uploads&x-id=CreateMultipartUpload']) {
    const answer = await send({ method: 'POST', path: `/${bucket}/forms${query}` })
    t.equal(answer.status, 200, query)
    t.match(String(answer.body), /<InitiateMultipartUploadResult[ >]/)
    const id = /<UploadId>([^<]+)</.exec(String(answer.body))![1]
    t.equal((await send({ method: 'DELETE', path: `/${bucket}/forms?uploadId=${id}` })).status, 204)
  }
})
