import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { checksum } from '../support/checksums.ts'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3 } = suite
const stranger = suite.otherClient()

t.test(
  'DeleteObject: an ACL that lets another account write gives it no leave to bypass a retention (attack)',
  async (t) => {
    const [own, theirs] = await Promise.all(
      [s3, stranger].map(async (client) => (await client.send(new ListBucketsCommand({}))).Owner!.ID!),
    )
    const Bucket = suite.newBucketName()
    await s3.send(
      new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true, ObjectOwnership: 'ObjectWriter' }),
    )
    await s3.send(new PutBucketAclCommand({ Bucket, GrantWrite: `id=${theirs}`, GrantFullControl: `id=${own}` }))
    const policy = (...Action: string[]) => ({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${theirs}:root` },
          Action,
          Resource: `arn:aws:s3:::${Bucket}/*`,
        },
      ],
    })
    const allow = (...actions: string[]) =>
      s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(policy(...actions)) }))
    const Retain = {
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
    } as const
    const put = new PutObjectCommand({ Bucket, Key: 'held', Body: 'x', ChecksumAlgorithm: 'CRC32', ...Retain })
    const { VersionId } = await s3.send(put)
    const remove = () =>
      stranger.send(new DeleteObjectCommand({ Bucket, Key: 'held', VersionId, BypassGovernanceRetention: true }))
    await allow('s3:DeleteObjectVersion')
    await refused(t, remove(), 403, 'AccessDenied')
    t.ok(await s3.send(new HeadObjectCommand({ Bucket, Key: 'held', VersionId })))
    await allow('s3:DeleteObjectVersion', 's3:BypassGovernanceRetention')
    await remove()
    await refused(t, s3.send(new HeadObjectCommand({ Bucket, Key: 'held', VersionId })), 404, 'NotFound')
  },
)

t.test(
  'UploadPart: of what will be locked: without Content-MD5 or checksum 400 InvalidRequest; else taken',
  async (t) => {
    const Bucket = suite.newBucketName()
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    const begin = async (lock: Record<string, string>) => {
      const headers = { ...lock, 'x-amz-checksum-algorithm': 'CRC32' }
      const { body } = await suite.send({ method: 'POST', path: `/${Bucket}/key?uploads`, headers })
      return element(body, 'UploadId')
    }
    const put = (uploadId: string | undefined, headers: Record<string, string> = {}) =>
      suite.send({ method: 'PUT', path: `/${Bucket}/key?partNumber=1&uploadId=${uploadId}`, body: 'part', headers })
    const held = await begin({ 'x-amz-object-lock-legal-hold': 'ON' })
    const bare = await put(held)
    refusedWire(t, bare, 400, 'InvalidRequest')
    t.match(element(bare.body, 'Message'), /required for Put Part requests with Object Lock parameters/)
    t.equal((await put(held, { 'Content-MD5': md5Base64(Buffer.from('part')) })).status, 200)
    t.equal((await put(held, { 'x-amz-checksum-crc32': checksum('CRC32', Buffer.from('part')) })).status, 200)
    t.equal((await put(await begin({}))).status, 200, 'what will not be locked needs no proof')
    refusedWire(t, await put('00000000-0000-7000-8000-000000000000'), 404, 'NoSuchUpload')
  },
)
