import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { postForm, signForm } from '../support/forms.ts'
import { openSuite, refused } from '../support/suite.ts'

/** Keys that were made with `sextant key create --policy`: a policy grants no more than it says, and never more than the account has. */
const suite = await openSuite(t)
const { s3, bucket: Bucket, target } = suite
const credentials = suite.limited()
const limited = suite.client({ credentials })
const home = `home/${credentials.accessKeyId}`
for (const Key of ['read/a', 'read/secret/a', 'secret/a', 'inbox/a', 'closed/a', 'home/another/a']) {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
}
const denied = (test: Parameters<typeof refused>[0], call: Promise<unknown>, what?: string) =>
  refused(test, call, 403, 'AccessDenied', what)
const read = async (Key: string) =>
  await (await limited.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()
const put = (Key: string, more: object = {}) =>
  limited.send(new PutObjectCommand({ Bucket, Key, Body: 'by the limited key', ...more }))

t.test(
  'GetObject, HeadObject, GetObjectTagging: by a key with a policy: what it allows; a Deny in it counts',
  async (t) => {
    t.equal(await read('read/a'), 'read/a')
    await limited.send(new HeadObjectCommand({ Bucket, Key: 'read/a' }))
    t.same((await limited.send(new GetObjectTaggingCommand({ Bucket, Key: 'read/a' }))).TagSet, [])
    for (const Key of ['read/secret/a', 'secret/a', 'inbox/a', 'closed/a', 'home/another/a', 'never']) {
      await denied(t, read(Key), Key)
      await refused(t, limited.send(new HeadObjectCommand({ Bucket, Key })), 403, 'Unknown', `HEAD ${Key}`)
    }
  },
)

t.test(
  'ListObjectsV2, ListBuckets: by a key with a policy: below the prefix that it names, nothing else',
  async (t) => {
    const list = (Prefix?: string) => limited.send(new ListObjectsV2Command({ Bucket, Prefix }))
    t.same(
      (await list('read/')).Contents?.map(({ Key }) => Key),
      ['read/a', 'read/secret/a'],
    )
    for (const prefix of [undefined, '', 'read', 'closed/']) await denied(t, list(prefix), `prefix ${prefix}`)
    await denied(t, limited.send(new ListBucketsCommand({})))
  },
)

t.test(
  'PutObject, DeleteObject, multipart: by a key with a policy: where it may write, and its own name in it',
  async (t) => {
    await put('inbox/b')
    await put(`${home}/b`)
    await limited.send(new DeleteObjectCommand({ Bucket, Key: `${home}/b` }))
    for (const Key of ['read/a', 'closed/b', 'home/another/a', 'inbox/secret/b']) await denied(t, put(Key), Key)
    await denied(t, limited.send(new DeleteObjectCommand({ Bucket, Key: 'inbox/b' })))
    await denied(t, limited.send(new PutObjectTaggingCommand({ Bucket, Key: 'inbox/b', Tagging: { TagSet: [] } })))
    await denied(t, limited.send(new PutObjectAclCommand({ Bucket, Key: 'inbox/b', ACL: 'private' })))
    await denied(t, put('inbox/c', { Tagging: 'a=b' }), 'tags take leave of their own')
    const begun = await limited.send(new CreateMultipartUploadCommand({ Bucket, Key: 'inbox/parts' }))
    const upload = { Bucket, Key: 'inbox/parts', UploadId: begun.UploadId }
    await limited.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }))
    await denied(t, limited.send(new AbortMultipartUploadCommand(upload)))
    await denied(t, limited.send(new CreateMultipartUploadCommand({ Bucket, Key: 'closed/parts' })))
    for (const [Key, text] of [
      ['read/a', 'read/a'],
      ['home/another/a', 'home/another/a'],
    ] as const) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }))
      t.equal(await Body?.transformToString(), text, 'as it was')
    }
  },
)

t.test('CopyObject, DeleteObjects: by a key with a policy: source and target, each key by itself', async (t) => {
  const copy = (from: string, Key: string) =>
    limited.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${from}` }))
  await copy('read/a', 'inbox/copy')
  await denied(t, copy('closed/a', 'inbox/copy'), 'a source that it may not read')
  await denied(t, copy('read/secret/a', 'inbox/copy'), 'a source that is denied')
  await denied(t, copy('read/a', 'closed/copy'), 'a target that it may not write')
  await put(`${home}/c`)
  const Objects = [`${home}/c`, 'inbox/a', 'read/a'].map((Key) => ({ Key }))
  const { Deleted, Errors } = await limited.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
  t.match(Deleted, [{ Key: `${home}/c` }])
  t.same(
    Errors?.map(({ Key, Code }) => [Key, Code]),
    [
      ['inbox/a', 'AccessDenied'],
      ['read/a', 'AccessDenied'],
    ],
  )
})

t.test('presigned URLs, PostObject: by a key with a policy: no more than the key itself', async (t) => {
  const get = async (Key: string) =>
    (await fetch(await getSignedUrl(limited, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 }))).status
  t.same([await get('read/a'), await get('closed/a'), await get('read/secret/a')], [200, 403, 403])
  const post = async (key: string) => {
    const fields = signForm(target, { key }, { bucket: Bucket, credentials })
    return (await postForm(new URL(`/${Bucket}`, target.endpoint), fields, { bytes: 'form' })).status
  }
  t.same([await post('inbox/form'), await post('closed/form')], [204, 403])
})

t.test(
  'PutBucketPolicy and the like: by a key with a policy: AccessDenied, and a bucket policy gives it nothing',
  async (t) => {
    const owner = (await s3.send(new ListBucketsCommand({}))).Owner!.ID
    const arn = `arn:aws:s3:::${Bucket}`
    const Principal = { AWS: `arn:aws:iam::${owner}:root` }
    const statement = { Effect: 'Allow', Principal, Action: 's3:*', Resource: [arn, `${arn}/*`] }
    const policy = { Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) }
    await denied(t, limited.send(new PutBucketPolicyCommand(policy)))
    await s3.send(new PutBucketPolicyCommand(policy))
    await denied(t, limited.send(new GetBucketPolicyCommand({ Bucket })))
    await denied(t, read('closed/a'), 'though the bucket allows its account all')
    await denied(t, put('closed/b'))
    await denied(t, limited.send(new DeleteBucketCommand({ Bucket })))
    await denied(t, limited.send(new CreateBucketCommand({ Bucket: suite.newBucketName() })))
    const deny = { ...statement, Effect: 'Deny', Action: 's3:GetObject' }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [deny] })
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    await denied(t, read('read/a'), 'a Deny of the bucket’s counts for it, too')
  },
)
