import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { element, encodeStrict, objectPath, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const body = bytes(400_001, 'copied')
const source = await s3.send(
  new PutObjectCommand({
    Bucket: bucket,
    Key: 'source',
    Body: body,
    ContentType: 'text/x-source',
    CacheControl: 'no-cache',
    Metadata: { colour: 'red' },
  }),
)
const CopySource = `${bucket}/source`
const head = (Key: string, Bucket = bucket) => s3.send(new HeadObjectCommand({ Bucket, Key }))
const read = async (Key: string, Bucket = bucket) =>
  Buffer.from(await (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray())

t.test('CopyObject: in one bucket: bytes, ETag, headers and metadata are the source’s', async (t) => {
  const copy = await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource }))
  t.equal(copy.CopyObjectResult?.ETag, source.ETag)
  t.ok(copy.CopyObjectResult?.LastModified instanceof Date)
  t.equal(sha256(await read('copy')), sha256(body))
  t.match(await head('copy'), { ContentType: 'text/x-source', CacheControl: 'no-cache', Metadata: { colour: 'red' } })
})

t.test('CopyObject: to another bucket, then the source is overwritten: the copy keeps its bytes', async (t) => {
  const there = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'shared', Body: 'before' }))
  await s3.send(new CopyObjectCommand({ Bucket: there, Key: 'shared', CopySource: `${bucket}/shared` }))
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'shared', Body: 'after' }))
  t.equal(String(await read('shared', there)), 'before')
})

t.test('CopyObject: x-amz-copy-source with a leading slash, without, and encoded: all found (quirk 18)', async (t) => {
  const key = 'dir/a+b c%25ü&?=.txt'
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'awkward' }))
  const encodedPath = objectPath(bucket, key)
  for (const [n, value] of [encodedPath, encodedPath.slice(1), encodeStrict(`${bucket}/${key}`)].entries()) {
    const answer = await send({ method: 'PUT', path: `/${bucket}/form-${n}`, headers: { 'x-amz-copy-source': value } })
    t.equal(answer.status, 200, value)
    t.equal(String(await read(`form-${n}`)), 'awkward')
  }
})

t.test('CopyObject: x-amz-copy-source is decoded once, not twice (quirk 18)', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'once%41', Body: 'literal percent' }))
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'onceA', Body: 'decoded twice' }))
  const headers = { 'x-amz-copy-source': `/${bucket}/once%2541` }
  t.equal((await send({ method: 'PUT', path: `/${bucket}/once-copy`, headers })).status, 200)
  t.equal(String(await read('once-copy')), 'literal percent')
})

t.test('CopyObject: REPLACE: new headers and metadata, none of the source’s', async (t) => {
  await s3.send(
    new CopyObjectCommand({
      Bucket: bucket,
      Key: 'replaced',
      CopySource,
      MetadataDirective: 'REPLACE',
      ContentType: 'text/x-new',
      Metadata: { shape: 'round' },
    }),
  )
  const now = await head('replaced')
  t.match(now, { ContentType: 'text/x-new', ETag: source.ETag! })
  t.same(now.Metadata, { shape: 'round' })
  t.equal(now.CacheControl, undefined)
})

t.test('CopyObject: COPY with headers of its own: they are not taken', async (t) => {
  await s3.send(
    new CopyObjectCommand({
      Bucket: bucket,
      Key: 'kept',
      CopySource,
      ContentType: 'text/x-ignored',
      Metadata: { a: 'b' },
    }),
  )
  const now = await head('kept')
  t.same([now.ContentType, now.Metadata], ['text/x-source', { colour: 'red' }])
})

t.test('CopyObject: onto itself without a change: 400 InvalidRequest (quirk 18)', async (t) => {
  await refused(t, s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'source', CopySource })), 400, 'InvalidRequest')
})

