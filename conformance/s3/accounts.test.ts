import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

/** Two accounts and a caller without any: what belongs to one is closed to the others. */
const suite = await openSuite(t)
const { s3, bucket, send, target } = suite
const stranger = suite.otherClient()
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'own', Body: 'mine' }))
const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'upload' }))
const part = await s3.send(
  new UploadPartCommand({ Bucket: bucket, Key: 'upload', UploadId: upload.UploadId, PartNumber: 1, Body: 'x' }),
)
const named = { Bucket: bucket, Key: 'upload', UploadId: upload.UploadId }
const object = { Bucket: bucket, Key: 'own' }

/** Every operation on somebody's bucket. `guard`: what goes with each (an expected owner). */
const operations = (guard: { ExpectedBucketOwner?: string } = {}) => ({
  GetBucketLocation: new GetBucketLocationCommand({ Bucket: bucket, ...guard }),
  ListObjects: new ListObjectsCommand({ Bucket: bucket, ...guard }),
  ListObjectsV2: new ListObjectsV2Command({ Bucket: bucket, ...guard }),
  ListMultipartUploads: new ListMultipartUploadsCommand({ Bucket: bucket, ...guard }),
  ListParts: new ListPartsCommand({ ...named, ...guard }),
  GetObject: new GetObjectCommand({ ...object, ...guard }),
  PutObject: new PutObjectCommand({ Bucket: bucket, Key: 'planted', Body: 'x', ...guard }),
  CopyObject: new CopyObjectCommand({ Bucket: bucket, Key: 'planted', CopySource: `${bucket}/own`, ...guard }),
  CreateMultipartUpload: new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'planted', ...guard }),
  UploadPart: new UploadPartCommand({ ...named, PartNumber: 2, Body: 'x', ...guard }),
  UploadPartCopy: new UploadPartCopyCommand({ ...named, PartNumber: 3, CopySource: `${bucket}/own`, ...guard }),
  CompleteMultipartUpload: new CompleteMultipartUploadCommand({
    ...named,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
    ...guard,
  }),
  AbortMultipartUpload: new AbortMultipartUploadCommand({ ...named, ...guard }),
  DeleteObject: new DeleteObjectCommand({ ...object, ...guard }),
  DeleteObjects: new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'own' }] }, ...guard }),
  DeleteBucket: new DeleteBucketCommand({ Bucket: bucket, ...guard }),
})

