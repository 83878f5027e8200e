import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, multipartEtag, sha256 } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const MIN = 5 * 1024 * 1024
const big = bytes(MIN, 'first')
const bigger = bytes(MIN + 12_345, 'second')
const tail = bytes(7, 'third')

const create = async (Key: string) =>
  (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))).UploadId!
const upload = async (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array | string) =>
  (await s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body }))).ETag!
const complete = (Key: string, UploadId: string, parts: [number, string][]) =>
  s3.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts: parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag })) },
    }),
  )
const abort = (Key: string, UploadId: string) =>
  s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))

t.test(
  'CompleteMultipartUpload: three parts: one object, its ETag of the parts’ MD5s, attributes of Create',
  async (t) => {
    const Key = 'three'
    const attributes = { ContentType: 'text/x-parts', CacheControl: 'no-cache', Metadata: { part: 'istic' } }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ...attributes }))
    // They need not be sent in order.
    const last = await upload(Key, UploadId!, 3, tail)
    const first = await upload(Key, UploadId!, 1, big)
    const second = await upload(Key, UploadId!, 2, bigger)
    t.equal(first, `"${md5(big)}"`)
    await refused(
      t,
      s3.send(new GetObjectCommand({ Bucket: bucket, Key })),
      404,
      'NoSuchKey',
      'not visible before Complete',
    )
    const done = await complete(Key, UploadId!, [
      [1, first],
      [2, second],
      [3, last],
    ])
    t.equal(done.ETag, multipartEtag([big, bigger, tail]))
    t.match(done, { Bucket: bucket, Key })
    t.match(done.Location, new RegExp(`${bucket}.*/${Key}$`))
    const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    t.match(got, { ...attributes, ETag: done.ETag! })
    t.equal(sha256(await got.Body!.transformToByteArray()), sha256(Buffer.concat([big, bigger, tail])))
    for (const Range of [`bytes=${MIN - 3}-${MIN + 3}`, `bytes=${big.length + bigger.length - 2}-`]) {
      const [, from, to] = /=(\d+)-(\d*)/.exec(Range)!
      const part = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }))
      const expected = Buffer.concat([big, bigger, tail]).subarray(Number(from), to ? Number(to) + 1 : undefined)
      t.same(Buffer.from(await part.Body!.transformToByteArray()), expected, `${Range} across parts`)
    }
  },
)

t.test(
  'GetObject, HeadObject: partNumber of a multipart object: that part, the count, the whole ETag, 206 (quirk 27)',
  async (t) => {
    const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'three', PartNumber: 2 }))
    t.same([head.$metadata.httpStatusCode, head.PartsCount, head.ContentLength], [206, 3, bigger.length])
    const total = big.length + bigger.length + tail.length
    for (const [n, [start, body]] of (
      [
        [0, big],
        [big.length, bigger],
        [big.length + bigger.length, tail],
      ] as const
    ).entries()) {
      const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'three', PartNumber: n + 1 }))
      t.same([got.$metadata.httpStatusCode, got.PartsCount], [206, 3])
      t.equal(got.ContentRange, `bytes ${start}-${start + body.length - 1}/${total}`)
      t.equal(got.ETag, multipartEtag([big, bigger, tail]))
      t.equal(sha256(await got.Body!.transformToByteArray()), sha256(body), `part ${n + 1}`)
    }
    const beyond = await send({ method: 'GET', path: `/${bucket}/three?partNumber=4` })
    refusedWire(t, beyond, 416, /^InvalidPartNumber$|^InvalidRange$/)
  },
)

