import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { PutBucketTaggingCommand } from '@aws-sdk/client-s3'
import { Client, CopyDestinationOptions, CopySourceOptions, type RemoveOptions, type S3Error } from 'minio'
import t from 'tap'
import { bytes, md5, sha256 } from '../support/bytes.ts'
import { customerKey } from '../support/encryption.ts'
import { postForm } from '../support/forms.ts'
import { openSuite } from '../support/suite.ts'
import { putTlsBefore } from '../support/tls-front.ts'

/** minio-js: versions, object lock, encryption, forms, and what is set for a bucket. */
const suite = await openSuite(t)
const { bucket } = suite
const plain = suite.target.endpoint
/** By https: by http it sends no Content-MD5, and S3 takes nothing without one that is to be locked. */
const secure = await putTlsBefore(t, suite.target, t.testdir())
const agent = new Agent(secure.certificate === undefined ? {} : { ca: await readFile(secure.certificate) })
t.teardown(() => agent.destroy())
const client = new Client({
  endPoint: secure.endpoint.hostname,
  port: Number(secure.endpoint.port),
  accessKey: suite.target.owner.accessKeyId,
  secretKey: suite.target.owner.secretAccessKey,
  transportAgent: agent,
})
const anybody = (key: string) => fetch(new URL(`/${bucket}/${key}`, plain))
const MIB = 1024 * 1024

const read = async (Bucket: string, key: string, versionId?: string) =>
  (await buffer(await client.getObject(Bucket, key, versionId === undefined ? {} : { versionId }))).toString()

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: S3Error) => error.code,
  )

interface Listed {
  name: string
  versionId: string
  isDeleteMarker?: boolean
}
const versionsOf = async (Bucket: string) =>
  (await client.listObjects(Bucket, '', true, { IncludeVersion: true }).toArray()) as Listed[]

t.test('minio-js versions: listed with markers, read by id, restored by a copy, deleted by id', async (t) => {
  const Bucket = await suite.newBucket()
  await client.setBucketVersioning(Bucket, { Status: 'Enabled' })
  t.match(await client.getBucketVersioning(Bucket), { Status: 'Enabled' })
  const first = (await client.putObject(Bucket, 'a b+ü', 'first')).versionId!
  const second = (await client.putObject(Bucket, 'a b+ü', 'second')).versionId!
  await client.removeObject(Bucket, 'a b+ü')
  t.equal(await codeOf(client.getObject(Bucket, 'a b+ü')), 'NoSuchKey')
  const listed = await versionsOf(Bucket)
  const marker = listed.find(({ isDeleteMarker }) => isDeleteMarker)!.versionId
  t.same(new Set(listed.map(({ versionId }) => versionId)), new Set([first, second, marker]))
  t.ok(listed.every(({ name }) => name === 'a b+ü'))
  t.equal(await read(Bucket, 'a b+ü', first), 'first')
  t.match(await client.statObject(Bucket, 'a b+ü', { versionId: second }), { size: 6, versionId: second })

  const source = new CopySourceOptions({ Bucket, Object: 'a b+ü', VersionID: first })
  await client.copyObject(source, new CopyDestinationOptions({ Bucket, Object: 'a b+ü' }))
  t.equal(await read(Bucket, 'a b+ü'), 'first', 'restored')
  await client.removeObject(Bucket, 'a b+ü', { versionId: first })
  t.equal(await codeOf(client.getObject(Bucket, 'a b+ü', { versionId: first })), 'NoSuchVersion')
  await client.setObjectTagging(Bucket, 'a b+ü', { a: 'old' }, { versionId: second })
  t.same(await client.getObjectTagging(Bucket, 'a b+ü', { versionId: second }), [{ Key: 'a', Value: 'old' }])
  t.same(await client.getObjectTagging(Bucket, 'a b+ü'), [])
  const all = (await versionsOf(Bucket)).map(({ name, versionId }) => ({ name, versionId }))
  await client.removeObjects(Bucket, all)
  t.same(await versionsOf(Bucket), [])
})

