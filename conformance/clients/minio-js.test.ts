import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type BucketItem, Client, CopyDestinationOptions, CopySourceOptions, type S3Error } from 'minio'
import t from 'tap'
import { bytes, md5, sha256 } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

/** minio-js, told where the store is and whose it is; the rest is its default. */
const suite = await openSuite(t)
const { bucket } = suite
const { endpoint, owner } = suite.target
const client = new Client({
  endPoint: endpoint.hostname,
  port: Number(endpoint.port),
  useSSL: endpoint.protocol === 'https:',
  accessKey: owner.accessKeyId,
  secretKey: owner.secretAccessKey,
})
const MIB = 1024 * 1024
const odd = ['with space', 'ünï/日本語', 'a+b', '100%', '%2F', 'a&b=c;d', 'q?x#y', "'(*)!~"]
const inByteOrder = (keys: string[]) => keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

const read = async (key: string) => await buffer(await client.getObject(bucket, key))

async function listed(prefix: string, recursive: boolean): Promise<(string | undefined)[]> {
  const items = (await client.listObjectsV2(bucket, prefix, recursive).toArray()) as BucketItem[]
  return items.map((item) => item.name ?? item.prefix)
}

/** As from a disk, in pieces. */
const streamOf = (data: Buffer) =>
  Readable.from(Array.from({ length: Math.ceil(data.length / MIB) }, (_, n) => data.subarray(n * MIB, (n + 1) * MIB)))

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'no error',
    (error: S3Error) => error.code,
  )

t.test(
  'minio-js putObject, getObject, statObject: 0 bytes to 8 MiB: the same bytes, MD5, type, metadata',
  async (t) => {
    for (const size of [0, 1, 4096, 8 * MIB]) {
      const data = bytes(size, String(size))
      await client.putObject(bucket, `trip/${size}`, data, size, { 'Content-Type': 'text/x-trip', Shade: 'blue' })
      t.equal(sha256(await read(`trip/${size}`)), sha256(data), `${size} bytes`)
      t.match(await client.statObject(bucket, `trip/${size}`), {
        size,
        etag: md5(data),
        metaData: { 'content-type': 'text/x-trip', shade: 'blue' },
      })
    }
  },
)

t.test('minio-js putObject: streams, 70 MiB in parts of 64 MiB, 8 MiB of unknown length: the same bytes', async (t) => {
  const data = bytes(70 * MIB, 'stream')
  await client.putObject(bucket, 'stream', streamOf(data), data.length)
  t.match((await client.statObject(bucket, 'stream')).etag, /-2$/)
  t.equal(sha256(await read('stream')), sha256(data))
  const short = data.subarray(0, 8 * MIB)
  await client.putObject(bucket, 'stream', streamOf(short))
  t.equal(sha256(await read('stream')), sha256(short))
})

t.test('minio-js fPutObject, fGetObject, getPartialObject: a file of 17 MiB: the same bytes', async (t) => {
  const data = bytes(17 * MIB + 3, 'file')
  const [up, down] = [join(t.testdir(), 'up'), join(t.testdirName, 'down')]
  await writeFile(up, data)
  await client.fPutObject(bucket, 'file', up)
  await client.fGetObject(bucket, 'file', down)
  t.equal(sha256(await readFile(down)), sha256(data))
  const piece = await buffer(await client.getPartialObject(bucket, 'file', 9 * MIB, 70_000))
  t.equal(sha256(piece), sha256(data.subarray(9 * MIB, 9 * MIB + 70_000)))
})

t.test(
  'minio-js listObjectsV2, listObjects: odd names, flat and by folder: all, in order, with their bytes',
  async (t) => {
    const keys = inByteOrder(odd.map((name) => `odd/${name}`))
    for (const key of keys) await client.putObject(bucket, key, key)
    for (const key of keys) t.equal((await read(key)).toString(), key)
    t.same(await listed('odd/', true), keys)
    const tops = odd.map((name) => `odd/${name.includes('/') ? 'ünï/' : name}`)
    t.same(inByteOrder((await listed('odd/', false)) as string[]), inByteOrder(tops))
    const old = (await client.listObjects(bucket, 'odd/', true).toArray()) as BucketItem[]
    t.same(
      old.map(({ name }) => name),
      keys,
    )
  },
)

