import {
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { customerKey } from '../support/encryption.ts'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const configure = (...Rules: ServerSideEncryptionRule[]) =>
  s3.send(new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules } }))
const configured = async () =>
  (await s3.send(new GetBucketEncryptionCommand({ Bucket: bucket }))).ServerSideEncryptionConfiguration?.Rules
const remove = () => s3.send(new DeleteBucketEncryptionCommand({ Bucket: bucket }))
const put = (Key: string, input: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', ...input }))
const byDefault = (SSEAlgorithm: string, KMSMasterKeyID?: string): ServerSideEncryptionRule => ({
  ApplyServerSideEncryptionByDefault: { SSEAlgorithm: SSEAlgorithm as 'AES256', KMSMasterKeyID },
})

t.test('GetBucketEncryption: none was put: 404 ServerSideEncryptionConfigurationNotFoundError', async (t) => {
  await refused(t, configured(), 404, 'ServerSideEncryptionConfigurationNotFoundError')
  t.equal((await put('before')).ServerSideEncryption, undefined)
})

t.test('PutBucketEncryption: AES256: given back, and what is put from then on is encrypted', async (t) => {
  await configure(byDefault('AES256'))
  t.match(await configured(), [
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
  ])
  t.equal((await put('by-default')).ServerSideEncryption, 'AES256')
  const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'upload' }))
  t.equal(upload.ServerSideEncryption, 'AES256')
  const read = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'by-default' }))
  t.equal(await read.Body?.transformToString(), 'x')
  const before = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'before' }))
  t.equal(before.ServerSideEncryption, undefined, 'what was there is as it was')
})

t.test('PutBucketEncryption: aws:kms with a bucket key: what a request says itself counts more', async (t) => {
  await configure({ ...byDefault('aws:kms'), BucketKeyEnabled: true })
  t.match(await configured(), [
    { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' }, BucketKeyEnabled: true },
  ])
  const written = { ServerSideEncryption: 'aws:kms', BucketKeyEnabled: true, SSEKMSKeyId: 'aws/s3' }
  t.match(await put('kms'), written)
  t.match(await put('kms', { BucketKeyEnabled: false }), {
    ServerSideEncryption: 'aws:kms',
    BucketKeyEnabled: undefined,
  })
  t.match(await put('own', { ServerSideEncryption: 'AES256' }), { ServerSideEncryption: 'AES256' })
  t.match(await put('own', customerKey(1)), { SSECustomerAlgorithm: 'AES256', ServerSideEncryption: undefined })
})

t.test('PutBucketEncryption: customer keys blocked: 403 for those who use them, on every write', async (t) => {
  const BlockedEncryptionTypes = { EncryptionType: ['SSE-C' as const] }
  await configure({ ...byDefault('AES256'), BlockedEncryptionTypes })
  t.match(await configured(), [{ BlockedEncryptionTypes }])
  await refused(t, put('blocked', customerKey(1)), 403, 'AccessDenied')
  const create = new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'blocked', ...customerKey(1) })
  await refused(t, s3.send(create), 403, 'AccessDenied')
  await configure({ ...byDefault('AES256'), BlockedEncryptionTypes: { EncryptionType: ['NONE'] } })
  await put('blocked', customerKey(1))
})

t.test('DeleteBucketEncryption: as before; once more is no error', async (t) => {
  await remove()
  await refused(t, configured(), 404, 'ServerSideEncryptionConfigurationNotFoundError')
  t.equal((await remove()).$metadata.httpStatusCode, 204)
  t.equal((await put('after')).ServerSideEncryption, undefined)
  await refused(t, s3.send(new GetBucketEncryptionCommand({ Bucket: suite.newBucketName() })), 404, 'NoSuchBucket')
})

const rule = (inner: string) =>
  `<Rule><ApplyServerSideEncryptionByDefault>${inner}</ApplyServerSideEncryptionByDefault></Rule>`
const aes = rule('<SSEAlgorithm>AES256</SSEAlgorithm>')
const documents: Record<string, [rules: string, status: number, code: string]> = {
  'no rule': ['', 400, 'MalformedXML'],
  'two rules': [aes + aes, 400, 'MalformedXML'],
  'an unknown algorithm': [rule('<SSEAlgorithm>ROT13</SSEAlgorithm>'), 400, 'MalformedXML'],
  'a KMS key for AES256': [
    rule('<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>some</KMSMasterKeyID>'),
    400,
    'InvalidArgument',
  ],
  'a KMS key that nobody has': [
    rule('<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>nobody-has-it</KMSMasterKeyID>'),
    400,
    'KMS.NotFoundException',
  ],
  'double encryption': [rule('<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>'), 501, 'NotImplemented'],
}
for (const [what, [rules, status, code]] of Object.entries(documents)) {
  t.test(`PutBucketEncryption: ${what}: ${status} ${code}, nothing changes`, async (t) => {
    const body = `<ServerSideEncryptionConfiguration>${rules}</ServerSideEncryptionConfiguration>`
    const headers = { 'Content-MD5': md5Base64(Buffer.from(body)) }
    refusedWire(t, await send({ method: 'PUT', path: `/${bucket}?encryption`, body, headers }), status, code)
    await refused(t, configured(), 404, 'ServerSideEncryptionConfigurationNotFoundError')
  })
}
