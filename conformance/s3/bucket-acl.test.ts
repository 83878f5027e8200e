import {
  CreateBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketOwnershipControlsCommand,
  type Grant,
  ListBucketsCommand,
  ListObjectsV2Command,
  type ObjectOwnership,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const suite = await openSuite(t)
const { s3, send, target } = suite
const stranger = suite.otherClient()
const [own, theirs] = await Promise.all(
  [s3, stranger].map(async (client) => (await client.send(new ListBucketsCommand({}))).Owner!.ID!),
)
const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers'
const KNOWN_USERS = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers'
const LOG_DELIVERY = 'http://acs.amazonaws.com/groups/s3/LogDelivery'

const setOwnership = (Bucket: string, rule: ObjectOwnership) =>
  s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership: rule }] } }))
/** A bucket that takes ACLs, public ones too. */
async function openBucket(): Promise<string> {
  const name = await suite.newBucket()
  await setOwnership(name, 'ObjectWriter')
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket: name }))
  return name
}
const short = ({ Grantee, Permission }: Grant) => `${Grantee?.URI?.split('/').at(-1) ?? Grantee?.ID} ${Permission}`
const grantsOf = async (Bucket: string) => (await s3.send(new GetBucketAclCommand({ Bucket }))).Grants!.map(short)
const list = (name: string) =>
  exchange(target.endpoint, { method: 'GET', path: `/${name}`, headers: [['Host', target.endpoint.host]], body: [] })

t.test('GetBucketOwnershipControls: of a new bucket: BucketOwnerEnforced; else what was put', async (t) => {
  const name = await suite.newBucket()
  const rules = async () =>
    (await s3.send(new GetBucketOwnershipControlsCommand({ Bucket: name }))).OwnershipControls?.Rules
  t.same(await rules(), [{ ObjectOwnership: 'BucketOwnerEnforced' }])
  for (const ObjectOwnership of ['ObjectWriter', 'BucketOwnerPreferred', 'BucketOwnerEnforced'] as const) {
    await setOwnership(name, ObjectOwnership)
    t.same(await rules(), [{ ObjectOwnership }])
  }
  for (const rules of ['', '<Rule><ObjectOwnership>Mine</ObjectOwnership></Rule>', '<Rule/>']) {
    const body = `<OwnershipControls>${rules}</OwnershipControls>`
    const wrong = await send({ method: 'PUT', path: `/${name}?ownershipControls`, body })
    refusedWire(t, wrong, 400, 'MalformedXML', body)
  }
})

t.test('DeleteBucketOwnershipControls: 204, then OwnershipControlsNotFoundError, and ACLs count', async (t) => {
  const name = await suite.newBucket()
  const gone = await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket: name }))
  t.equal(gone.$metadata.httpStatusCode, 204)
  const answer = await send({ method: 'GET', path: `/${name}?ownershipControls` })
  refusedWire(t, answer, 404, 'OwnershipControlsNotFoundError')
  t.equal(element(answer.body, 'Message'), 'The bucket ownership controls were not found')
  await s3.send(new PutBucketAclCommand({ Bucket: name, GrantRead: `id="${theirs}"` }))
  t.equal((await stranger.send(new ListObjectsV2Command({ Bucket: name }))).KeyCount, 0)
})