t.test(
  'minio-js presignedPutObject, presignedGetObject: by URL, without keys: the same bytes; changed: 403',
  async (t) => {
    const data = bytes(4096, 'presigned')
    const put = await fetch(await client.presignedPutObject(bucket, 'presigned/a b+ü', 60), {
      method: 'PUT',
      body: data,
    })
    t.equal(put.status, 200)
    const url = await client.presignedGetObject(bucket, 'presigned/a b+ü', 60, {
      'response-content-type': 'text/x-override',
    })
    const got = await fetch(url)
    t.equal(sha256(Buffer.from(await got.arrayBuffer())), sha256(data))
    t.equal(got.headers.get('content-type'), 'text/x-override')
    t.equal((await fetch(url.replace('/presigned/', '/secret/'))).status, 403)
  },
)

t.test('minio-js copyObject, composeObject: the same bytes; a range and a whole in one', async (t) => {
  const [first, second] = [bytes(6 * MIB, 'first'), bytes(1000, 'second')]
  await client.putObject(bucket, 'copy/a b', first)
  await client.putObject(bucket, 'copy/second', second)
  await client.copyObject(bucket, 'copy/c', `/${bucket}/copy/a b`)
  t.equal(sha256(await read('copy/c')), sha256(first))
  await client.composeObject(new CopyDestinationOptions({ Bucket: bucket, Object: 'copy/both' }), [
    new CopySourceOptions({ Bucket: bucket, Object: 'copy/a b', MatchRange: true, Start: 0, End: 5 * MIB - 1 }),
    new CopySourceOptions({ Bucket: bucket, Object: 'copy/second' }),
  ])
  t.equal(sha256(await read('copy/both')), sha256(Buffer.concat([first.subarray(0, 5 * MIB), second])))
})

t.test('minio-js removeObject, removeObjects: gone, also what was not there; odd names among them', async (t) => {
  const keys = odd.map((name) => `gone/${name}`)
  for (const key of keys) await client.putObject(bucket, key, 'x')
  await client.removeObject(bucket, keys[0]!)
  await client.removeObjects(bucket, [...keys, 'gone/never'])
  t.same(await listed('gone/', true), [])
})

t.test(
  'minio-js listIncompleteUploads, removeIncompleteUpload: an upload that was left: listed, then gone',
  async (t) => {
    await client.initiateNewMultipartUpload(bucket, 'left/a b', {})
    const uploads = async () =>
      (await client.listIncompleteUploads(bucket, 'left/', true).toArray()) as { key: string }[]
    t.same(
      (await uploads()).map(({ key }) => key),
      ['left/a b'],
    )
    await client.removeIncompleteUpload(bucket, 'left/a b')
    t.same(await uploads(), [])
  },
)

t.test('minio-js makeBucket, bucketExists, listBuckets, removeBucket; the codes that programs catch', async (t) => {
  const other = suite.newBucketName()
  t.equal(await client.bucketExists(other), false)
  await client.makeBucket(other)
  t.equal(await client.bucketExists(other), true)
  t.ok((await client.listBuckets()).some(({ name }) => name === other))
  await client.putObject(other, 'k', 'x')
  t.equal(await codeOf(client.removeBucket(other)), 'BucketNotEmpty')
  await client.removeObject(other, 'k')
  await client.removeBucket(other)
  t.equal(await client.bucketExists(other), false)
  t.equal(await codeOf(client.statObject(bucket, 'never')), 'NotFound')
  t.equal(await codeOf(client.getObject(bucket, 'never')), 'NoSuchKey')
})