t.test(
  'minio-js object lock: retention and legal hold are told; no way to delete but hold off and a bypass',
  async (t) => {
    const Bucket = suite.newBucketName()
    await client.makeBucket(Bucket, '', { ObjectLocking: true })
    await client.setObjectLockConfig(Bucket, { mode: 'GOVERNANCE', unit: 'Days', validity: 3 } as never)
    t.match(await client.getObjectLockConfig(Bucket), { mode: 'GOVERNANCE', unit: 'Days', validity: 3 })
    const versionId = (await client.putObject(Bucket, 'k', 'kept')).versionId!
    t.match(await client.getObjectRetention(Bucket, 'k', { versionId }), { mode: 'GOVERNANCE' })
    const in9Days = `${new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 19)}Z`
    await client.putObjectRetention(Bucket, 'k', { mode: 'GOVERNANCE', retainUntilDate: in9Days, versionId } as never)
    const kept = (await client.getObjectRetention(Bucket, 'k', { versionId })) as { retainUntilDate: string }
    t.equal(new Date(kept.retainUntilDate).getTime(), new Date(in9Days).getTime())
    await client.setObjectLegalHold(Bucket, 'k', { versionId, status: 'ON' })
    t.same(await client.getObjectLegalHold(Bucket, 'k', { versionId }), { Status: 'ON' })

    const remove = (more: RemoveOptions = {}) => codeOf(client.removeObject(Bucket, 'k', { versionId, ...more }))
    t.equal(await remove(), 'AccessDenied')
    t.equal(await remove({ governanceBypass: true }), 'AccessDenied', 'a hold is not bypassed')
    const [refused] = (await client.removeObjects(Bucket, [{ name: 'k', versionId }])) as { Code: string }[]
    t.match(JSON.stringify(refused), /AccessDenied/)
    await client.setObjectLegalHold(Bucket, 'k', { versionId, status: 'OFF' })
    t.equal(await remove(), 'AccessDenied', 'still retained')
    t.equal(await read(Bucket, 'k', versionId), 'kept')
    t.equal(await remove({ governanceBypass: true }), 'no error')
    t.same(await versionsOf(Bucket), [])
  },
)

t.test('minio-js SSE-C: put whole, read by range; without the key, or with another: refused', async (t) => {
  const data = bytes(MIB + 3, 'secret')
  const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = customerKey(7)
  await client.putObject(bucket, 'secret', data, data.length, {
    'X-Amz-Server-Side-Encryption-Customer-Algorithm': SSECustomerAlgorithm,
    'X-Amz-Server-Side-Encryption-Customer-Key': SSECustomerKey,
    'X-Amz-Server-Side-Encryption-Customer-Key-MD5': SSECustomerKeyMD5,
  })
  t.equal(sha256(await buffer(await client.getObject(bucket, 'secret', customerKey(7)))), sha256(data))
  const piece = await buffer(await client.getPartialObject(bucket, 'secret', 70_000, 100, customerKey(7)))
  t.same(piece, data.subarray(70_000, 70_100))
  t.equal(await codeOf(client.getObject(bucket, 'secret')), 'InvalidRequest')
  t.equal(await codeOf(client.getObject(bucket, 'secret', customerKey(8))), 'AccessDenied')
})

t.test('minio-js setBucketEncryption, getBucketEncryption: what is put is encrypted, and read as it was', async (t) => {
  const missing = await codeOf(client.getBucketEncryption(bucket))
  t.equal(missing, 'ServerSideEncryptionConfigurationNotFoundError')
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
  await client.setBucketEncryption(bucket, { Rule: [rule] })
  // The client makes lists of one into what is in them.
  t.match(await client.getBucketEncryption(bucket), { ServerSideEncryptionConfiguration: { Rule: rule } })
  const data = bytes(70_000, 'encrypted')
  await client.putObject(bucket, 'encrypted', data)
  const { metaData, etag } = await client.statObject(bucket, 'encrypted')
  t.match([metaData, etag], [{ 'x-amz-server-side-encryption': 'AES256' }, md5(data)])
  t.equal(sha256(await buffer(await client.getObject(bucket, 'encrypted'))), sha256(data))
  await client.removeBucketEncryption(bucket)
  t.equal(await codeOf(client.getBucketEncryption(bucket)), missing)
})