t.test('CopyObject: onto itself with REPLACE: metadata changes, bytes stay', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'self', Body: body, Metadata: { a: '1' } }))
  const call = { Bucket: bucket, Key: 'self', CopySource: `${bucket}/self`, MetadataDirective: 'REPLACE' } as const
  await s3.send(new CopyObjectCommand({ ...call, Metadata: { b: '2' } }))
  t.same((await head('self')).Metadata, { b: '2' })
  t.equal(sha256(await read('self')), sha256(body))
})

t.test('CopyObject: onto itself with another storage class: accepted', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'class', Body: 'x' }))
  const call = { Bucket: bucket, Key: 'class', CopySource: `${bucket}/class` }
  await s3.send(new CopyObjectCommand({ ...call, StorageClass: 'REDUCED_REDUNDANCY' }))
  t.equal((await head('class')).StorageClass, 'REDUCED_REDUNDANCY')
  t.equal(String(await read('class')), 'x')
})

const past = new Date(Date.now() - 3_600_000)
const future = new Date(Date.now() + 3_600_000)
const conditions = [
  ['IfMatch the ETag', { CopySourceIfMatch: source.ETag! }, 200],
  ['IfMatch another', { CopySourceIfMatch: '"nope"' }, 412],
  ['IfNoneMatch another', { CopySourceIfNoneMatch: '"nope"' }, 200],
  ['IfNoneMatch the ETag', { CopySourceIfNoneMatch: source.ETag! }, 412],
  ['IfModifiedSince an hour ago', { CopySourceIfModifiedSince: past }, 200],
  ['IfUnmodifiedSince an hour ago', { CopySourceIfUnmodifiedSince: past }, 412],
  ['IfUnmodifiedSince in an hour', { CopySourceIfUnmodifiedSince: future }, 200],
  [
    'IfMatch true, IfUnmodifiedSince false',
    { CopySourceIfMatch: source.ETag!, CopySourceIfUnmodifiedSince: past },
    200,
  ],
] as const
for (const [what, condition, status] of conditions)
  t.test(`CopyObject: copy source ${what}: ${status}, never 304 (quirk 14)`, async (t) => {
    const call = s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'conditional', CopySource, ...condition }))
    if (status === 412) await refused(t, call, 412, 'PreconditionFailed')
    else t.equal((await call).$metadata.httpStatusCode, status)
  })

t.test('CopyObject: source key, source bucket or target bucket not there: 404', async (t) => {
  const copy = (from: string, Bucket = bucket) => s3.send(new CopyObjectCommand({ Bucket, Key: 'x', CopySource: from }))
  await refused(t, copy(`${bucket}/none`), 404, 'NoSuchKey')
  await refused(t, copy(`${suite.newBucketName()}/none`), 404, 'NoSuchBucket')
  await refused(t, copy(CopySource, suite.newBucketName()), 404, 'NoSuchBucket')
})

t.test('CopyObject: a copy source that names no object, a bad directive: 400 InvalidArgument', async (t) => {
  for (const value of ['', '/', bucket, `/${bucket}/`, '%zz/x']) {
    const headers = { 'x-amz-copy-source': value }
    const answer = await send({ method: 'PUT', path: `/${bucket}/x`, headers })
    t.ok(
      [400, 404].includes(answer.status),
      `${JSON.stringify(value)}: ${answer.status} ${element(answer.body, 'Code')}`,
    )
  }
  const headers = { 'x-amz-copy-source': CopySource, 'x-amz-metadata-directive': 'MERGE' }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}/x`, headers }), 400, 'InvalidArgument')
})

t.test('CopyObject: its answer is CopyObjectResult with a quoted ETag and a date in ISO 8601', async (t) => {
  const answer = await send({ method: 'PUT', path: `/${bucket}/xml`, headers: { 'x-amz-copy-source': CopySource } })
  t.match(String(answer.body), /<CopyObjectResult[ >]/)
  t.equal(element(answer.body, 'ETag'), source.ETag)
  t.match(element(answer.body, 'LastModified'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/)
})
