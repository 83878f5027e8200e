import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, md5Base64 } from '../support/bytes.ts'
import { customerKey, type Kind, kinds, sourceCustomerKey } from '../support/encryption.ts'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingEncryption.html */
const suite = await openSuite(t)
const { s3, bucket, send, target } = suite
const KIB = 1024
const MIB = 1024 * KIB
/** Small and cached, of one stripe, and of many: what is encrypted is read in other ways. */
const bodies = { empty: bytes(0), small: bytes(1_000), stripe: bytes(190 * KIB), large: bytes(2 * MIB + 4_711) }
const encrypted = kinds(target.kmsKey).filter(({ name }) => name !== 'none')

const put = (Key: string, Body: Uint8Array | string, input: object = {}) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...input }))
const get = (Key: string, input: object = {}) => s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...input }))
const head = (Key: string, input: object = {}) => s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ...input }))
/** A HEAD's refusal has no body, and so no code. */
const statusOf = (call: Promise<unknown>): Promise<number | undefined> =>
  call.then(
    () => 200,
    (error) => error.$metadata?.httpStatusCode,
  )
const read = async (Key: string, input: object = {}) =>
  Buffer.from(await (await get(Key, input)).Body!.transformToByteArray())

for (const kind of encrypted) {
  t.test(
    `PutObject, GetObject, HeadObject: ${kind.name}: what was put comes back, and is said to be encrypted`,
    async (t) => {
      for (const [size, body] of Object.entries(bodies)) {
        const Key = `${kind.name}/${size}`
        const written = await put(Key, body, { ...kind.write, ChecksumAlgorithm: 'SHA256' })
        t.match(written, kind.told, `${size}: PutObject`)
        t.equal(written.ETag === `"${md5(body)}"`, kind.isEtagMd5, `${size}: the ETag is the MD5, or tells nothing`)
        for (const round of [1, 2, 3]) {
          const answer = await get(Key, kind.read)
          t.match(answer, kind.told, `${size}: GetObject`)
          const bytes = await answer.Body!.transformToByteArray()
          t.ok(Buffer.from(bytes).equals(body), `${size}: reading ${round}`)
        }
        const found = await head(Key, { ...kind.read, ChecksumMode: 'ENABLED' })
        t.match(found, { ...kind.told, ContentLength: body.length, ETag: written.ETag }, `${size}: HeadObject`)
        t.equal(found.ChecksumSHA256, written.ChecksumSHA256, `${size}: the checksum is the body's`)
      }
    },
  )

  t.test(`GetObject: ${kind.name}: ranges that begin and end at borders of blocks`, async (t) => {
    const body = bodies.large
    const Key = `${kind.name}/ranges`
    await put(Key, body, kind.write)
    const borders = [0, 17, 32 * KIB - 1, 32 * KIB, 192 * KIB, 192 * KIB + 5, body.length - 1]
    for (const first of borders) {
      for (const last of borders.filter((each) => each >= first)) {
        const part = await read(Key, { ...kind.read, Range: `bytes=${first}-${last}` })
        t.ok(part.equals(body.subarray(first, last + 1)), `${first}-${last}`)
      }
    }
    t.ok((await read(Key, { ...kind.read, Range: 'bytes=-7' })).equals(body.subarray(-7)))
  })

  t.test(`multipart upload: ${kind.name}: parts, copied parts, ranges over both`, async (t) => {
    const Key = `${kind.name}/multipart`
    const first = bytes(5 * MIB, 'first')
    const source = bytes(70 * KIB, 'source')
    await put('part-source', source, customerKey(9))
    const created = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key, ...kind.write }))
    const { UploadId, ...told } = created
    t.match(told, kind.told, 'CreateMultipartUpload')
    const ref = { Bucket: bucket, Key, UploadId }
    const one = await s3.send(new UploadPartCommand({ ...ref, PartNumber: 1, Body: first, ...kind.read }))
    t.match(one, kind.told, 'UploadPart')
    const copy = { ...ref, PartNumber: 2, CopySource: `${bucket}/part-source`, CopySourceRange: 'bytes=3-69999' }
    const two = await s3.send(new UploadPartCopyCommand({ ...copy, ...kind.read, ...sourceCustomerKey(9) }))
    t.match(two, kind.told, 'UploadPartCopy')
    t.equal(one.ETag === `"${md5(first)}"`, kind.isEtagMd5)
    const Parts = [one.ETag, two.CopyPartResult?.ETag].map((ETag, i) => ({ ETag, PartNumber: i + 1 }))
    const listed = await s3.send(new ListPartsCommand({ ...ref, ...kind.read }))
    t.same(
      listed.Parts?.map((part) => part.ETag),
      Parts.map((part) => part.ETag),
    )
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...ref, MultipartUpload: { Parts } }))
    t.match(done.ETag, /^"[0-9a-f]{32}-2"$/)
    t.equal(done.ServerSideEncryption, kind.told.ServerSideEncryption, 'CompleteMultipartUpload')
    const whole = Buffer.concat([first, source.subarray(3, 70_000)])
    t.ok((await read(Key, kind.read)).equals(whole))
    const around = first.length
    t.ok(
      (await read(Key, { ...kind.read, Range: `bytes=${around - 5}-${around + 5}` })).equals(
        whole.subarray(around - 5, around + 6),
      ),
    )
    t.match(await head(Key, { ...kind.read, PartNumber: 2 }), { ...kind.told, ContentLength: 69_997 })
  })
}

