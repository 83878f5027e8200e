// biome-ignore-all lint/suspicious/noTemplateCurlyInString: so are the variables of policies written
import {
  CopyObjectCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const suite = await openSuite(t)
const { s3, bucket, send, target } = suite
const stranger = suite.otherClient()
const idOf = async (client = s3) => (await client.send(new ListBucketsCommand({}))).Owner!.ID!
const [own, theirs] = [await idOf(), await idOf(stranger)]
const objects = `arn:aws:s3:::${bucket}/*`
const all = ['arn:aws:s3:::BUCKET', 'arn:aws:s3:::BUCKET/*'].map((arn) => arn.replace('BUCKET', bucket))
await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'bytes' }))

const text = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const put = (...statements: object[]) =>
  s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: text(...statements) }))
const allow = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${theirs}:root` },
  Action: 's3:GetObject',
  Resource: objects,
  ...more,
})
const deny = (more: object = {}) => ({ ...allow(more), Effect: 'Deny' })
const get = (client = stranger, Key = 'key') => client.send(new GetObjectCommand({ Bucket: bucket, Key }))
const anonymous = (path: string, headers: [string, string][] = []) =>
  exchange(target.endpoint, { method: 'GET', path, headers: [['Host', target.endpoint.host], ...headers], body: [] })

t.test('GetBucketPolicy: none: 404 NoSuchBucketPolicy; no bucket: NoSuchBucket', async (t) => {
  const answer = await send({ method: 'GET', path: `/${bucket}?policy` })
  refusedWire(t, answer, 404, 'NoSuchBucketPolicy')
  const said = [element(answer.body, 'Message'), element(answer.body, 'BucketName')]
  t.same(said, ['The bucket policy does not exist', bucket])
  await refused(t, s3.send(new GetBucketPolicyCommand({ Bucket: suite.newBucketName() })), 404, 'NoSuchBucket')
})

t.test('PutBucketPolicy: put and replaced: got as JSON', async (t) => {
  await put(allow())
  const got = await s3.send(new GetBucketPolicyCommand({ Bucket: bucket }))
  t.same(JSON.parse(got.Policy!), JSON.parse(text(allow())))
  const again = await send({ method: 'PUT', path: `/${bucket}?policy`, body: ` ${text(deny())}\n` })
  t.equal(again.status, 204)
  const wire = await send({ method: 'GET', path: `/${bucket}?policy` })
  t.match(wire.headers['content-type'], 'application/json')
  t.same(JSON.parse(String(wire.body)), JSON.parse(text(deny())))
})

t.test('DeleteBucketPolicy: there, and not there: 204, and there is none', async (t) => {
  await put(allow())
  for (const _ of [1, 2]) {
    t.equal((await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))).$metadata.httpStatusCode, 204)
    await refused(t, s3.send(new GetBucketPolicyCommand({ Bucket: bucket })), 404, 'NoSuchBucketPolicy')
  }
})

t.test('PutBucketPolicy: what is no policy: MalformedPolicy in S3’s words, and the old one stays', async (t) => {
  await put(allow())
  const wrong: [body: string, message: string | RegExp][] = [
    ['no json', "Policies must be valid JSON and the first byte must be '{'"],
    ['{', 'This policy contains invalid Json'],
    ['{"Version":"2012-10-17"}', 'Missing required field Statement'],
    [text(), 'Could not parse the policy: Statement is empty!'],
    [text({ ...allow(), Principal: undefined }), 'Missing required field Principal'],
    [text(allow({ Principal: { AWS: 'somebody' } })), 'Invalid principal in policy'],
    [text(allow({ Principal: { AWS: 'ab'.repeat(32) } })), 'Invalid principal in policy'],
    [text(allow({ Principal: { AWS: `arn:aws:iam::${own}:user/NOBODYSKEY` } })), 'Invalid principal in policy'],
    [text(allow({ Action: 's3:Nothing' })), 'Policy has invalid action'],
    [text(allow({ Resource: 'arn:aws:s3:::another/*' })), 'Policy has invalid resource'],
    [text(allow({ Resource: `arn:aws:s3:::${bucket}` })), 'Action does not apply to any resource(s) in statement'],
    [text(allow({ Condition: { StringEquals: { 'aws:None': 'x' } } })), 'Policy has an invalid condition key'],
    [text(allow({ Condition: { Equals: { 's3:prefix': 'x' } } })), /^Invalid Condition type : Equals/],
    [text({ ...allow(), Sid: 'x'.repeat(21_000) }), /maximum allowed document size/],
  ]
  for (const [body, message] of wrong) {
    const answer = await send({ method: 'PUT', path: `/${bucket}?policy`, body })
    refusedWire(t, answer, 400, 'MalformedPolicy', body.slice(0, 80))
    t.match(element(answer.body, 'Message'), message)
  }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}?policy` }), 400, 'MissingRequestBodyError')
  const kept = await s3.send(new GetBucketPolicyCommand({ Bucket: bucket }))
  t.same(JSON.parse(kept.Policy!), JSON.parse(text(allow())))
})

