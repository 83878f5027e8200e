import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const { s3, bucket, send } = await openSuite(t)
const body = bytes(1000)
const put = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'thousand', Body: body }))
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'empty', Body: '' }))

const get = (Range: string, Key = 'thousand') => s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }))

const satisfiable: [range: string, first: number, last: number][] = [
  ['bytes=0-0', 0, 0],
  ['bytes=1-9', 1, 9],
  ['bytes=990-', 990, 999],
  ['bytes=0-', 0, 999],
  ['bytes=-1', 999, 999],
  ['bytes=-10', 990, 999],
  ['bytes=-5000', 0, 999],
  ['bytes=995-5000', 995, 999],
]
for (const [range, first, last] of satisfiable) {
  t.test(`GetObject: Range ${range} of 1,000 bytes: 206 with bytes ${first} to ${last}`, async (t) => {
    const got = await get(range)
    t.equal(got.$metadata.httpStatusCode, 206)
    t.equal(got.ContentRange, `bytes ${first}-${last}/1000`)
    t.equal(got.ContentLength, last - first + 1)
    t.equal(got.ETag, put.ETag, 'the whole object’s ETag')
    t.same(Buffer.from(await got.Body!.transformToByteArray()), body.subarray(first, last + 1))
  })
}

for (const [range, key] of [
  ['bytes=1000-', 'thousand'],
  ['bytes=1000-2000', 'thousand'],
  ['bytes=-0', 'thousand'],
  ['bytes=0-0', 'empty'],
  ['bytes=-1', 'empty'],
  ['bytes=0-', 'empty'],
] as const) {
  t.test(`GetObject: Range ${range} of the ${key} object: 416 InvalidRange (quirk 15)`, async (t) => {
    await refused(t, get(range, key), 416, 'InvalidRange')
    const answer = await send({ method: 'GET', path: `/${bucket}/${key}`, headers: { Range: range } })
    refusedWire(t, answer, 416, 'InvalidRange')
    t.equal(element(answer.body, 'ActualObjectSize'), key === 'empty' ? '0' : '1000')
    t.equal(element(answer.body, 'RangeRequested'), range)
    t.equal(
      (await send({ method: 'HEAD', path: `/${bucket}/${key}`, headers: { Range: range } })).status,
      416,
      'HEAD too',
    )
  })
}

for (const range of ['bytes=9-1', 'bytes=a-b', 'bytes=', 'bytes=-', 'lines=0-5', '0-5', 'bytes=0-1,5-6']) {
  t.test(`GetObject: Range ${range} (malformed, another unit, or several): ignored, 200 with all`, async (t) => {
    const answer = await send({ method: 'GET', path: `/${bucket}/thousand`, headers: { Range: range } })
    t.equal(answer.status, 200)
    t.equal(answer.headers['content-range'], undefined)
    t.same(answer.body, body)
  })
}

t.test('HeadObject: with a Range: 206, the range’s length and Content-Range', async (t) => {
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'thousand', Range: 'bytes=10-19' }))
  t.equal(head.$metadata.httpStatusCode, 206)
  t.equal(head.ContentLength, 10)
  const wire = await send({ method: 'HEAD', path: `/${bucket}/thousand`, headers: { Range: 'bytes=10-19' } })
  t.equal(wire.headers['content-range'], 'bytes 10-19/1000')
})

t.test('GetObject: If-Match fails with a Range: 412, no bytes', async (t) => {
  const call = s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'thousand', Range: 'bytes=0-9', IfMatch: '"nope"' }))
  await refused(t, call, 412, 'PreconditionFailed')
})

t.test('GetObject: partNumber=1 of a plain object: 206 with all of it; 2: 416 (quirk 27)', async (t) => {
  const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'thousand', PartNumber: 1 }))
  t.equal(got.$metadata.httpStatusCode, 206)
  t.equal(got.ContentRange, 'bytes 0-999/1000')
  t.equal(got.ETag, put.ETag)
  t.equal(got.PartsCount, undefined, 'no parts count: it is no multipart object')
  t.same(Buffer.from(await got.Body!.transformToByteArray()), body)
  const beyond = await send({ method: 'GET', path: `/${bucket}/thousand?partNumber=2` })
  refusedWire(t, beyond, 416, /^InvalidPartNumber$|^InvalidRange$/)
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/thousand?partNumber=2` })).status, 416)
})

t.test('GetObject: partNumber together with Range: 400 InvalidRequest', async (t) => {
  const answer = await send({
    method: 'GET',
    path: `/${bucket}/thousand?partNumber=1`,
    headers: { Range: 'bytes=0-1' },
  })
  refusedWire(t, answer, 400, 'InvalidRequest')
})

for (const wrong of ['0', '-1', 'x', '10001'])
  t.test(`GetObject: partNumber=${wrong}: 400 InvalidArgument`, async (t) => {
    const answer = await send({ method: 'GET', path: `/${bucket}/thousand?partNumber=${wrong}` })
    refusedWire(t, answer, 400, 'InvalidArgument')
  })