t.test('GetObject, HeadObject: an SSE-C object without its key, with another, with what is no key', async (t) => {
  await put('locked', 'secret', customerKey(1))
  await refused(t, get('locked'), 400, 'InvalidRequest', 'no key')
  await refused(t, get('locked', customerKey(2)), 403, 'AccessDenied', 'another key')
  for (const [input, status] of [
    [{}, 400],
    [customerKey(2), 403],
  ] as const) {
    t.equal(await statusOf(head('locked', input)), status)
  }
  const attributes = (input: object) =>
    s3.send(
      new GetObjectAttributesCommand({ Bucket: bucket, Key: 'locked', ObjectAttributes: ['ObjectSize'], ...input }),
    )
  await refused(t, attributes({}), 400, 'InvalidRequest', 'GetObjectAttributes: no key')
  t.equal((await attributes(customerKey(1))).ObjectSize, 6)
  // The key is judged before anything is said of the object.
  await refused(t, get('locked', { IfNoneMatch: '*' }), 400, 'InvalidRequest', 'a condition tells nothing')
  t.equal(String(await read('locked', customerKey(1))), 'secret')
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'locked' }))
  await refused(t, get('locked', customerKey(1)), 404, 'NoSuchKey', 'gone, without any key')
})

t.test('GetObject, HeadObject: a key for what is not under one: 400 InvalidRequest', async (t) => {
  await put('plain', 'x')
  await put('stores', 'x', { ServerSideEncryption: 'AES256' })
  for (const Key of ['plain', 'stores']) {
    await refused(t, get(Key, customerKey(1)), 400, 'InvalidRequest', Key)
    t.equal(await statusOf(head(Key, customerKey(1))), 400)
  }
})

const ALGORITHM = 'x-amz-server-side-encryption-customer-algorithm'
const KEY = 'x-amz-server-side-encryption-customer-key'
const MD5 = 'x-amz-server-side-encryption-customer-key-MD5'
const SSE = 'x-amz-server-side-encryption'
const key = Buffer.alloc(32, 5)
const sound = { [ALGORITHM]: 'AES256', [KEY]: key.toString('base64'), [MD5]: md5Base64(key) }
const short = Buffer.alloc(16, 5)

const bad: [what: string, headers: Record<string, string>, code: string][] = [
  ['a key without its algorithm', { [KEY]: sound[KEY]!, [MD5]: sound[MD5]! }, 'InvalidArgument'],
  ['an algorithm without a key', { [ALGORITHM]: 'AES256' }, 'InvalidArgument'],
  ['a key without its MD5', { [ALGORITHM]: 'AES256', [KEY]: sound[KEY]! }, 'InvalidArgument'],
  ['a key with the MD5 of another', { ...sound, [MD5]: md5Base64(Buffer.from('another')) }, 'InvalidArgument'],
  ['a key of 128 bits', { ...sound, [KEY]: short.toString('base64'), [MD5]: md5Base64(short) }, 'InvalidArgument'],
  ['another algorithm', { ...sound, [ALGORITHM]: 'AES128' }, 'InvalidEncryptionAlgorithmError'],
  ['a customer key and SSE-S3', { ...sound, [SSE]: 'AES256' }, 'InvalidArgument'],
  ['an unknown method', { [SSE]: 'aes:kms' }, 'InvalidArgument'],
  ['a KMS key without aws:kms', { [`${SSE}-aws-kms-key-id`]: 'some' }, 'InvalidArgument'],
  ['a KMS key with AES256', { [SSE]: 'AES256', [`${SSE}-aws-kms-key-id`]: 'some' }, 'InvalidArgument'],
  ['a context that is none', { [SSE]: 'aws:kms', [`${SSE}-context`]: 'bm9uZQ==' }, 'InvalidArgument'],
  [
    'a KMS key that nobody has',
    { [SSE]: 'aws:kms', [`${SSE}-aws-kms-key-id`]: 'nobody-has-it' },
    'KMS.NotFoundException',
  ],
]
for (const [what, headers, code] of bad) {
  t.test(`PutObject, CreateMultipartUpload, CopyObject: ${what}: 400 ${code}, nothing stored`, async (t) => {
    await put('copy-source', 'x')
    const path = `/${bucket}/bad`
    refusedWire(t, await send({ method: 'PUT', path, body: 'x', headers }), 400, code)
    refusedWire(t, await send({ method: 'POST', path: `${path}?uploads`, headers }), 400, code)
    const copy = { ...headers, 'x-amz-copy-source': `/${bucket}/copy-source` }
    refusedWire(t, await send({ method: 'PUT', path, headers: copy }), 400, code)
    t.equal((await send({ method: 'HEAD', path })).status, 404)
  })
}

