import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type Tag,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite

const object = { Bucket: bucket, Key: 'object' }
const tagsOf = async (target: { Bucket: string; Key: string; VersionId?: string | undefined } = object) =>
  (await s3.send(new GetObjectTaggingCommand(target))).TagSet
const put = (TagSet: Tag[], target: { Bucket: string; Key: string; VersionId?: string | undefined } = object) =>
  s3.send(new PutObjectTaggingCommand({ ...target, Tagging: { TagSet } }))
const many = (count: number): Tag[] => Array.from({ length: count }, (_, i) => ({ Key: `key-${i}`, Value: `${i}` }))
const tag = (Key: string, Value: string): Tag => ({ Key, Value })

await s3.send(new PutObjectCommand({ ...object, Body: 'tagged' }))

t.test('GetObjectTagging: never tagged: an empty set, and no count with the object', async (t) => {
  t.same(await tagsOf(), [])
  t.equal((await s3.send(new HeadObjectCommand(object))).TagCount, undefined)
})

t.test(
  'PutObjectTagging: ten tags: kept in their order, counted by GET and HEAD, and Last-Modified stays',
  async (t) => {
    const before = await send({ method: 'HEAD', path: `/${bucket}/object` })
    const tags = [
      tag('z', '1'),
      tag('a b+c-d=e.f_g:h/i@j', '2 + 2 = 4'),
      tag('empty', ''),
      tag('größe', '文字'),
      ...many(6),
    ]
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    t.equal((await put(tags)).$metadata.httpStatusCode, 200)
    t.same(await tagsOf(), tags)
    for (const method of ['GET', 'HEAD']) {
      const answer = await send({ method, path: `/${bucket}/object` })
      t.equal(answer.headers['x-amz-tagging-count'], '10', method)
      t.equal(answer.headers['last-modified'], before.headers['last-modified'])
      t.equal(answer.headers.etag, before.headers.etag)
    }
    await put([tag('only', 'one')])
    t.same(await tagsOf(), [tag('only', 'one')], 'another set replaces the first')
  },
)

t.test('DeleteObjectTagging: 204, and none are left; again 204', async (t) => {
  await put(many(2))
  const remove = () => s3.send(new DeleteObjectTaggingCommand(object))
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  t.same(await tagsOf(), [])
  t.equal((await s3.send(new HeadObjectCommand(object))).TagCount, undefined)
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  await put([])
  t.same(await tagsOf(), [], 'an empty set is none')
})

t.test(
  'PutObjectTagging: more or longer than S3 allows, twice the same, S3’s own: refused, and nothing changes',
  async (t) => {
    await put([tag('kept', 'yes')])
    await refused(t, put(many(11)), 400, 'BadRequest', 'eleven')
    const bad: Record<string, Tag[]> = {
      'a key of 129': [tag('k'.repeat(129), '')],
      'a value of 257': [tag('k', 'v'.repeat(257))],
      'no key': [tag('', 'v')],
      'a character that is not allowed': [tag('k', 'a,b')],
      'a key twice': [tag('k', '1'), tag('k', '2')],
      'a key of the system’s': [tag('aws:cost', '1')],
    }
    for (const [what, tags] of Object.entries(bad)) await refused(t, put(tags), 400, 'InvalidTag', what)
    await put([tag('k'.repeat(128), 'v'.repeat(256))])
    await put([tag('kept', 'yes')])
    t.same(await tagsOf(), [tag('kept', 'yes')])
  },
)

t.test('PutObjectTagging: what is no document of tags: MalformedXML; none at all: refused', async (t) => {
  const path = `/${bucket}/object?tagging`
  const documents = [
    '<Tagging><TagSet>',
    '<Tagging></Tagging>',
    '<Tags><TagSet/></Tags>',
    '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
  ]
  for (const body of documents) refusedWire(t, await send({ method: 'PUT', path, body }), 400, 'MalformedXML', body)
  t.equal((await send({ method: 'PUT', path, body: '' })).status, 400)
  const bare = '<Tagging><TagSet><Tag><Key>bare</Key><Value>yes</Value></Tag></TagSet></Tagging>'
  t.equal((await send({ method: 'PUT', path, body: bare })).status, 200, 'without namespace and declaration')
  t.same(await tagsOf(), [tag('bare', 'yes')])
})

t.test('PutObject: with x-amz-tagging: tagged from the start; overwritten without: none', async (t) => {
  const target = { Bucket: bucket, Key: 'put' }
  await s3.send(new PutObjectCommand({ ...target, Body: 'x', Tagging: 'b=2&a=1&c&d=%2B+e%3D' }))
  t.same(await tagsOf(target), [tag('b', '2'), tag('a', '1'), tag('c', ''), tag('d', '+ e=')])
  t.equal((await s3.send(new GetObjectCommand(target))).TagCount, 4)
  await s3.send(new PutObjectCommand({ ...target, Body: 'y' }))
  t.same(await tagsOf(target), [])
})

