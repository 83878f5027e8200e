import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  type Grant,
  HeadObjectCommand,
  ListBucketsCommand,
  type ObjectCannedACL,
  type ObjectOwnership,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const suite = await openSuite(t)
const { s3, send, target } = suite
const stranger = suite.otherClient()
const [own, theirs] = await Promise.all(
  [s3, stranger].map(async (client) => (await client.send(new ListBucketsCommand({}))).Owner!.ID!),
)

/** A bucket that takes ACLs, public ones too, and that anybody may write to. */
async function openBucket(ObjectOwnership: ObjectOwnership = 'ObjectWriter'): Promise<string> {
  const Bucket = await suite.newBucket()
  const OwnershipControls = { Rules: [{ ObjectOwnership }] }
  await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
  await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }))
  return Bucket
}
const anonymous = (method: string, path: string, body?: string) =>
  exchange(target.endpoint, {
    method,
    path,
    headers: [['Host', target.endpoint.host], ...(body ? ([['Content-Length', String(body.length)]] as const) : [])],
    body: body ? [Buffer.from(body)] : [],
  })
const short = ({ Grantee, Permission }: Grant) => `${Grantee?.URI?.split('/').at(-1) ?? Grantee?.ID} ${Permission}`
async function aclOf(Bucket: string, Key: string, client = s3): Promise<[owner: string | undefined, ...string[]]> {
  const { Owner, Grants } = await client.send(new GetObjectAclCommand({ Bucket, Key }))
  return [Owner?.ID, ...Grants!.map(short)]
}

t.test('PutObject: with an ACL where ACLs are off: only what goes without saying', async (t) => {
  const Bucket = await suite.newBucket()
  const put = (more: object) => s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ...more }))
  for (const ACL of ['private', 'bucket-owner-full-control'] as const) await put({ ACL })
  await put({ GrantFullControl: `id="${own}"` })
  t.same(await aclOf(Bucket, 'key'), [own, `${own} FULL_CONTROL`])
  for (const more of [{ ACL: 'public-read' }, { ACL: 'bucket-owner-read' }, { GrantRead: `id="${own}"` }]) {
    await refused(t, put(more), 400, 'AccessControlListNotSupported', JSON.stringify(more))
  }
  const change = (ACL: 'private' | 'public-read') => s3.send(new PutObjectAclCommand({ Bucket, Key: 'key', ACL }))
  await refused(t, change('public-read'), 400, 'AccessControlListNotSupported')
  await change('private')
  const { Owner, Grants } = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'key' }))
  await s3.send(new PutObjectAclCommand({ Bucket, Key: 'key', AccessControlPolicy: { Owner, Grants } }))
})

