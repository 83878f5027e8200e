import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  RenameObjectCommand,
  type RenameObjectCommandInput,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes } from '../support/bytes.ts'
import { customerKey } from '../support/encryption.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

/** S3 has it for directory buckets; here it is for all. */
const suite = await openSuite(t)
const { s3, bucket: Bucket, send } = suite
const put = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }))
const rename = (RenameSource: string, Key: string, more: Partial<RenameObjectCommandInput> = {}, by = s3) =>
  by.send(new RenameObjectCommand({ Bucket, RenameSource, Key, ...more }))
const head = (Key: string, more: object = {}) => s3.send(new HeadObjectCommand({ Bucket, Key, ...more }))
const read = async (Key: string, more: object = {}) =>
  await (await s3.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToString()
const isGone = (Key: string) =>
  head(Key).then(
    () => false,
    (error) => error.$metadata?.httpStatusCode === 404,
  )

t.test(
  'RenameObject: the object with all that it has, its time too, is under the other key, and only there',
  async (t) => {
    const Metadata = { colour: 'red' }
    const attributes = { ContentType: 'text/x-kept', CacheControl: 'no-store', Metadata, Tagging: 'a=b' }
    await put('dir/a b+ü.txt', { Body: bytes(300_007), ChecksumAlgorithm: 'CRC32C', ...attributes })
    const { $metadata: _before, ...before } = await head('dir/a b+ü.txt', { ChecksumMode: 'ENABLED' })
    const answer = await rename(encodeURIComponent('dir/a b+ü.txt'), 'other/b.txt')
    t.equal(answer.$metadata.httpStatusCode, 200)
    const { $metadata: _after, ...after } = await head('other/b.txt', { ChecksumMode: 'ENABLED' })
    t.same(after, before)
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'other/b.txt' }))
    t.same(tags.TagSet, [{ Key: 'a', Value: 'b' }])
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'other/b.txt' }))
    t.ok(Buffer.from(await got.Body!.transformToByteArray()).equals(bytes(300_007)))
    t.ok(await isGone('dir/a b+ü.txt'))
  },
)

t.test(
  'RenameObject: the source with a slash before it is the same; a bucket’s name before it is part of the key',
  async (t) => {
    await put('source')
    await rename('/source', 'target')
    t.equal(await read('target'), 'source')
    await refused(t, rename(`/${Bucket}/target`, 'source'), 404, 'NoSuchKey')
    await put(`${Bucket}/target`)
    await rename(`${Bucket}/target`, 'named')
    t.equal(await read('named'), `${Bucket}/target`)
    t.equal(await read('target'), 'source')
  },
)

t.test('RenameObject: what is under the target’s key is replaced; an empty object is renamed too', async (t) => {
  await put('empty', { Body: '' })
  await put('full')
  await rename('empty', 'full')
  t.equal(await read('full'), '')
  t.ok(await isGone('empty'))
})

t.test('RenameObject: conditions on the target: 412 with the header’s name, and nothing happens', async (t) => {
  const source = await put('c/source')
  const target = await put('c/target')
  const past = new Date(Date.now() - 3_600_000)
  const failing: [Key: string, Partial<RenameObjectCommandInput>, string][] = [
    ['c/target', { DestinationIfNoneMatch: '*' }, 'If-None-Match'],
    ['c/target', { DestinationIfMatch: source.ETag }, 'If-Match'],
    ['c/none', { DestinationIfMatch: target.ETag }, 'If-Match'],
    ['c/target', { DestinationIfModifiedSince: new Date() }, 'If-Modified-Since'],
    ['c/none', { DestinationIfModifiedSince: past }, 'If-Modified-Since'],
    ['c/target', { DestinationIfUnmodifiedSince: past }, 'If-Unmodified-Since'],
  ]
  for (const [Key, condition, Condition] of failing) {
    const fault = await refused(t, rename('c/source', Key, condition), 412, 'PreconditionFailed', `${Key} ${Condition}`)
    t.match(fault, { Condition })
  }
  t.same([await read('c/source'), await read('c/target')], ['c/source', 'c/target'])
  const holding = { DestinationIfMatch: target.ETag, DestinationIfModifiedSince: past }
  await rename('c/source', 'c/target', holding)
  t.equal(await read('c/target'), 'c/source')
  await rename('c/target', 'c/none', { DestinationIfNoneMatch: '*' })
  t.equal(await read('c/none'), 'c/source')
})