t.test('CompleteMultipartUpload: part numbers with gaps, without checksums: joined in their order', async (t) => {
  const made = await send({ method: 'POST', path: `/${bucket}/gaps?uploads` })
  const uploadId = element(made.body, 'UploadId')
  const listed: string[] = []
  for (const [number, body] of [
    [9_999, tail],
    [40, big],
  ] as const) {
    const path = `/${bucket}/gaps?partNumber=${number}&uploadId=${uploadId}`
    const etag = (await send({ method: 'PUT', path, body })).headers.etag
    listed.unshift(`<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`)
  }
  const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`
  const done = await send({ method: 'POST', path: `/${bucket}/gaps?uploadId=${uploadId}`, body })
  t.equal(element(done.body, 'ETag'), multipartEtag([big, tail]))
  t.equal(sha256((await send({ method: 'GET', path: `/${bucket}/gaps` })).body), sha256(Buffer.concat([big, tail])))
})

t.test('UploadPart: the same number again: the later one counts', async (t) => {
  const Key = 'again'
  const UploadId = await create(Key)
  const old = await upload(Key, UploadId, 1, 'the first try, longer')
  const now = await upload(Key, UploadId, 1, 'the second')
  await refused(t, complete(Key, UploadId, [[1, old]]), 400, 'InvalidPart')
  await complete(Key, UploadId, [[1, now]])
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  t.equal(await got.Body!.transformToString(), 'the second')
})

t.test('CompleteMultipartUpload: only some of the parts: those alone, the others are dropped', async (t) => {
  const Key = 'some'
  const UploadId = await create(Key)
  await upload(Key, UploadId, 1, 'dropped')
  const kept = await upload(Key, UploadId, 2, 'kept')
  await upload(Key, UploadId, 3, 'dropped too')
  t.match((await complete(Key, UploadId, [[2, kept]])).ETag, /-1"$/)
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  t.equal(await got.Body!.transformToString(), 'kept')
})

t.test('CompleteMultipartUpload: one empty part: an empty object', async (t) => {
  const Key = 'empty'
  const UploadId = await create(Key)
  const etag = await upload(Key, UploadId, 1, '')
  t.equal((await complete(Key, UploadId, [[1, etag]])).ETag, multipartEtag([Buffer.alloc(0)]))
  t.equal((await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ContentLength, 0)
})

t.test(
  'CompleteMultipartUpload: again: the same answer (quirk 26); after Abort of the completed one the object stays',
  async (t) => {
    const Key = 'repeat'
    const UploadId = await create(Key)
    const etag = await upload(Key, UploadId, 1, 'once')
    const first = await complete(Key, UploadId, [[1, etag]])
    const second = await complete(Key, UploadId, [[1, etag]])
    t.same(
      [second.ETag, second.ChecksumCRC32, second.ChecksumCRC64NVME],
      [first.ETag, first.ChecksumCRC32, first.ChecksumCRC64NVME],
    )
    await abort(Key, UploadId).catch(() => {})
    t.equal((await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ETag, first.ETag)
  },
)

t.test('CompleteMultipartUpload: ETags bare and as &quot; in the XML: accepted (quirk 9)', async (t) => {
  for (const form of ['bare', 'entity'] as const) {
    const Key = `etag-${form}`
    const UploadId = await create(Key)
    const etag = (await upload(Key, UploadId, 1, 'x')).replaceAll('"', '')
    const written = form === 'bare' ? etag : `&quot;${etag}&quot;`
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${written}</ETag></Part></CompleteMultipartUpload>`
    const answer = await send({ method: 'POST', path: `/${bucket}/${Key}?uploadId=${UploadId}`, body })
    t.equal(answer.status, 200)
    t.match(String(answer.body), /<CompleteMultipartUploadResult[ >]/)
    t.equal(element(answer.body, 'ETag'), multipartEtag([Buffer.from('x')]))
  }
})

t.test('CompleteMultipartUpload: over an existing object: replaced; x-amz-mp-object-size is checked', async (t) => {
  const Key = 'over'
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'plain' }))
  const UploadId = await create(Key)
  const ETag = await upload(Key, UploadId, 1, 'parts')
  const call = { Bucket: bucket, Key, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }
  await refused(t, s3.send(new CompleteMultipartUploadCommand({ ...call, MpuObjectSize: 6 })), 400, 'InvalidRequest')
  await s3.send(new CompleteMultipartUploadCommand({ ...call, MpuObjectSize: 5 }))
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  t.equal(await got.Body!.transformToString(), 'parts')
})

t.test('AbortMultipartUpload: 204; the upload, its parts and Complete are gone; again: NoSuchUpload', async (t) => {
  const Key = 'aborted'
  const UploadId = await create(Key)
  const etag = await upload(Key, UploadId, 1, 'x')
  t.equal((await abort(Key, UploadId)).$metadata.httpStatusCode, 204)
  await refused(t, s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId })), 404, 'NoSuchUpload')
  await refused(t, upload(Key, UploadId, 2, 'y'), 404, 'NoSuchUpload')
  await refused(t, complete(Key, UploadId, [[1, etag]]), 404, 'NoSuchUpload')
  await refused(t, abort(Key, UploadId), 404, 'NoSuchUpload')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/${Key}` })).status, 404)
})

t.test('UploadPart: a wrong upload id, or another key’s: NoSuchUpload', async (t) => {
  const UploadId = await create('mine')
  await refused(t, upload('mine', 'never-given', 1, 'x'), 404, 'NoSuchUpload')
  await refused(t, upload('another', UploadId, 1, 'x'), 404, 'NoSuchUpload')
  await abort('mine', UploadId)
})