t.test('PutObject, CopyObject, multipart: each canned ACL: told and in force', async (t) => {
  const Bucket = await openBucket()
  const owner = `${own} FULL_CONTROL`
  const table: [ObjectCannedACL, string[], anonymousStatus: number][] = [
    ['private', [owner], 403],
    ['public-read', [owner, 'AllUsers READ'], 200],
    ['public-read-write', [owner, 'AllUsers READ', 'AllUsers WRITE'], 200],
    ['authenticated-read', [owner, 'AuthenticatedUsers READ'], 403],
    ['bucket-owner-read', [owner], 403],
    ['bucket-owner-full-control', [owner], 403],
  ]
  for (const [ACL, grants, status] of table) {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'put', Body: 'x', ACL }))
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/put`, ACL }))
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ACL }))
    const part = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x' }))
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload }))
    for (const key of ['put', 'copy', 'parts']) {
      t.same(await aclOf(Bucket, key), [own, ...grants], `${key} ${ACL}`)
      t.equal((await anonymous('GET', `/${Bucket}/${key}`)).status, status, `${key} ${ACL}`)
    }
  }
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'plain', CopySource: `${Bucket}/put` }))
  t.same(await aclOf(Bucket, 'plain'), [own, owner], 'a copy has no ACL of its source')
})

t.test('PutObjectAcl, GetObjectAcl: headers and documents: Last-Modified and ETag stay', async (t) => {
  const Bucket = await openBucket()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x' }))
  const head = new HeadObjectCommand({ Bucket, Key: 'key' })
  const before = await s3.send(head)
  await s3.send(
    new PutObjectAclCommand({ Bucket, Key: 'key', GrantRead: `id="${theirs}"`, GrantReadACP: `id="${theirs}"` }),
  )
  t.same(await aclOf(Bucket, 'key', stranger), [own, `${theirs} READ`, `${theirs} READ_ACP`])
  t.ok(await stranger.send(new GetObjectCommand({ Bucket, Key: 'key' })))
  const write = new PutObjectAclCommand({ Bucket, Key: 'key', ACL: 'public-read' })
  await refused(t, stranger.send(write), 403, 'AccessDenied')
  const Grants: Grant[] = [{ Grantee: { Type: 'CanonicalUser', ID: theirs! }, Permission: 'WRITE_ACP' }]
  const AccessControlPolicy = { Owner: { ID: own! }, Grants }
  await s3.send(new PutObjectAclCommand({ Bucket, Key: 'key', AccessControlPolicy }))
  await refused(t, stranger.send(new GetObjectCommand({ Bucket, Key: 'key' })), 403, 'AccessDenied')
  await stranger.send(write)
  t.same(await aclOf(Bucket, 'key'), [own, `${own} FULL_CONTROL`, 'AllUsers READ'], 'the owner stays')
  const after = await s3.send(head)
  t.same([after.LastModified, after.ETag], [before.LastModified, before.ETag])
  await refused(t, s3.send(new PutObjectAclCommand({ Bucket, Key: 'none', ACL: 'private' })), 404, 'NoSuchKey')
  await refused(t, s3.send(new GetObjectAclCommand({ Bucket, Key: 'none' })), 404, 'NoSuchKey')
})

t.test(
  'GetObjectAcl: what another account wrote is that account’s; the bucket’s owner may delete it, not read it',
  async (t) => {
    const Bucket = await openBucket()
    await stranger.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }))
    t.same(await aclOf(Bucket, 'theirs', stranger), [theirs, `${theirs} FULL_CONTROL`])
    await refused(t, s3.send(new GetObjectCommand({ Bucket, Key: 'theirs' })), 403, 'AccessDenied')
    await refused(t, s3.send(new GetObjectAclCommand({ Bucket, Key: 'theirs' })), 403, 'AccessDenied')
    await stranger.send(new PutObjectAclCommand({ Bucket, Key: 'theirs', ACL: 'bucket-owner-read' }))
    t.ok(await s3.send(new GetObjectCommand({ Bucket, Key: 'theirs' })))
    t.equal((await anonymous('PUT', `/${Bucket}/nobodys`, 'x')).status, 200)
    await refused(t, s3.send(new GetObjectCommand({ Bucket, Key: 'nobodys' })), 403, 'AccessDenied')
    for (const Key of ['theirs', 'nobodys']) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
    await stranger.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x' }))
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' as const }] }
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
    t.same(await aclOf(Bucket, 'theirs'), [own, `${own} FULL_CONTROL`], 'enforced: all is the bucket owner’s')
    await refused(t, stranger.send(new GetObjectCommand({ Bucket, Key: 'theirs' })), 403, 'AccessDenied')
  },
)

t.test('PutObject: bucket-owner-full-control under BucketOwnerPreferred: the bucket owner’s object', async (t) => {
  const Bucket = await openBucket('BucketOwnerPreferred')
  const put = (more: object) => stranger.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ...more }))
  await put({ ACL: 'bucket-owner-full-control' })
  t.same(await aclOf(Bucket, 'key'), [own, `${own} FULL_CONTROL`])
  await put({})
  t.same(await aclOf(Bucket, 'key', stranger), [theirs, `${theirs} FULL_CONTROL`])
})

t.test(
  'PutObject: with an ACL, allowed by policy: needs s3:PutObjectAcl as well; s3:x-amz-acl is judged',
  async (t) => {
    const Bucket = await openBucket()
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
    const allow = async (Action: string[], Condition = {}) => {
      const Statement = {
        Effect: 'Allow',
        Principal: { AWS: theirs },
        Action,
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition,
      }
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Statement }) }))
    }
    const put = (more: object = {}) => stranger.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ...more }))
    await allow(['s3:PutObject'])
    await put()
    await refused(t, put({ ACL: 'public-read' }), 403, 'AccessDenied')
    await allow(['s3:PutObject', 's3:PutObjectAcl'], { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } })
    await put({ ACL: 'bucket-owner-full-control' })
    await refused(t, put({ ACL: 'public-read' }), 403, 'AccessDenied')
    await refused(t, put(), 403, 'AccessDenied')
  },
)

t.test(
  'PutObject, PutObjectAcl: public ones under BlockPublicAcls: 403; under IgnorePublicAcls: without effect',
  async (t) => {
    const Bucket = await openBucket()
    const block = (flags: object) =>
      s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: flags }))
    await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ACL: 'public-read' }))
    t.equal((await anonymous('GET', `/${Bucket}/key`)).status, 200)
    await block({ IgnorePublicAcls: true })
    refusedWire(t, await anonymous('GET', `/${Bucket}/key`), 403, 'AccessDenied')
    await block({ BlockPublicAcls: true })
    t.equal((await anonymous('GET', `/${Bucket}/key`)).status, 200, 'what is there stays')
    const put = new PutObjectCommand({ Bucket, Key: 'new', Body: 'x', ACL: 'authenticated-read' })
    await refused(t, s3.send(put), 403, 'AccessDenied')
    const acl = new PutObjectAclCommand({ Bucket, Key: 'key', ACL: 'public-read' })
    await refused(t, s3.send(acl), 403, 'AccessDenied')
    t.equal((await send({ method: 'HEAD', path: `/${Bucket}/new` })).status, 404, 'nothing was written')
  },
)