t.test('PutObject: x-amz-tagging that is wrong: refused, and nothing is stored', async (t) => {
  const eleven = many(11)
    .map(({ Key }) => `${Key}=`)
    .join('&')
  const wrong: [header: string, code: string][] = [
    ['a=1&a=2', 'InvalidArgument'],
    ['=1', 'InvalidArgument'],
    ['a=%FF', 'InvalidArgument'],
    [eleven, 'BadRequest'],
    ['a,b=1', 'InvalidTag'],
    ['aws:x=1', 'InvalidTag'],
  ]
  const path = `/${bucket}/refused`
  for (const [header, code] of wrong) {
    const answer = await send({ method: 'PUT', path, body: 'x', headers: { 'x-amz-tagging': header } })
    refusedWire(t, answer, 400, code, header)
  }
  t.equal((await send({ method: 'HEAD', path })).status, 404)
})

t.test('CreateMultipartUpload: with x-amz-tagging: the object gets the tags', async (t) => {
  const target = { Bucket: bucket, Key: 'multipart' }
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, Tagging: 'of=upload' }))
  const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'x' }))
  const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] }
  await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }))
  t.same(await tagsOf(target), [tag('of', 'upload')])
})

t.test('CopyObject: tags go along; with the directive REPLACE those of the header take their place', async (t) => {
  await put([tag('from', 'source'), tag('a', '1')])
  const CopySource = `${bucket}/object`
  const target = { Bucket: bucket, Key: 'copy' }
  await s3.send(new CopyObjectCommand({ ...target, CopySource }))
  t.same(await tagsOf(target), [tag('from', 'source'), tag('a', '1')])
  await s3.send(
    new CopyObjectCommand({ ...target, CopySource, TaggingDirective: 'COPY', MetadataDirective: 'REPLACE' }),
  )
  t.same(await tagsOf(target), [tag('from', 'source'), tag('a', '1')], 'metadata is another matter')
  await s3.send(new CopyObjectCommand({ ...target, CopySource, TaggingDirective: 'REPLACE', Tagging: 'own=tag' }))
  t.same(await tagsOf(target), [tag('own', 'tag')])
  await s3.send(new CopyObjectCommand({ ...target, CopySource, TaggingDirective: 'REPLACE' }))
  t.same(await tagsOf(target), [])
  const headers = { 'x-amz-copy-source': CopySource, 'x-amz-tagging-directive': 'MERGE' }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}/copy`, headers }), 400, 'InvalidArgument')
})

t.test('Put-, Get-, DeleteObjectTagging: what is not there: 404; of another account: 403', async (t) => {
  const missing = { Bucket: bucket, Key: 'missing' }
  await refused(t, put(many(1), missing), 404, 'NoSuchKey')
  await refused(t, tagsOf(missing), 404, 'NoSuchKey')
  await refused(t, s3.send(new DeleteObjectTaggingCommand(missing)), 404, 'NoSuchKey')
  const path = `/${suite.newBucketName()}/object?tagging`
  refusedWire(t, await send({ method: 'GET', path }), 404, 'NoSuchBucket')
  const stranger = suite.otherClient()
  await refused(t, stranger.send(new GetObjectTaggingCommand(object)), 403, 'AccessDenied')
  await refused(t, stranger.send(new DeleteObjectTaggingCommand(object)), 403, 'AccessDenied')
})

t.test('Put-, Get-, DeleteObjectTagging: by version: each has its own, and the answers name it', async (t) => {
  const Bucket = await suite.newBucket()
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const target = { Bucket, Key: 'k' }
  const write = async (Tagging: string) =>
    (await s3.send(new PutObjectCommand({ ...target, Body: 'x', Tagging }))).VersionId
  const [first, second] = [await write('n=1'), await write('n=2')]
  t.same(await tagsOf({ ...target, VersionId: first }), [tag('n', '1')])
  const tagged = await put([tag('n', 'one')], { ...target, VersionId: first })
  t.equal(tagged.VersionId, first)
  t.same(await tagsOf({ ...target, VersionId: first }), [tag('n', 'one')])
  const latest = await s3.send(new GetObjectTaggingCommand(target))
  t.match(latest, { VersionId: second, TagSet: [tag('n', '2')] })
  const removed = await s3.send(new DeleteObjectTaggingCommand({ ...target, VersionId: first }))
  t.equal(removed.VersionId, first)
  t.same(await tagsOf({ ...target, VersionId: first }), [])
  t.same(await tagsOf(target), [tag('n', '2')])
  const copied = await s3.send(
    new CopyObjectCommand({ ...target, Key: 'copy', CopySource: `${Bucket}/k?versionId=${second}` }),
  )
  t.ok(copied.VersionId)
  t.same(await tagsOf({ Bucket, Key: 'copy' }), [tag('n', '2')])

  const { VersionId: marker } = await s3.send(new DeleteObjectCommand(target))
  await refused(t, tagsOf(target), 404, 'NoSuchKey', 'behind a delete marker')
  const onMarker = await send({ method: 'GET', path: `/${Bucket}/k?tagging&versionId=${marker}` })
  t.same([onMarker.status, element(onMarker.body, 'Code')], [405, 'MethodNotAllowed'], 'on a delete marker')
  t.same(await tagsOf({ ...target, VersionId: second }), [tag('n', '2')])
})
