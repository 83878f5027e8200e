import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3, statusOf } from '../support/s3-server.ts'

t.test('CreateBucket, HeadBucket, GetBucketLocation, DeleteBucket', async (t) => {
  await using s3 = await startS3()
  const Bucket = 'bucket'
  t.equal((await s3.client.send(new CreateBucketCommand({ Bucket }))).Location, '/bucket')
  t.match(await s3.client.send(new HeadBucketCommand({ Bucket })), {
    BucketRegion: 'us-east-1',
    AccessPointAlias: false,
  })
  t.equal((await s3.client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, undefined)
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }))
  await t.rejects(s3.client.send(new DeleteBucketCommand({ Bucket })), { name: 'BucketNotEmpty' })
  s3.engine.buckets.get(Bucket)!.objects.clear()
  t.equal((await s3.client.send(new DeleteBucketCommand({ Bucket }))).$metadata.httpStatusCode, 204)
  await t.rejects(s3.client.send(new DeleteBucketCommand({ Bucket })), { name: 'NoSuchBucket' })
  t.equal(await statusOf(s3.client.send(new HeadBucketCommand({ Bucket }))), 404)
})

t.test("CreateBucket: one's own again is fine in us-east-1, and 409 elsewhere; another's is 409", async (t) => {
  const Bucket = 'bucket'
  await using east = await startS3()
  await east.client.send(new CreateBucketCommand({ Bucket }))
  await east.client.send(new CreateBucketCommand({ Bucket }))
  await t.rejects(east.other.send(new CreateBucketCommand({ Bucket })), {
    name: 'BucketAlreadyExists',
    $metadata: { httpStatusCode: 409 },
  })
  await using west = await startS3({ settings: { region: 'eu-west-1' } })
  const create = (LocationConstraint: string) =>
    new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: LocationConstraint as 'EU' } })
  await west.client.send(create('eu-west-1'))
  await t.rejects(west.client.send(create('EU')), { name: 'BucketAlreadyOwnedByYou' })
  t.equal((await west.client.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, 'eu-west-1')
})

t.test('CreateBucket: only the region of the store will do', async (t) => {
  await using east = await startS3()
  const create = (LocationConstraint: string) =>
    new CreateBucketCommand({
      Bucket: 'bucket',
      CreateBucketConfiguration: { LocationConstraint: LocationConstraint as 'EU' },
    })
  await t.rejects(east.client.send(create('eu-west-1')), { name: 'IllegalLocationConstraintException' })
  await t.rejects(east.client.send(create('us-east-1')), { name: 'InvalidLocationConstraint' })
  await using west = await startS3({ settings: { region: 'eu-west-1' } })
  const connection = await west.raw()
  connection.send(west.head('PUT', '/bucket', { 'Content-Length': '0' }))
  t.match((await connection.answer()).body, '<Code>IllegalLocationConstraintException</Code>')
})

t.test('CreateBucket: bad names and bad documents are refused', async (t) => {
  await using s3 = await startS3()
  for (const name of ['Upper', 'a', 'a..b', '1.2.3.4', 'xn--a', 'under_score', 'x'.repeat(64)]) {
    const connection = await s3.raw()
    connection.send(s3.head('PUT', `/${name}`, { 'Content-Length': '0' }))
    const answer = await connection.answer()
    t.equal(answer.status, 400, name)
    t.match(answer.body, '<Code>InvalidBucketName</Code>')
  }
  for (const body of ['<CreateBucketConfiguration>', '<Other/>', '<!DOCTYPE a><CreateBucketConfiguration/>', 'x']) {
    const connection = await s3.raw()
    connection.send(s3.head('PUT', '/bucket', { 'Content-Length': String(body.length) }))
    connection.send(body)
    t.match((await connection.answer()).body, '<Code>MalformedXML</Code>', body)
  }
  t.equal(s3.engine.buckets.size, 0)
})

t.test("ListBuckets: one's own, in pages, by prefix", async (t) => {
  await using s3 = await startS3()
  for (const Bucket of ['bbb', 'aaa', 'aab']) await s3.client.send(new CreateBucketCommand({ Bucket }))
  await s3.other.send(new CreateBucketCommand({ Bucket: 'aac' }))
  const names = async (input: NonNullable<ConstructorParameters<typeof ListBucketsCommand>[0]>) => {
    const { Buckets = [], ...rest } = await s3.client.send(new ListBucketsCommand(input))
    return {
      names: Buckets.map((bucket) => bucket.Name),
      ...rest,
      regions: Buckets.map((bucket) => bucket.BucketRegion),
    }
  }
  const all = await names({})
  t.same(all.names, ['aaa', 'aab', 'bbb'])
  t.same(all.regions, [undefined, undefined, undefined])
  t.match(all.Owner, { ID: s3.key.account.id, DisplayName: 'root' })
  const first = await names({ MaxBuckets: 2 })
  t.same(first.names, ['aaa', 'aab'])
  t.same(first.regions, ['us-east-1', 'us-east-1'])
  t.ok(first.ContinuationToken)
  const second = await names({ MaxBuckets: 2, ContinuationToken: first.ContinuationToken! })
  t.same(second.names, ['bbb'])
  t.equal(second.ContinuationToken, undefined)
  t.same((await names({ Prefix: 'aa' })).names, ['aaa', 'aab'])
  t.same((await names({ BucketRegion: 'eu-west-1' })).names, [])
  await t.rejects(names({ ContinuationToken: '%%%' }), { name: 'InvalidArgument' })
})

t.test('a bucket belongs to its account: all others are denied, strangers first of all', async (t) => {
  await using s3 = await startS3()
  const Bucket = 'bucket'
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  t.equal(await statusOf(s3.other.send(new HeadBucketCommand({ Bucket }))), 403)
  await t.rejects(s3.other.send(new DeleteBucketCommand({ Bucket })), { name: 'AccessDenied' })
  for (const [path, status] of [
    ['/bucket', 403],
    ['/bucket/key', 403],
    ['/', 403],
    ['/nobody', 404],
  ] as const) {
    t.equal((await fetch(s3.endpoint + path)).status, status, path)
  }
  const owner = (ExpectedBucketOwner: string) => new HeadBucketCommand({ Bucket, ExpectedBucketOwner })
  await s3.client.send(owner(s3.key.account.id))
  t.equal(await statusOf(s3.client.send(owner(s3.otherKey.account.id))), 403)
})

t.test('virtual-host style names the same bucket', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  const connection = await s3.raw()
  connection.send(['GET /health HTTP/1.1', 'Host: bucket.s3.test'])
  const answer = await connection.answer()
  t.equal(answer.status, 403, 'and there, health is a key')
  t.match(answer.body, '<Resource>/health</Resource>')
})
