import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused } from '../support/suite.ts'

/** Of two accounts in one bucket: whose objects and uploads are, and what whoever began an upload may do with it. */
const suite = await openSuite(t)
const { s3 } = suite
const stranger = suite.otherClient()
const [own, theirs] = await Promise.all(
  [s3, stranger].map(async (client) => (await client.send(new ListBucketsCommand({}))).Owner!),
)

/** One that everybody keeps what he writes in, and that the other account may write into. */
async function sharedBucket(): Promise<string> {
  const Bucket = suite.newBucketName()
  await s3.send(new CreateBucketCommand({ Bucket, ObjectOwnership: 'ObjectWriter' }))
  await s3.send(new PutBucketAclCommand({ Bucket, GrantWrite: `id=${theirs!.ID}`, GrantFullControl: `id=${own!.ID}` }))
  return Bucket
}
const enforce = (Bucket: string, ObjectOwnership: 'BucketOwnerEnforced' | 'ObjectWriter') =>
  s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }))
const begin = async (Bucket: string, Key: string, by = stranger) =>
  (await by.send(new CreateMultipartUploadCommand({ Bucket, Key }))).UploadId!

t.test('ListObjects, ListObjectsV2, ListObjectVersions: Owner is each object’s own, while ACLs count', async (t) => {
  const Bucket = await sharedBucket()
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  const put = (Key: string, by = s3) => by.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  await put('a')
  await put('b', stranger)
  await put('b')
  await put('c')
  await put('c', stranger)
  await put('dir/d', stranger)
  const ownersOf = (rows: readonly { Key?: string | undefined; Owner?: object | undefined }[] = []) =>
    rows.map(({ Key, Owner }) => [Key, Owner])
  const listings = async (Delimiter?: string) => {
    const asked = { Bucket, ...(Delimiter && { Delimiter }) }
    const v1 = await s3.send(new ListObjectsCommand(asked))
    const v2 = await s3.send(new ListObjectsV2Command({ ...asked, FetchOwner: true }))
    const versions = await s3.send(new ListObjectVersionsCommand(asked))
    return [ownersOf(v1.Contents), ownersOf(v2.Contents), ownersOf(versions.Versions)]
  }
  const current = [
    ['a', own],
    ['b', own],
    ['c', theirs],
  ]
  const all = [
    ['a', own],
    ['b', own],
    ['b', theirs],
    ['c', theirs],
    ['c', own],
  ]
  const deep = ['dir/d', theirs]
  t.same(await listings(), [
    [...current, deep],
    [...current, deep],
    [...all, deep],
  ])
  t.same(await listings('/'), [current, current, all])
  t.equal((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.[0]?.Owner, undefined, 'not asked for')
  await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
  await enforce(Bucket, 'BucketOwnerEnforced')
  const mine = (rows: unknown[][]) => rows.map(([key]) => [key, own])
  t.same(await listings('/'), [mine(current), mine(current), mine(all)], 'without ACLs all are the bucket owner’s')
})

t.test(
  'ListParts, ListMultipartUploads: of another account’s upload: its initiator, and who will own the object',
  async (t) => {
    const Bucket = await sharedBucket()
    const UploadId = await begin(Bucket, 'theirs')
    await begin(Bucket, 'own', s3)
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
    const told = Uploads?.map(({ Key, Initiator, Owner }) => [Key, Initiator, Owner])
    t.same(told, [
      ['own', own, own],
      ['theirs', theirs, theirs],
    ])
    const parts = await s3.send(new ListPartsCommand({ Bucket, Key: 'theirs', UploadId }))
    t.same([parts.Initiator, parts.Owner], [theirs, theirs])
    const plain = await suite.newBucket()
    const Resource = `arn:aws:s3:::${plain}/*`
    const Principal = { AWS: `arn:aws:iam::${theirs!.ID}:root` }
    const Policy = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal, Action: 's3:PutObject', Resource }] })
    await s3.send(new PutBucketPolicyCommand({ Bucket: plain, Policy }))
    await begin(plain, 'key')
    const [upload] = (await s3.send(new ListMultipartUploadsCommand({ Bucket: plain }))).Uploads!
    t.same([upload!.Initiator, upload!.Owner], [theirs, own], 'without ACLs it will be the bucket owner’s')
  },
)

t.test(
  'ListParts, AbortMultipartUpload: the initiator may, the bucket’s owner may, another account may not',
  async (t) => {
    const Bucket = await sharedBucket()
    const Key = 'key'
    const list = (UploadId: string, by = stranger) => by.send(new ListPartsCommand({ Bucket, Key, UploadId }))
    const abort = (UploadId: string, by = stranger) =>
      by.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    const [first, second, mine] = [await begin(Bucket, Key), await begin(Bucket, Key), await begin(Bucket, Key, s3)]
    t.equal((await list(first)).UploadId, first)
    await abort(first)
    t.equal((await list(second, s3)).UploadId, second)
    await abort(second, s3)
    await refused(t, list(mine), 403, 'AccessDenied', 'ListParts of what another account began')
    await refused(t, abort(mine), 403, 'AccessDenied', 'AbortMultipartUpload of what another account began')
    await refused(t, abort(first), 403, 'AccessDenied', 'who has no leave is not told what is not there')
    await refused(t, abort(first, s3), 404, 'NoSuchUpload')
    t.equal((await list(mine, s3)).UploadId, mine)
  },
)

t.test(
  'ListParts, AbortMultipartUpload: an initiator who is let in no more still may; one who is denied may not',
  async (t) => {
    const Bucket = await sharedBucket()
    const Key = 'key'
    const UploadId = await begin(Bucket, Key)
    const Principal = { AWS: `arn:aws:iam::${theirs!.ID}:root` }
    const Statement = [
      { Effect: 'Deny', Principal, Action: 's3:*MultipartUpload*', Resource: `arn:aws:s3:::${Bucket}/*` },
    ]
    await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Statement }) }))
    const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId })
    const list = new ListPartsCommand({ Bucket, Key, UploadId })
    await refused(t, stranger.send(list), 403, 'AccessDenied')
    await refused(t, stranger.send(abort), 403, 'AccessDenied')
    const answer = await suite.send({ method: 'DELETE', path: `/${Bucket}?policy` })
    t.equal(answer.status, 204)
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
    t.equal((await stranger.send(list)).UploadId, UploadId)
    await stranger.send(abort)
    await refused(t, s3.send(list), 404, 'NoSuchUpload')
  },
)