t.test('RenameObject: conditions on the source: 412 with the header’s name, and nothing happens', async (t) => {
  const { ETag } = await put('s/source')
  const past = new Date(Date.now() - 3_600_000)
  const failing: [Partial<RenameObjectCommandInput>, string][] = [
    [{ SourceIfMatch: '"another"' }, 'If-Match'],
    [{ SourceIfNoneMatch: ETag }, 'If-None-Match'],
    [{ SourceIfNoneMatch: '*' }, 'If-None-Match'],
    [{ SourceIfModifiedSince: new Date() }, 'If-Modified-Since'],
    [{ SourceIfUnmodifiedSince: past }, 'If-Unmodified-Since'],
  ]
  for (const [condition, name] of failing) {
    const fault = await refused(t, rename('s/source', 's/target', condition), 412, 'PreconditionFailed', name)
    t.match(fault, { Condition: `x-amz-rename-source-${name}` })
  }
  t.ok(await isGone('s/target'))
  await rename('s/source', 's/target', { SourceIfMatch: ETag, SourceIfModifiedSince: past })
  t.equal(await read('s/target'), 's/source')
})

t.test('RenameObject: no source, itself, a slash at the end, a source that is none: refused', async (t) => {
  await put('r')
  await put('folder/', { Body: 'x' })
  await refused(t, rename('missing', 'r'), 404, 'NoSuchKey')
  await refused(t, rename('r', 'r'), 400, 'InvalidRequest')
  await refused(t, rename('folder/', 'other'), 400, 'InvalidRequest')
  await refused(t, rename('r', 'other/'), 400, 'InvalidRequest')
  await refused(t, rename('a'.repeat(1025), 'r'), 400, 'KeyTooLongError')
  const wire = (headers: Record<string, string>) =>
    send({ method: 'PUT', path: `/${Bucket}/other?renameObject`, headers })
  refusedWire(t, await wire({}), 400, 'InvalidArgument', 'no source')
  refusedWire(t, await wire({ 'x-amz-rename-source': '/' }), 400, 'InvalidArgument', 'an empty source')
  refusedWire(t, await wire({ 'x-amz-rename-source': '%zz' }), 400, 'InvalidArgument', 'a bad escape')
  const token = await wire({ 'x-amz-rename-source': 'r', 'x-amz-client-token': 'x'.repeat(65) })
  refusedWire(t, token, 400, 'InvalidArgument', 'a token of 65 characters')
  const plain = await send({ method: 'PUT', path: `/${Bucket}/r`, headers: { 'x-amz-rename-source': 'folder/' } })
  refusedWire(t, plain, 501, 'NotImplemented', 'without ?renameObject it is no write')
  t.equal(await read('r'), 'r')
})

t.test('RenameObject: the same token: done once; with other parameters 400 IdempotencyParameterMismatch', async (t) => {
  await put('t/source')
  await rename('t/source', 't/target', { ClientToken: 'once' })
  await put('t/source', { Body: 'another one' })
  await rename('t/source', 't/target', { ClientToken: 'once' })
  t.same([await read('t/source'), await read('t/target')], ['another one', 't/source'])
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 't/source' }))
  await rename('t/source', 't/target', { ClientToken: 'once' })
  const other = rename('t/target', 't/third', { ClientToken: 'once' })
  await refused(t, other, 400, 'IdempotencyParameterMismatch')
  t.equal(await read('t/target'), 't/source')
})

t.test('RenameObject: an object under a customer’s key: renamed without it, and opened by it as before', async (t) => {
  await put('sse/source', customerKey(1))
  await rename('sse/source', 'sse/target')
  t.equal(await read('sse/target', customerKey(1)), 'sse/source')
  await refused(t, s3.send(new GetObjectCommand({ Bucket, Key: 'sse/target' })), 400, 'InvalidRequest')
})

