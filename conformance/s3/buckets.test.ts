import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite

t.test('CreateBucket: a new name: 200 with Location, and it is listed, found and empty', async (t) => {
  const name = suite.newBucketName()
  const made = await s3.send(new CreateBucketCommand({ Bucket: name }))
  t.equal(made.$metadata.httpStatusCode, 200)
  t.equal(made.Location, `/${name}`)
  const listed = (await s3.send(new ListBucketsCommand({}))).Buckets?.find(({ Name }) => Name === name)
  t.ok(listed?.CreationDate instanceof Date, 'has a creation date')
  t.ok(Math.abs(listed!.CreationDate!.getTime() - Date.now()) < 60_000, 'which is now')
  t.equal((await s3.send(new HeadBucketCommand({ Bucket: name }))).$metadata.httpStatusCode, 200)
})

t.test('CreateBucket: one’s own bucket again: 200 or BucketAlreadyOwnedByYou, and the contents stay', async (t) => {
  const name = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'kept', Body: 'x' }))
  const again = await send({ method: 'PUT', path: `/${name}` })
  if (again.status !== 200) refusedWire(t, again, 409, 'BucketAlreadyOwnedByYou')
  const listing = await send({ method: 'GET', path: `/${name}?list-type=2` })
  t.equal(element(listing.body, 'KeyCount'), '1')
})

t.test('CreateBucket: with a trailing slash in the path, as the SDK for JavaScript sends: made', async (t) => {
  const name = suite.newBucketName()
  t.equal((await send({ method: 'PUT', path: `/${name}/` })).status, 200)
  t.equal((await send({ method: 'HEAD', path: `/${name}/` })).status, 200)
})

t.test('CreateBucket: names against the rules: InvalidBucketName, and nothing is made', async (t) => {
  const wrong = ['ab', 'a'.repeat(64), 'has_underscore', 'two..dots', '-begins', 'ends-', '192.168.5.4', 'Upper']
  wrong.push('xn--reserved', 'reserved-s3alias', '.begins', 'ends.')
  for (const name of wrong) {
    const answer = await send({ method: 'PUT', path: `/${name}` })
    refusedWire(t, answer, 400, 'InvalidBucketName', name)
  }
})

t.test('CreateBucket: shortest, longest, digits and dots: made', async (t) => {
  const stem = suite.newBucketName().slice(-8)
  for (const name of [`${stem}`.slice(0, 3), stem.padEnd(63, 'z'), `9.${stem}.a-b`]) {
    t.equal((await send({ method: 'PUT', path: `/${name}` })).status, 200, name)
    t.equal((await send({ method: 'DELETE', path: `/${name}` })).status, 204, name)
  }
})

t.test('CreateBucket: a region that is not here: 400, and nothing is made', async (t) => {
  const name = suite.newBucketName()
  const body =
    '<CreateBucketConfiguration><LocationConstraint>mars-north-1</LocationConstraint></CreateBucketConfiguration>'
  const answer = await send({ method: 'PUT', path: `/${name}`, body })
  refusedWire(t, answer, 400, /^(InvalidLocationConstraint|IllegalLocationConstraintException)$/)
  t.equal((await send({ method: 'HEAD', path: `/${name}` })).status, 404)
})

t.test('CreateBucket: a body that is no XML: MalformedXML', async (t) => {
  const answer = await send({ method: 'PUT', path: `/${suite.newBucketName()}`, body: '<CreateBucketConfiguration' })
  refusedWire(t, answer, 400, 'MalformedXML')
})

t.test('HeadBucket: there: 200 and its region; not there: 404 without a body', async (t) => {
  const found = await s3.send(new HeadBucketCommand({ Bucket: bucket }))
  t.equal(found.BucketRegion, suite.target.region)
  await refused(t, s3.send(new HeadBucketCommand({ Bucket: suite.newBucketName() })), 404, 'NotFound')
})

t.test('GetBucketLocation: in us-east-1: an empty LocationConstraint', async (t) => {
  const answer = await s3.send(new GetBucketLocationCommand({ Bucket: bucket }))
  const region = suite.target.region === 'us-east-1' ? undefined : suite.target.region
  t.equal(answer.LocationConstraint || undefined, region)
  const wire = await send({ method: 'GET', path: `/${bucket}?location` })
  t.match(String(wire.body), /<LocationConstraint\b/)
  t.equal((await send({ method: 'GET', path: `/${bucket}?location=` })).status, 200, 'also as ?location=')
  await refused(t, s3.send(new GetBucketLocationCommand({ Bucket: suite.newBucketName() })), 404, 'NoSuchBucket')
})

t.test('ListBuckets: several: sorted by name, with the owner', async (t) => {
  const made = [await suite.newBucket(), await suite.newBucket(), bucket].sort()
  const answer = await s3.send(new ListBucketsCommand({}))
  const names = (answer.Buckets ?? []).map(({ Name }) => Name!)
  t.same(names, [...names].sort(), 'sorted')
  t.same(
    names.filter((name) => made.includes(name)),
    made,
  )
  t.ok(answer.Owner?.ID, 'owner id')
})

t.test('ListBuckets: prefix and max-buckets: pages that together hold each once', async (t) => {
  const stem = suite.newBucketName().slice(0, 14)
  const made = ['a', 'b', 'c'].map((end) => `${stem}-${end}`)
  for (const name of made) await s3.send(new CreateBucketCommand({ Bucket: name }))
  t.teardown(async () => {
    for (const name of made) await s3.send(new DeleteBucketCommand({ Bucket: name }))
  })
  const first = await s3.send(new ListBucketsCommand({ Prefix: stem, MaxBuckets: 2 }))
  t.same(
    first.Buckets?.map(({ Name }) => Name),
    made.slice(0, 2),
  )
  t.equal(first.Prefix, stem)
  t.ok(first.ContinuationToken)
  const last = await s3.send(
    new ListBucketsCommand({ Prefix: stem, MaxBuckets: 2, ContinuationToken: first.ContinuationToken }),
  )
  t.same(
    last.Buckets?.map(({ Name }) => Name),
    made.slice(2),
  )
  t.notOk(last.ContinuationToken)
})

t.test('DeleteBucket: empty: 204 and gone; again: NoSuchBucket', async (t) => {
  const name = await suite.newBucket()
  t.equal((await s3.send(new DeleteBucketCommand({ Bucket: name }))).$metadata.httpStatusCode, 204)
  await refused(t, s3.send(new HeadBucketCommand({ Bucket: name })), 404, 'NotFound')
  await refused(t, s3.send(new DeleteBucketCommand({ Bucket: name })), 404, 'NoSuchBucket')
})

t.test('DeleteBucket: with an object in it: 409 BucketNotEmpty, and the object stays', async (t) => {
  const name = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'one', Body: 'x' }))
  await refused(t, s3.send(new DeleteBucketCommand({ Bucket: name })), 409, 'BucketNotEmpty')
  t.equal((await send({ method: 'HEAD', path: `/${name}/one` })).status, 200)
})

t.test('PutObject: into a bucket that is not there: NoSuchBucket, named in the error', async (t) => {
  const name = suite.newBucketName()
  const answer = await send({ method: 'PUT', path: `/${name}/key`, body: 'x' })
  refusedWire(t, answer, 404, 'NoSuchBucket')
  t.equal(element(answer.body, 'BucketName'), name)
})