t.test('PutObject: aws:kms:dsse: 501, for it is not done', async (t) => {
  const headers = { [SSE]: 'aws:kms:dsse' }
  refusedWire(t, await send({ method: 'PUT', path: `/${bucket}/bad`, body: 'x', headers }), 501, 'NotImplemented')
})

t.test('PutObject: SSE-KMS with a context and a bucket key: both are said back', async (t) => {
  const context = Buffer.from('{"for":"books"}').toString('base64')
  const written = await put('kms', 'x', {
    ServerSideEncryption: 'aws:kms',
    SSEKMSEncryptionContext: context,
    BucketKeyEnabled: true,
  })
  t.match(written, { SSEKMSEncryptionContext: context, BucketKeyEnabled: true, SSEKMSKeyId: 'aws/s3' })
  t.match(await head('kms'), { BucketKeyEnabled: true })
  t.equal(String(await read('kms')), 'x')
})

t.test('GetObject, HeadObject, DeleteObject, UploadPart: asking for SSE-S3: 400 InvalidArgument', async (t) => {
  await put('asked', 'x')
  const headers = { [SSE]: 'AES256' }
  for (const method of ['GET', 'DELETE']) {
    refusedWire(t, await send({ method, path: `/${bucket}/asked`, headers }), 400, 'InvalidArgument', method)
  }
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/asked`, headers })).status, 400)
})

t.test('UploadPart: a customer key that is missing, another, or not asked for: 400 InvalidRequest', async (t) => {
  const create = async (input: object) =>
    (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'parts', ...input }))).UploadId
  const upload = (UploadId: string | undefined, input: object) =>
    s3.send(new UploadPartCommand({ Bucket: bucket, Key: 'parts', UploadId, PartNumber: 1, Body: 'x', ...input }))
  const locked = await create(customerKey(1))
  await refused(t, upload(locked, {}), 400, 'InvalidRequest', 'missing')
  await refused(t, upload(locked, customerKey(2)), 400, 'InvalidRequest', 'another')
  for (const input of [{}, { ServerSideEncryption: 'AES256' }]) {
    await refused(t, upload(await create(input), customerKey(1)), 400, 'InvalidRequest', 'not asked for')
  }
  await upload(locked, customerKey(1))
})

t.test('UploadPartCopy: a source under a customer key, without it or with another', async (t) => {
  await put('source', bytes(1_000), customerKey(3))
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'parts' }))
  const copy = (input: object) => {
    const ref = { Bucket: bucket, Key: 'parts', UploadId, PartNumber: 1, CopySource: `${bucket}/source` }
    return s3.send(new UploadPartCopyCommand({ ...ref, ...input }))
  }
  await refused(t, copy({}), 400, 'InvalidRequest', 'no key')
  await refused(t, copy(sourceCustomerKey(4)), 403, 'AccessDenied', 'another key')
  await copy(sourceCustomerKey(3))
})

t.test('ListObjectsV2: encrypted objects are listed with the size and ETag that HEAD tells', async (t) => {
  const Prefix = 'listed/'
  for (const kind of encrypted as Kind[]) await put(`${Prefix}${kind.name}`, bodies.small, kind.write)
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }))
  t.equal(Contents.length, encrypted.length)
  for (const kind of encrypted) {
    const found = Contents.find(({ Key }) => Key === `${Prefix}${kind.name}`)
    const { ETag } = await head(`${Prefix}${kind.name}`, kind.read)
    t.match(found, { Size: bodies.small.length, ETag }, kind.name)
  }
})

t.test('PutObject: Content-MD5 is judged on what was sent, encrypted or not', async (t) => {
  for (const kind of encrypted) {
    const wrong = put('proven', 'x', { ...kind.write, ContentMD5: md5Base64(Buffer.from('y')) })
    await refused(t, wrong, 400, 'BadDigest', kind.name)
    await put('proven', 'x', { ...kind.write, ContentMD5: md5Base64(Buffer.from('x')) })
  }
})