t.test(
  'GetBucketAcl: of a new bucket: its owner has FULL_CONTROL; PutBucketAcl: AccessControlListNotSupported but for that',
  async (t) => {
    const name = await suite.newBucket()
    const acl = await s3.send(new GetBucketAclCommand({ Bucket: name }))
    t.equal(acl.Owner?.ID, own)
    t.match(acl.Grants, [{ Grantee: { ID: own, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }])
    const put = (ACL: 'public-read' | 'private') => s3.send(new PutBucketAclCommand({ Bucket: name, ACL }))
    await refused(t, put('public-read'), 400, 'AccessControlListNotSupported')
    await put('private')
    await s3.send(
      new PutBucketAclCommand({ Bucket: name, AccessControlPolicy: { Owner: acl.Owner, Grants: acl.Grants } }),
    )
  },
)

t.test('PutBucketAcl: each canned ACL: what it grants', async (t) => {
  const name = await openBucket()
  const owner = `${own} FULL_CONTROL`
  const table = {
    'public-read': [owner, 'AllUsers READ'],
    'public-read-write': [owner, 'AllUsers READ', 'AllUsers WRITE'],
    'authenticated-read': [owner, 'AuthenticatedUsers READ'],
    'log-delivery-write': [owner, 'LogDelivery WRITE', 'LogDelivery READ_ACP'],
    private: [owner],
  }
  for (const [acl, grants] of Object.entries(table)) {
    const answer = await send({ method: 'PUT', path: `/${name}?acl`, headers: { 'x-amz-acl': acl } })
    t.equal(answer.status, 200)
    t.same(await grantsOf(name), grants, acl)
  }
  const wrong = await send({ method: 'PUT', path: `/${name}?acl`, headers: { 'x-amz-acl': 'everybody' } })
  refusedWire(t, wrong, 400, 'InvalidArgument')
})

t.test('PutBucketAcl: grants in headers: by id, group and address', async (t) => {
  const name = await openBucket()
  const put = (headers: Record<string, string>) => send({ method: 'PUT', path: `/${name}?acl`, headers })
  const headers = {
    'x-amz-grant-full-control': `id="${own}"`,
    'x-amz-grant-read': `uri="${KNOWN_USERS}", id=${theirs}`,
    'x-amz-grant-write-acp': `uri="${LOG_DELIVERY}"`,
  }
  t.equal((await put(headers)).status, 200)
  const expected = [`${own} FULL_CONTROL`, 'AuthenticatedUsers READ', `${theirs} READ`, 'LogDelivery WRITE_ACP']
  t.same(await grantsOf(name), expected)
  t.equal((await stranger.send(new ListObjectsV2Command({ Bucket: name }))).KeyCount, 0)
  refusedWire(t, await list(name), 403, 'AccessDenied')

  const read = 'x-amz-grant-read'
  const wrong: [Record<string, string>, number, string][] = [
    [{ [read]: 'id="nobody"' }, 400, 'InvalidArgument'],
    [{ [read]: `id="${'cd'.repeat(32)}"` }, 400, 'InvalidArgument'],
    [{ [read]: 'uri="http://example.com/All"' }, 400, 'InvalidArgument'],
    [{ [read]: 'somebody' }, 400, 'InvalidArgument'],
    [{ [read]: 'emailAddress="nobody@example.com"' }, 400, 'UnresolvableGrantByEmailAddress'],
    [{ [read]: `id="${own}"`, 'x-amz-acl': 'private' }, 400, 'InvalidRequest'],
    [{}, 400, 'MissingSecurityHeader'],
  ]
  for (const [headers, status, code] of wrong) refusedWire(t, await put(headers), status, code, JSON.stringify(headers))
  t.same(await grantsOf(name), expected, 'unchanged')
})

t.test('PutBucketAcl: a document: taken; a wrong one: MalformedACLError; another owner: 403', async (t) => {
  const name = await openBucket()
  const Owner = { ID: own! }
  const Grants: Grant[] = [
    { Grantee: { Type: 'CanonicalUser', ID: theirs! }, Permission: 'WRITE' },
    { Grantee: { Type: 'Group', URI: ALL_USERS }, Permission: 'READ' },
  ]
  await s3.send(new PutBucketAclCommand({ Bucket: name, AccessControlPolicy: { Owner, Grants } }))
  t.same(await grantsOf(name), [`${theirs} WRITE`, 'AllUsers READ'])
  t.equal((await list(name)).status, 200)
  const other = { Owner: { ID: theirs! }, Grants }
  await refused(t, s3.send(new PutBucketAclCommand({ Bucket: name, AccessControlPolicy: other })), 403, 'AccessDenied')
  const grant = '<Grant><Grantee><ID>x</ID></Grantee><Permission>FLY</Permission></Grant>'
  const owner = `<Owner><ID>${own}</ID></Owner>`
  for (const inner of [
    grant,
    `${owner}<AccessControlList>${grant}</AccessControlList>`,
    owner,
    '<AccessControlList/>',
  ]) {
    const body = `<AccessControlPolicy>${inner}</AccessControlPolicy>`
    refusedWire(t, await send({ method: 'PUT', path: `/${name}?acl`, body }), 400, 'MalformedACLError', inner)
  }
  const both = {
    body: `<AccessControlPolicy>${owner}<AccessControlList/></AccessControlPolicy>`,
    headers: { 'x-amz-acl': 'private' },
  }
  refusedWire(t, await send({ method: 'PUT', path: `/${name}?acl`, ...both }), 400, 'InvalidRequest')
  t.same(await grantsOf(name), [`${theirs} WRITE`, 'AllUsers READ'], 'unchanged')
})

t.test(
  'PutBucketOwnershipControls: BucketOwnerEnforced while an ACL lets others in: InvalidBucketAclWithObjectOwnership',
  async (t) => {
    const name = await openBucket()
    await s3.send(new PutBucketAclCommand({ Bucket: name, ACL: 'public-read' }))
    await refused(t, setOwnership(name, 'BucketOwnerEnforced'), 400, 'InvalidBucketAclWithObjectOwnership')
    await s3.send(new PutBucketAclCommand({ Bucket: name, ACL: 'private' }))
    await setOwnership(name, 'BucketOwnerEnforced')
  },
)

t.test('CreateBucket: with ownership and ACL asked for: made so; where they do not go together: refused', async (t) => {
  const create = (more: object) => {
    const Bucket = suite.newBucketName()
    return s3.send(new CreateBucketCommand({ Bucket, ...more })).then(() => Bucket)
  }
  const name = await create({
    ObjectOwnership: 'ObjectWriter',
    GrantRead: `id="${theirs}"`,
    GrantFullControl: `id="${own}"`,
  })
  t.same(await grantsOf(name), [`${own} FULL_CONTROL`, `${theirs} READ`])
  t.equal((await stranger.send(new ListObjectsV2Command({ Bucket: name }))).KeyCount, 0)
  t.same(await grantsOf(await create({ ACL: 'private' })), [`${own} FULL_CONTROL`])
  await refused(t, create({ ACL: 'public-read' }), 400, 'InvalidBucketAclWithObjectOwnership')
  const open = create({ ACL: 'public-read', ObjectOwnership: 'ObjectWriter' })
  await refused(t, open, 400, 'InvalidBucketAclWithBlockPublicAccessError')
  await refused(t, create({ ObjectOwnership: 'Mine' }), 400, 'InvalidArgument')
})