t.test('GetObject: another account, allowed by the bucket’s policy: given; denied beside it: 403', async (t) => {
  for (const Principal of [{ AWS: theirs }, { AWS: `arn:aws:iam::${theirs}:root` }, { CanonicalUser: theirs }]) {
    await put(allow({ Principal }))
    t.equal(await (await get()).Body!.transformToString(), 'bytes')
  }
  await put(allow(), deny())
  await refused(t, get(), 403, 'AccessDenied')
  await put(deny({ Principal: '*' }))
  await refused(t, get(s3), 403, 'AccessDenied', 'the owner too, who')
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
  t.equal(await (await get(s3)).Body!.transformToString(), 'bytes', 'may still take it away')
  await refused(t, get(), 403, 'AccessDenied')
})

t.test(
  'PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy: by another account that has leave: 405 MethodNotAllowed',
  async (t) => {
    await put(allow({ Action: 's3:*', Resource: all }))
    await refused(t, stranger.send(new GetBucketPolicyCommand({ Bucket: bucket })), 405, 'MethodNotAllowed')
    await refused(t, stranger.send(new DeleteBucketPolicyCommand({ Bucket: bucket })), 405, 'MethodNotAllowed')
    const theirs = new PutBucketPolicyCommand({ Bucket: bucket, Policy: text(allow()) })
    await refused(t, stranger.send(theirs), 405, 'MethodNotAllowed')
    await put(deny({ Action: 's3:*', Resource: all, Principal: '*' }))
    await refused(t, s3.send(new ListObjectsV2Command({ Bucket: bucket })), 403, 'AccessDenied')
    await put(allow())
    t.pass('no policy locks the owner out of changing it')
  },
)

t.test('GetObject, HeadObject: a missing key: 404 for who may list it, else 403 (quirk 34)', async (t) => {
  const list = allow({ Action: 's3:ListBucket', Resource: all[0] })
  await put(allow())
  await refused(t, get(stranger, 'missing'), 403, 'AccessDenied')
  await put(allow(), list)
  await refused(t, get(stranger, 'missing'), 404, 'NoSuchKey')
  const head = new HeadObjectCommand({ Bucket: bucket, Key: 'missing' })
  await refused(t, stranger.send(head), 404, 'NotFound')
  await put(allow(), { ...list, Condition: { StringLike: { 's3:prefix': 'mis*' } } })
  await refused(t, get(stranger, 'missing'), 404, 'NoSuchKey')
  await refused(t, get(stranger, 'other'), 403, 'AccessDenied')
})

t.test('ListObjectsV2: allowed under a prefix, a delimiter and a page size: only so', async (t) => {
  const Condition = { StringLike: { 's3:prefix': 'home/*' }, NumericLessThanEquals: { 's3:max-keys': '10' } }
  await put(allow({ Action: 's3:ListBucket', Resource: all[0], Condition }))
  const list = (more: object) => stranger.send(new ListObjectsV2Command({ Bucket: bucket, ...more }))
  t.equal((await list({ Prefix: 'home/a', MaxKeys: 10 })).KeyCount, 0)
  for (const more of [{}, { Prefix: 'home/a' }, { Prefix: 'hom', MaxKeys: 1 }, { Prefix: 'home/a', MaxKeys: 11 }]) {
    await refused(t, list(more), 403, 'AccessDenied', JSON.stringify(more))
  }
})