async function untouched(t: Test): Promise<void> {
  const got = await s3.send(new GetObjectCommand(object))
  t.equal(await got.Body!.transformToString(), 'mine', 'the object is untouched')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/planted` })).status, 404, 'nothing was planted')
  const parts = await s3.send(new ListPartsCommand(named))
  t.same(
    parts.Parts?.map(({ PartNumber }) => PartNumber),
    [1],
    'the upload is untouched',
  )
}

t.test('every operation: on another account’s bucket: 403 AccessDenied, and nothing changes', async (t) => {
  for (const [name, command] of Object.entries(operations()))
    if (name !== 'DeleteObjects')
      await refused(t, stranger.send(command as GetObjectCommand), 403, 'AccessDenied', name)
  const some = await stranger.send(operations().DeleteObjects).catch((error) => error)
  t.ok(
    some.name === 'AccessDenied' || some.Errors?.[0]?.Code === 'AccessDenied',
    'DeleteObjects: denied as a whole or key by key',
  )
  await untouched(t)
})

t.test('HeadBucket, HeadObject: on another account’s bucket: 403 without a body', async (t) => {
  for (const path of [`/${bucket}`, `/${bucket}/own`, `/${bucket}/never`]) {
    const answer = await send({ method: 'HEAD', path, credentials: suite.other() })
    t.same([answer.status, answer.body.length], [403, 0], path)
  }
})

t.test(
  'GetObject: a missing key of another account’s bucket: 403, not 404: who may not list may not know (quirk 34)',
  async (t) => {
    await refused(t, stranger.send(new GetObjectCommand({ Bucket: bucket, Key: 'never' })), 403, 'AccessDenied')
  },
)

t.test(
  'every operation: with the wrong x-amz-expected-bucket-owner: 403 AccessDenied, and nothing changes (quirk 24)',
  async (t) => {
    for (const [name, command] of Object.entries(operations({ ExpectedBucketOwner: '111122223333' })))
      await refused(t, s3.send(command as GetObjectCommand), 403, 'AccessDenied', name)
    const source = { CopySource: `${bucket}/own`, ExpectedSourceBucketOwner: '111122223333' }
    await refused(t, s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'planted', ...source })), 403, 'AccessDenied')
    await refused(t, s3.send(new UploadPartCopyCommand({ ...named, PartNumber: 3, ...source })), 403, 'AccessDenied')
    await untouched(t)
  },
)

t.test('HeadObject: with the right x-amz-expected-bucket-owner: 200', async (t) => {
  const { Owner } = await s3.send(new ListBucketsCommand({}))
  const head = await s3.send(new HeadObjectCommand({ ...object, ExpectedBucketOwner: Owner!.ID! }))
  t.equal(head.$metadata.httpStatusCode, 200)
})

t.test('CreateBucket: a name that another account has: 409 BucketAlreadyExists', async (t) => {
  await refused(t, stranger.send(new CreateBucketCommand({ Bucket: bucket })), 409, 'BucketAlreadyExists')
})

t.test('ListBuckets: each account sees its own alone', async (t) => {
  const name = suite.newBucketName()
  await stranger.send(new CreateBucketCommand({ Bucket: name }))
  t.teardown(() => stranger.send(new DeleteBucketCommand({ Bucket: name })).catch(() => {}))
  const [mine, theirs] = [await s3.send(new ListBucketsCommand({})), await stranger.send(new ListBucketsCommand({}))]
  t.ok(mine.Buckets?.some(({ Name }) => Name === bucket))
  t.notOk(mine.Buckets?.some(({ Name }) => Name === name))
  t.notOk(theirs.Buckets?.some(({ Name }) => Name === bucket))
  t.ok(theirs.Buckets?.some(({ Name }) => Name === name))
  t.not(mine.Owner?.ID, theirs.Owner?.ID)
  await refused(
    t,
    s3.send(new ListObjectsV2Command({ Bucket: name })),
    403,
    'AccessDenied',
    'nor does the owner of one see into the other',
  )
})

t.test(
  'CopyObject, UploadPartCopy: from another account’s bucket into one’s own: 403, nothing copied (attack)',
  async (t) => {
    const name = suite.newBucketName()
    await stranger.send(new CreateBucketCommand({ Bucket: name }))
    const stolen = { Bucket: name, Key: 'stolen' }
    const CopySource = `${bucket}/own`
    await refused(t, stranger.send(new CopyObjectCommand({ ...stolen, CopySource })), 403, 'AccessDenied')
    const { UploadId } = await stranger.send(new CreateMultipartUploadCommand(stolen))
    const copy = new UploadPartCopyCommand({ ...stolen, UploadId, PartNumber: 1, CopySource })
    await refused(t, stranger.send(copy), 403, 'AccessDenied')
    t.equal((await stranger.send(new ListPartsCommand({ ...stolen, UploadId }))).Parts, undefined)
    await stranger.send(new AbortMultipartUploadCommand({ ...stolen, UploadId }))
    await stranger.send(new DeleteBucketCommand({ Bucket: name }))
  },
)

const anonymous = (method: string, path: string, body?: string) =>
  exchange(target.endpoint, {
    method,
    path,
    headers: [
      ['Host', target.endpoint.host],
      ...(body === undefined ? [] : [['Content-Length', String(body.length)] as const]),
    ],
    body: body === undefined ? [] : [Buffer.from(body)],
  })

t.test('every operation: without any credentials: 403 AccessDenied, and nothing changes', async (t) => {
  const xml = '<Delete><Object><Key>own</Key></Object></Delete>'
  const calls: [method: string, path: string, body?: string][] = [
    ['GET', '/'],
    ['PUT', `/${suite.newBucketName()}`, ''],
    ['GET', `/${bucket}`],
    ['GET', `/${bucket}?list-type=2`],
    ['GET', `/${bucket}?uploads`],
    ['GET', `/${bucket}?location`],
    ['GET', `/${bucket}/own`],
    ['GET', `/${bucket}/never`],
    ['PUT', `/${bucket}/planted`, 'x'],
    ['POST', `/${bucket}/planted?uploads`, ''],
    ['PUT', `/${bucket}/upload?partNumber=2&uploadId=${upload.UploadId}`, 'x'],
    ['GET', `/${bucket}/upload?uploadId=${upload.UploadId}`],
    ['DELETE', `/${bucket}/upload?uploadId=${upload.UploadId}`],
    ['DELETE', `/${bucket}/own`],
    ['POST', `/${bucket}?delete`, xml],
    ['DELETE', `/${bucket}`],
  ]
  for (const [method, path, body] of calls) {
    const answer = await anonymous(method, path, body)
    refusedWire(t, answer, 403, 'AccessDenied', `${method} ${path}`)
  }
  t.same((await anonymous('HEAD', `/${bucket}/own`)).status, 403)
  await untouched(t)
})
