import {
  CreateBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
  type Tag,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const put = (TagSet: Tag[], Bucket = bucket) => s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
const get = async (Bucket = bucket) => (await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet

t.test('PutBucketTagging: tags of any script: kept in their order, and replaced whole', async (t) => {
  const tags = [
    { Key: 'z', Value: 'last in the alphabet' },
    { Key: 'ключ', Value: 'значение' },
    { Key: 'कुंजी', Value: '値' },
    { Key: 'empty', Value: '' },
    { Key: '+ - = . _ : / @', Value: '+ - = . _ : / @' },
  ]
  t.equal((await put(tags)).$metadata.httpStatusCode, 204)
  t.same(await get(), tags)
  await put([{ Key: 'one', Value: '1' }])
  t.same(await get(), [{ Key: 'one', Value: '1' }])
})

t.test('GetBucketTagging: never put, or deleted: 404 NoSuchTagSet; DeleteBucketTagging: 204 always', async (t) => {
  const name = await suite.newBucket()
  await refused(t, get(name), 404, 'NoSuchTagSet')
  await put([{ Key: 'k', Value: 'v' }], name)
  for (let i = 0; i < 2; i++) {
    t.equal((await s3.send(new DeleteBucketTaggingCommand({ Bucket: name }))).$metadata.httpStatusCode, 204)
    await refused(t, get(name), 404, 'NoSuchTagSet')
  }
})

t.test('PutBucketTagging: against the rules: refused by S3’s codes, and what was there stays (quirk 32)', async (t) => {
  await put([{ Key: 'kept', Value: 'v' }])
  const invalid: [string, Tag[]][] = [
    ['no key', [{ Key: '', Value: 'v' }]],
    ['a key of 129', [{ Key: 'k'.repeat(129), Value: 'v' }]],
    ['a value of 257', [{ Key: 'k', Value: 'v'.repeat(257) }]],
    ['a character that is not allowed', [{ Key: 'k?', Value: 'v' }]],
    ['a system’s key', [{ Key: 'aws:k', Value: 'v' }]],
    [
      'a key twice',
      [
        { Key: 'k', Value: '1' },
        { Key: 'k', Value: '2' },
      ],
    ],
  ]
  for (const [what, tags] of invalid) await refused(t, put(tags), 400, 'InvalidTag', what)
  const fifty = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: '' }))
  await refused(t, put([...fifty, { Key: 'one more', Value: '' }]), 400, 'BadRequest', '51 tags')
  for (const body of ['<Tagging/>', '<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>', '<Tagging>']) {
    const headers = { 'Content-MD5': md5Base64(Buffer.from(body)) }
    refusedWire(t, await send({ method: 'PUT', path: `/${bucket}?tagging`, body, headers }), 400, 'MalformedXML', body)
  }
  t.same(await get(), [{ Key: 'kept', Value: 'v' }])
  await put(fifty)
  t.same(await get(), fifty)
  await put([])
  t.same((await get()) ?? [], [])
})

t.test('CreateBucket: with tags: they are there; with tags that are none: InvalidTag, and no bucket', async (t) => {
  const tagged = (Bucket: string, Tags: Tag[]) =>
    s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { Tags } }))
  const name = suite.newBucketName()
  const tags = [
    { Key: 'b', Value: '1' },
    { Key: 'a', Value: '2' },
  ]
  await tagged(name, tags)
  t.same(await get(name), tags)
  const refusedName = suite.newBucketName()
  await refused(t, tagged(refusedName, [{ Key: 'aws:x', Value: '' }]), 400, 'InvalidTag')
  t.equal((await send({ method: 'HEAD', path: `/${refusedName}` })).status, 404)
})

t.test('PutBucketTagging, GetBucketTagging, DeleteBucketTagging: of another account: 403', async (t) => {
  const other = suite.otherClient()
  const Tagging = { TagSet: [{ Key: 'k', Value: 'v' }] }
  await refused(t, other.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging })), 403, 'AccessDenied')
  await refused(t, other.send(new GetBucketTaggingCommand({ Bucket: bucket })), 403, 'AccessDenied')
  await refused(t, other.send(new DeleteBucketTaggingCommand({ Bucket: bucket })), 403, 'AccessDenied')
})
