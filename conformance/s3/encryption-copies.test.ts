import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5 } from '../support/bytes.ts'
import { kinds, sourceCustomerKey } from '../support/encryption.ts'
import { openSuite, refused } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, target } = suite
const all = kinds(target.kmsKey)
const sizes = [0, 300_007]

const copyOf = (source: string, Key: string, input: object) =>
  s3.send(
    new CopyObjectCommand({ Bucket: bucket, Key, CopySource: `${bucket}/${encodeURIComponent(source)}`, ...input }),
  )

for (const from of all) {
  t.test(`CopyObject: from ${from.name} to each other way: bytes, headers, metadata, checksum`, async (t) => {
    for (const size of sizes) {
      const body = bytes(size, from.name)
      const source = `${from.name}/${size}`
      const attributes = {
        ContentType: 'text/x-kept',
        Metadata: { colour: 'red' },
        ChecksumAlgorithm: 'CRC32C',
      } as const
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: source, Body: body, ...attributes, ...from.write }))
      const before = await s3.send(
        new HeadObjectCommand({ Bucket: bucket, Key: source, ...from.read, ChecksumMode: 'ENABLED' }),
      )
      for (const to of all) {
        const Key = `${source}-to-${to.name}`
        const what = `${to.name}, ${size} bytes`
        const copied = await copyOf(source, Key, { ...from.source, ...to.write })
        t.match(copied, to.told, `${what}: CopyObject`)
        const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ...to.read, ChecksumMode: 'ENABLED' }))
        t.match(found, { ...to.told, ContentType: 'text/x-kept', Metadata: { colour: 'red' } }, `${what}: HeadObject`)
        t.equal(found.ChecksumCRC32C, before.ChecksumCRC32C, `${what}: the checksum`)
        t.equal(found.ETag, copied.CopyObjectResult?.ETag)
        if (to.isEtagMd5) t.equal(found.ETag, `"${md5(body)}"`, `${what}: the ETag is the MD5`)
        const read = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...to.read }))
        t.ok(Buffer.from(await read.Body!.transformToByteArray()).equals(body), `${what}: the bytes`)
      }
    }
  })
}

t.test('CopyObject: a source under a customer key, without it or with another: refused', async (t) => {
  const from = all.find(({ name }) => name === 'SSE-C 1')!
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'locked', Body: 'x', ...from.write }))
  await refused(t, copyOf('locked', 'copy', {}), 400, 'InvalidRequest', 'no key')
  await refused(t, copyOf('locked', 'copy', sourceCustomerKey(2)), 403, 'AccessDenied', 'another key')
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'open', Body: 'x' }))
  await refused(t, copyOf('open', 'copy', sourceCustomerKey(1)), 400, 'InvalidRequest', 'a key for nothing')
})

t.test('CopyObject: onto itself with another encryption is a change, and done', async (t) => {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'self', Body: 'same' }))
  await refused(t, copyOf('self', 'self', {}), 400, 'InvalidRequest', 'without a change')
  for (const ServerSideEncryption of ['AES256', 'aws:kms'] as const) {
    t.match(await copyOf('self', 'self', { ServerSideEncryption }), { ServerSideEncryption })
    const read = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'self' }))
    t.match(read, { ServerSideEncryption })
    t.equal(await read.Body?.transformToString(), 'same')
  }
})

t.test('CopyObject: the source is overwritten: a copy that shares its bytes keeps its own key to them', async (t) => {
  const input = { ServerSideEncryption: 'AES256' } as const
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'shared', Body: 'before', ...input }))
  await copyOf('shared', 'kept', input)
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'shared', Body: 'after', ...input }))
  const read = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'kept' }))
  t.equal(await read.Body?.transformToString(), 'before')
})
