import { hash } from 'node:crypto'
import {
  CreateBucketCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { startS3 } from '../support/s3-server.ts'

const Bucket = 'bucket'
const key = Buffer.from('a key of a customer, 32 bytes!!!')
const coded = key.toString('base64')
const customerKey = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: coded,
  SSECustomerKeyMD5: hash('md5', key, 'base64'),
}

t.test('PutObject, GetObject: a customer key over plain http: 400, unless that is allowed', async (t) => {
  await using s3 = await startS3({ settings: { allowsCustomerKeysOverHttp: false } })
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  const refusal = { name: 'InvalidRequest', message: /must be made over a secure connection/ }
  await t.rejects(s3.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...customerKey })), refusal)
  await s3.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  await t.rejects(s3.client.send(new GetObjectCommand({ Bucket, Key: 'k', ...customerKey })), refusal)
})

t.test('a store that encrypts by default says so of buckets and objects, and a bucket may say otherwise', async (t) => {
  await using s3 = await startS3({ settings: { defaultEncryption: 'AES256' } })
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  const put = (input: object = {}) => s3.client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...input }))
  t.equal((await put()).ServerSideEncryption, 'AES256')
  const { ServerSideEncryptionConfiguration } = await s3.client.send(new GetBucketEncryptionCommand({ Bucket }))
  t.match(ServerSideEncryptionConfiguration?.Rules, [
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } },
  ])
  t.equal((await put(customerKey)).ServerSideEncryption, undefined)
  t.equal((await put({ ServerSideEncryption: 'aws:kms' })).ServerSideEncryption, 'aws:kms')
})

t.test('a customer key is in no log, whatever is refused and why', async (t) => {
  await using s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  const said: unknown[] = []
  const attempt = async (client: S3Client, input: object) => {
    const call = client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...customerKey, ...input }))
    said.push(await call.catch((error: unknown) => error))
  }
  await attempt(s3.client, {})
  await attempt(s3.client, { SSECustomerKeyMD5: hash('md5', 'another', 'base64') })
  await attempt(s3.client, { SSECustomerAlgorithm: 'ROT13' })
  await attempt(s3.client, { ServerSideEncryption: 'AES256' })
  await attempt(s3.other, {})
  s3.engine.before = async (method) => {
    if (method === 'putObject') throw new Error('a bug')
  }
  await attempt(s3.client, {})
  const forged = { accessKeyId: s3.key.accessKeyId, secretAccessKey: 'wrong' }
  const forger = new S3Client({
    ...{ endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, credentials: forged },
  })
  await attempt(forger, {})
  forger.destroy()
  t.equal(said.length, 7)
  t.ok(s3.records.length >= said.length)
  for (const secret of [coded, key.toString('hex'), String(key)]) {
    t.notOk(JSON.stringify([s3.logged, s3.records]).includes(secret))
  }
})