t.test('PutObject: conditions on what is asked: storage class, TLS, address, how it is signed', async (t) => {
  const write = (Condition: object) => put(allow({ Action: 's3:PutObject', Condition }))
  const store = (more: object = {}) =>
    stranger.send(new PutObjectCommand({ Bucket: bucket, Key: 'theirs', Body: 'x', ...more }))
  await write({ StringEquals: { 's3:x-amz-storage-class': 'REDUCED_REDUNDANCY' } })
  await store({ StorageClass: 'REDUCED_REDUNDANCY' })
  await refused(t, store(), 403, 'AccessDenied')
  await write({ IpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1/128'] } })
  await store()
  await write({ NotIpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1/128'] } })
  await refused(t, store(), 403, 'AccessDenied')
  await write({ Bool: { 'aws:SecureTransport': target.endpoint.protocol !== 'https:' } })
  await refused(t, store(), 403, 'AccessDenied')
  await write({ StringEquals: { 's3:authType': 'REST-HEADER', 's3:signatureversion': 'AWS4-HMAC-SHA256' } })
  await store()
  await write({ StringEquals: { 's3:authType': 'REST-QUERY-STRING' } })
  await refused(t, store(), 403, 'AccessDenied')
  await write({ StringEquals: { 'aws:userid': theirs, 'aws:PrincipalArn': `arn:aws:iam::${theirs}:root` } })
  await store()
  await write({ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } })
  await refused(t, store(), 403, 'AccessDenied')
})

t.test('GetObject: aws:SourceIp is not what X-Forwarded-For says (attack)', async (t) => {
  const name = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket: name, Key: 'key', Body: 'bytes' }))
  const Condition = { IpAddress: { 'aws:SourceIp': '192.0.2.7/32' } }
  const Policy = text(allow({ Principal: '*', Resource: `arn:aws:s3:::${name}/*`, Condition }))
  await s3.send(new PutBucketPolicyCommand({ Bucket: name, Policy }))
  for (const header of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'True-Client-IP']) {
    const value = header === 'Forwarded' ? 'for=192.0.2.7' : '192.0.2.7'
    refusedWire(t, await anonymous(`/${name}/key`, [[header, value]]), 403, 'AccessDenied', header)
  }
})

t.test('GetObject: policy variables stand for the caller', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `home/${theirs}/a`, Body: 'x' }))
  await put(allow({ Principal: { AWS: [own, theirs] }, Resource: `arn:aws:s3:::${bucket}/home/\${aws:userid}/*` }))
  t.ok(await get(stranger, `home/${theirs}/a`))
  await refused(t, get(stranger, 'home/${aws:userid}/a'), 403, 'AccessDenied')
  await refused(t, get(stranger, `home/${own}/a`), 403, 'AccessDenied')
})

t.test('CopyObject: the source’s policy is asked, too; DeleteObjects: each key is asked for', async (t) => {
  const mine = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket: mine, Key: 'secret', Body: 'x' }))
  await put(
    allow({ Action: 's3:PutObject' }),
    allow({ Action: 's3:DeleteObject', Resource: `arn:aws:s3:::${bucket}/tmp/*` }),
  )
  const copy = new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${mine}/secret` })
  await refused(t, stranger.send(copy), 403, 'AccessDenied')
  const Policy = text(allow({ Resource: `arn:aws:s3:::${mine}/*` }))
  await s3.send(new PutBucketPolicyCommand({ Bucket: mine, Policy }))
  t.ok((await stranger.send(copy)).CopyObjectResult?.ETag)
  const Objects = ['tmp/a', 'key', 'tmp/b'].map((Key) => ({ Key }))
  const done = await stranger.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
  t.same(done.Deleted?.map(({ Key }) => Key).sort(), ['tmp/a', 'tmp/b'])
  t.same(
    done.Errors?.map(({ Key, Code }) => [Key, Code]),
    [['key', 'AccessDenied']],
  )
  t.equal(await (await get(s3)).Body!.transformToString(), 'bytes', 'it is still there')
})

t.test('GetBucketPolicyStatus: public or not, by whom it lets in', async (t) => {
  const status = async () =>
    (await s3.send(new GetBucketPolicyStatusCommand({ Bucket: bucket }))).PolicyStatus?.IsPublic
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
  await refused(t, s3.send(new GetBucketPolicyStatusCommand({ Bucket: bucket })), 404, 'NoSuchBucketPolicy')
  await put(allow())
  t.equal(await status(), false)
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket: bucket }))
  await put(allow({ Principal: '*' }))
  t.equal(await status(), true)
  t.equal(String((await anonymous(`/${bucket}/key`)).body), 'bytes')
  await put(allow({ Principal: '*', Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }))
  t.equal(await status(), false)
  refusedWire(t, await anonymous(`/${bucket}/key`), 403, 'AccessDenied')
})
