import {
  DeletePublicAccessBlockCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const suite = await openSuite(t)
const { s3, bucket, send, target } = suite
const none = { BlockPublicAcls: false, IgnorePublicAcls: false, BlockPublicPolicy: false, RestrictPublicBuckets: false }
const block = (flags: Partial<typeof none>) =>
  s3.send(new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration: { ...none, ...flags } }))
const anonymous = (path: string) =>
  exchange(target.endpoint, { method: 'GET', path, headers: [['Host', target.endpoint.host]], body: [] })
const policy = (Principal: unknown) =>
  new PutBucketPolicyCommand({
    Bucket: bucket,
    Policy: JSON.stringify({
      Statement: { Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` },
    }),
  })
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'bytes' }))

const get = () => s3.send(new GetPublicAccessBlockCommand({ Bucket: bucket }))
const all = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true }

t.test(
  'GetPublicAccessBlock: of a new bucket: all four, as S3 today; of one that was changed: what was put',
  async (t) => {
    t.same((await get()).PublicAccessBlockConfiguration, all)
    for (const flags of [{ ...none, BlockPublicPolicy: true }, all]) {
      await block(flags)
      t.same((await get()).PublicAccessBlockConfiguration, flags)
    }
  },
)

t.test('DeletePublicAccessBlock: 204, then NoSuchPublicAccessBlockConfiguration', async (t) => {
  const gone = await s3.send(new DeletePublicAccessBlockCommand({ Bucket: bucket }))
  t.equal(gone.$metadata.httpStatusCode, 204)
  const answer = await send({ method: 'GET', path: `/${bucket}?publicAccessBlock` })
  refusedWire(t, answer, 404, 'NoSuchPublicAccessBlockConfiguration')
  t.equal(element(answer.body, 'Message'), 'The public access block configuration was not found')
  await refused(t, s3.send(new DeletePublicAccessBlockCommand({ Bucket: suite.newBucketName() })), 404, 'NoSuchBucket')
})

t.test('PutPublicAccessBlock: what is not said is off; a wrong document is MalformedXML', async (t) => {
  const put = (body: string) => send({ method: 'PUT', path: `/${bucket}?publicAccessBlock`, body })
  const root = 'PublicAccessBlockConfiguration'
  t.equal((await put(`<${root}><BlockPublicAcls>TRUE</BlockPublicAcls></${root}>`)).status, 200)
  t.same((await get()).PublicAccessBlockConfiguration, { ...none, BlockPublicAcls: true })
  for (const body of ['<Other/>', `<${root}><BlockPublicAcls>yes</BlockPublicAcls></${root}>`, `<${root}>`]) {
    refusedWire(t, await put(body), 400, 'MalformedXML', body)
  }
})

t.test('PutBucketPolicy: a public one under BlockPublicPolicy: 403, and others are taken', async (t) => {
  await block({ BlockPublicPolicy: true })
  await refused(t, s3.send(policy('*')), 403, 'AccessDenied')
  const { Owner } = await suite.otherClient().send(new ListBucketsCommand({}))
  await s3.send(policy({ AWS: Owner!.ID }))
})

t.test('GetObject: a public policy under RestrictPublicBuckets: only the owner’s account', async (t) => {
  const stranger = suite.otherClient()
  const read = (client = s3) => client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }))
  await block({})
  await s3.send(policy('*'))
  t.equal(String((await anonymous(`/${bucket}/key`)).body), 'bytes')
  t.ok(await read(stranger))
  await block({ RestrictPublicBuckets: true })
  refusedWire(t, await anonymous(`/${bucket}/key`), 403, 'AccessDenied')
  await refused(t, read(stranger), 403, 'AccessDenied')
  t.ok(await read())
})

t.test(
  'PutBucketAcl: a public one under BlockPublicAcls: 403; under IgnorePublicAcls: taken, and without effect',
  async (t) => {
    const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] }
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket: bucket, OwnershipControls }))
    const open = new PutBucketAclCommand({ Bucket: bucket, ACL: 'public-read' })
    await block({ BlockPublicAcls: true })
    await refused(t, s3.send(open), 403, 'AccessDenied')
    await block({ IgnorePublicAcls: true })
    await s3.send(open)
    refusedWire(t, await anonymous(`/${bucket}`), 403, 'AccessDenied')
    await block({})
    t.equal((await anonymous(`/${bucket}`)).status, 200)
  },
)