t.test(
  'RenameObject: a bucket with versions: the source stays under a delete marker, the target is a new version',
  async (t) => {
    const Bucket = await suite.newBucket()
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    const put = (Key: string) => s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
    const [{ VersionId: source }, { VersionId: target }] = [await put('source'), await put('target')]
    const answer = await send({
      method: 'PUT',
      path: `/${Bucket}/target?renameObject`,
      headers: { 'x-amz-rename-source': 'source' },
    })
    t.same([answer.status, String(answer.body)], [200, ''])
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    t.same(
      Versions.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest]),
      [
        ['source', source, false],
        ['target', answer.headers['x-amz-version-id'], true],
        ['target', target, false],
      ],
    )
    t.match(DeleteMarkers, [{ Key: 'source', IsLatest: true }])
    const found = await s3.send(new GetObjectCommand({ Bucket, Key: 'target' }))
    t.equal(await found.Body!.transformToString(), 'source')
    await refused(t, rename('source', 'third', { Bucket }), 404, 'NoSuchKey', 'what is deleted cannot be renamed')
  },
)

t.test('RenameObject: an object that is held: 403, and it is where it was', async (t) => {
  const Bucket = suite.newBucketName()
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  const target = { Bucket, Key: 'held' }
  await s3.send(new PutObjectCommand({ ...target, Body: 'x', ChecksumAlgorithm: 'CRC32' }))
  await s3.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'ON' } }))
  await refused(t, rename('held', 'free', { Bucket }), 403, 'AccessDenied')
  t.equal((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length, 1)
  await s3.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: 'OFF' } }))
  await rename('held', 'free', { Bucket })
  t.ok(await s3.send(new HeadObjectCommand({ Bucket, Key: 'free' })))
})

t.test(
  'RenameObject: another account needs leave to read and delete the source, and to write the target',
  async (t) => {
    const stranger = suite.otherClient()
    const { Owner } = await stranger.send(new ListBucketsCommand({}))
    const allow = (...rules: [action: string, key: string][]) =>
      s3.send(
        new PutBucketPolicyCommand({
          Bucket,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: rules.map(([Action, key]) => ({
              Effect: 'Allow',
              Principal: { AWS: `arn:aws:iam::${Owner?.ID}:root` },
              Action,
              Resource: `arn:aws:s3:::${Bucket}/${key}`,
            })),
          }),
        }),
      )
    await put('p/source')
    const needed: [action: string, key: string][] = [
      ['s3:GetObject', 'p/source'],
      ['s3:DeleteObject', 'p/source'],
      ['s3:PutObject', 'p/target'],
    ]
    for (const missing of needed) {
      await allow(...needed.filter((each) => each !== missing))
      await refused(t, rename('p/source', 'p/target', {}, stranger), 403, 'AccessDenied', `without ${missing[0]}`)
    }
    await allow(...needed)
    await refused(
      t,
      rename('p/missing', 'p/target', {}, stranger),
      403,
      'AccessDenied',
      'nor does it learn what is there',
    )
    await rename('p/source', 'p/target', { ClientToken: 'p' }, stranger)
    await rename('p/source', 'p/target', { ClientToken: 'p' }, stranger)
    t.equal(await read('p/target'), 'p/source')
  },
)

t.test(
  'RenameObject: a hundred at once: of one source one gets it; for one target with If-None-Match one gets it',
  async (t) => {
    await put('race/source')
    const outcomes = async (calls: Promise<unknown>[]) => {
      const settled = await Promise.allSettled(calls)
      return Object.fromEntries(
        Map.groupBy(settled, (each) => (each.status === 'fulfilled' ? 'ok' : each.reason.name))
          .entries()
          .map(([name, all]) => [name, all.length]),
      )
    }
    const numbers = Array.from({ length: 100 }, (_, n) => n)
    t.same(await outcomes(numbers.map((n) => rename('race/source', `race/to/${n}`))), { ok: 1, NoSuchKey: 99 })
    await Promise.all(numbers.map((n) => put(`race/from/${n}`)))
    const forOne = numbers.map((n) => rename(`race/from/${n}`, 'race/target', { DestinationIfNoneMatch: '*' }))
    t.same(await outcomes(forOne), { ok: 1, PreconditionFailed: 99 })
    const won = /\d+$/.exec(await read('race/target'))?.[0]
    t.same(
      (await Promise.all(numbers.map((n) => isGone(`race/from/${n}`)))).flatMap((gone, n) => (gone ? [String(n)] : [])),
      [won],
      'the one that is gone is the one that is there',
    )
  },
)

t.test('RenameObject: a bucket that is not there: 404 NoSuchBucket', async (t) => {
  const path = `/${suite.newBucketName()}/b?renameObject`
  const answer = await send({ method: 'PUT', path, headers: { 'x-amz-rename-source': 'a' } })
  t.same([answer.status, element(answer.body, 'Code')], [404, 'NoSuchBucket'])
})