t.test('minio-js presignedPostPolicy: a form stores the file; too large, or not by the policy: refused', async (t) => {
  const policy = client.newPostPolicy()
  policy.setBucket(bucket)
  policy.setKeyStartsWith('form/')
  policy.setContentType('text/x-form')
  policy.setContentLengthRange(1, 70_000)
  policy.setUserMetaData({ shade: 'blue' })
  policy.setExpires(new Date(Date.now() + 60_000))
  const { postURL, formData } = await client.presignedPostPolicy(policy)
  t.equal(new URL(postURL).pathname, `/${bucket}`)
  const url = new URL(`/${bucket}`, plain)
  const data = bytes(70_000, 'form')
  const fields = { ...formData, key: 'form/ü a+b' } as Record<string, string>
  const answer = await postForm(url, fields, { bytes: data })
  t.equal(answer.status, 204, await answer.text())
  t.equal(sha256(await buffer(await client.getObject(bucket, 'form/ü a+b'))), sha256(data))
  t.match(await client.statObject(bucket, 'form/ü a+b'), {
    etag: md5(data),
    metaData: { 'content-type': 'text/x-form', shade: 'blue' },
  })
  const send = async (more: Record<string, string>, file = data) =>
    (await postForm(url, { ...fields, ...more }, { bytes: file })).status
  t.equal(await send({}, bytes(70_001, 'form')), 400)
  t.equal(await send({ key: 'elsewhere' }), 403)
  t.equal(await send({ 'x-amz-meta-shade': 'red' }), 403)
  t.equal(await codeOf(client.statObject(bucket, 'elsewhere')), 'NotFound')
})

t.test(
  'minio-js setBucketPolicy: refused while public access is blocked; for one address: anybody from there',
  async (t) => {
    await client.putObject(bucket, 'open/a', 'x')
    await client.putObject(bucket, 'closed/a', 'x')
    const statement = {
      Effect: 'Allow',
      Principal: { AWS: ['*'] },
      Action: ['s3:GetObject'],
      Resource: [`arn:aws:s3:::${bucket}/open/*`],
    }
    const policy = (more: object) => JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, ...more }] })
    t.equal(await codeOf(client.setBucketPolicy(bucket, policy({}))), 'AccessDenied')
    const near = policy({ Condition: { IpAddress: { 'aws:SourceIp': ['127.0.0.0/8', '::1/128'] } } })
    await client.setBucketPolicy(bucket, near)
    t.same(JSON.parse(await client.getBucketPolicy(bucket)), JSON.parse(near))
    t.equal(await (await anybody('open/a')).text(), 'x')
    t.equal((await anybody('closed/a')).status, 403)
    await client.setBucketPolicy(bucket, '')
    t.equal((await anybody('open/a')).status, 403)
    t.equal(await codeOf(client.getBucketPolicy(bucket)), 'NoSuchBucketPolicy')
  },
)

t.test('minio-js lifecycle, notification, tags of a bucket: set, given back as they were, taken away', async (t) => {
  t.equal(await codeOf(client.getBucketLifecycle(bucket)), 'NoSuchLifecycleConfiguration')
  const Rule = [
    { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'log/' }, Expiration: { Days: 3 } },
    { ID: 'former', Status: 'Disabled', Filter: '', NoncurrentVersionExpiration: { NoncurrentDays: 30 } },
  ]
  await client.setBucketLifecycle(bucket, { Rule } as never)
  t.match(await client.getBucketLifecycle(bucket), {
    Rule: [
      { ID: 'logs', Status: 'Enabled', Filter: { Prefix: 'log/' }, Expiration: { Days: '3' } },
      { ID: 'former', Status: 'Disabled', NoncurrentVersionExpiration: { NoncurrentDays: '30' } },
    ],
  })
  await client.removeBucketLifecycle(bucket)
  t.equal(await codeOf(client.getBucketLifecycle(bucket)), 'NoSuchLifecycleConfiguration')

  const queue = {
    Id: 'images',
    Queue: 'arn:sextant:sqs::somewhere:webhook',
    Event: ['s3:ObjectCreated:*'],
    Filter: { S3Key: { FilterRule: [{ Name: 'prefix', Value: 'in/' }] } },
  }
  await client.setBucketNotification(bucket, { QueueConfiguration: [queue] } as never)
  const told = JSON.stringify(await client.getBucketNotification(bucket))
  for (const value of ['images', queue.Queue, ...queue.Event, 'in/']) t.match(told, JSON.stringify(value))
  await client.removeAllBucketNotification(bucket)
  t.notMatch(JSON.stringify(await client.getBucketNotification(bucket)), /images/)

  // Its setBucketTagging is no use at S3, which answers 204: it takes that for an error.
  const TagSet = [
    { Key: 'größe +/=.', Value: '日本 1' },
    { Key: 'a', Value: '' },
  ]
  await suite.s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet } }))
  t.same(await client.getBucketTagging(bucket), TagSet)
  await client.removeBucketTagging(bucket)
  t.equal(await codeOf(client.getBucketTagging(bucket)), 'NoSuchTagSet')
})
