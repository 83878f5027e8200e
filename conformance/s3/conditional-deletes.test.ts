import {
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  DeleteObjectsCommand,
  HeadObjectCommand,
  type ObjectIdentifier,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

/** Sizes and times: S3 has them for directory buckets; here they are for all. If-Match alone is in versions.test.ts. */
const suite = await openSuite(t)
const { s3, send } = suite
const versioned = await suite.newBucket()
await s3.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration: { Status: 'Enabled' } }))

async function put(Bucket: string, Key: string, Body = 'bytes') {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body }))
  const { LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key }))
  return { ETag: ETag!, time: LastModified!, size: Body.length }
}
const isThere = (Bucket: string, Key: string) =>
  s3.send(new HeadObjectCommand({ Bucket, Key })).then(
    () => true,
    () => false,
  )

for (const [bucket, what] of [
  [suite.bucket, 'without versions'],
  [versioned, 'with versions'],
] as const) {
  const remove = (Key: string, more: Partial<DeleteObjectCommandInput>) =>
    s3.send(new DeleteObjectCommand({ Bucket: bucket, Key, ...more }))

  t.test(
    `DeleteObject: ${what}: a size, a time that differ: 412 with the header’s name; all that hold: deleted`,
    async (t) => {
      const { ETag, time, size } = await put(bucket, 'k')
      const earlier = new Date(time.getTime() - 1000)
      const failing: [Partial<DeleteObjectCommandInput>, string][] = [
        [{ IfMatchSize: size + 1 }, 'x-amz-if-match-size'],
        [{ IfMatchLastModifiedTime: earlier }, 'x-amz-if-match-last-modified-time'],
        [{ IfMatchSize: size, IfMatchLastModifiedTime: earlier }, 'x-amz-if-match-last-modified-time'],
        [{ IfMatch: ETag, IfMatchSize: 0 }, 'x-amz-if-match-size'],
        [{ IfMatch: '"another"', IfMatchSize: size, IfMatchLastModifiedTime: time }, 'If-Match'],
      ]
      for (const [condition, Condition] of failing) {
        const fault = await refused(t, remove('k', condition), 412, 'PreconditionFailed', JSON.stringify(condition))
        t.match(fault, { Condition })
      }
      t.ok(await isThere(bucket, 'k'))
      const holding = [
        () => ({ IfMatchSize: size }),
        (IfMatchLastModifiedTime: Date) => ({ IfMatchLastModifiedTime }),
        (IfMatchLastModifiedTime: Date) => ({ IfMatch: ETag, IfMatchSize: size, IfMatchLastModifiedTime }),
      ]
      for (const condition of holding) {
        const { time } = await put(bucket, 'k')
        await remove('k', condition(time))
        t.notOk(await isThere(bucket, 'k'), String(condition))
      }
    },
  )

  t.test(`DeleteObject: ${what}: a size or a time of what is not there: 204; with If-Match: 404`, async (t) => {
    const answer = await remove('none', { IfMatchSize: 5, IfMatchLastModifiedTime: new Date() })
    t.equal(answer.$metadata.httpStatusCode, 204)
    await refused(t, remove('none', { IfMatchSize: 5, IfMatch: '*' }), 404, 'NoSuchKey')
  })

  t.test(`DeleteObjects: ${what}: each entry by its own ETag, LastModifiedTime and Size`, async (t) => {
    const made = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((Key) => put(bucket, Key, Key)))
    const [a, b, , , e] = made
    const Objects: ObjectIdentifier[] = [
      { Key: 'a', ETag: a!.ETag, LastModifiedTime: a!.time, Size: 1 },
      { Key: 'b', LastModifiedTime: new Date(b!.time.getTime() + 1000) },
      { Key: 'c', Size: 2 },
      { Key: 'd' },
      { Key: 'e', ETag: a!.ETag, Size: e!.size },
      { Key: 'none', Size: 1 },
    ]
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
    t.same(
      Deleted?.map(({ Key }) => Key),
      ['a', 'd', 'none'],
    )
    t.same(
      Errors?.map(({ Key, Code }) => [Key, Code]),
      ['b', 'c', 'e'].map((Key) => [Key, 'PreconditionFailed']),
    )
    for (const key of ['a', 'b', 'c', 'd', 'e']) t.equal(await isThere(bucket, key), 'bce'.includes(key), key)
  })
}

t.test('DeleteObject, DeleteObjects: a size or a time that is none: refused, nothing deleted', async (t) => {
  const { bucket } = suite
  await put(bucket, 'bad')
  const path = `/${bucket}/bad`
  for (const headers of [
    { 'x-amz-if-match-size': 'five' },
    { 'x-amz-if-match-size': '-1' },
    { 'x-amz-if-match-last-modified-time': 'yesterday' },
  ] as Record<string, string>[]) {
    refusedWire(t, await send({ method: 'DELETE', path, headers }), 400, 'InvalidArgument', JSON.stringify(headers))
  }
  for (const inner of ['<Size>x</Size>', '<LastModifiedTime>x</LastModifiedTime>']) {
    const body = `<Delete><Object><Key>bad</Key>${inner}</Object></Delete>`
    const headers = { 'Content-MD5': md5Base64(Buffer.from(body)) }
    const answer = await send({ method: 'POST', path: `/${bucket}?delete`, body, headers })
    t.same([answer.status, element(answer.body, 'Code')], [200, 'InvalidArgument'], inner)
  }
  t.ok(await isThere(bucket, 'bad'))
})

t.test('DeleteObjects: a time in ISO 8601, as listings tell it: the same second', async (t) => {
  const { bucket } = suite
  const { time } = await put(bucket, 'iso')
  const of = (ms: number) =>
    `<Object><Key>iso</Key><LastModifiedTime>${new Date(ms).toISOString()}</LastModifiedTime></Object>`
  for (const [ms, isGone] of [
    [time.getTime() - 1, false],
    [time.getTime() + 7, true],
  ] as const) {
    const body = `<Delete>${of(ms)}</Delete>`
    const headers = { 'Content-MD5': md5Base64(Buffer.from(body)) }
    await send({ method: 'POST', path: `/${bucket}?delete`, body, headers })
    t.equal(await isThere(bucket, 'iso'), !isGone)
  }
})
