import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { signHeaders } from '../support/sign.ts'
import { element, elements, objectPath, openSuite, refusedWire } from '../support/suite.ts'
import { exchange } from '../support/wire.ts'

const { s3, bucket, newBucket, send, target } = await openSuite(t)

const awkward = [
  'plain',
  'with space',
  ' leads and trails ',
  'plus+plus',
  '100%',
  '%2F%25',
  'a?b=c',
  'a#b',
  'a&b;c,d:e@f=g$h',
  'quote\'s "double" <tag>',
  "(paren)*!~'",
  '/leads',
  '//two',
  'a//b',
  'a///',
  'dir/',
  '.',
  '..',
  './here',
  '../up',
  'a/../b',
  'a/./b',
  'a/..',
  'back\\slash',
  'tab\tnew\nline',
  'control\u0001\u001f\u007f',
  'ümlaut',
  'u\u0308mlaut decomposed',
  '日本語/キー',
  '😀/🏳️‍🌈',
  '\ufeffbom',
  '\u{10ffff}',
  '[brackets]{braces}|`^',
  'x'.repeat(1024),
  '😀'.repeat(256),
  '__proto__',
  'constructor',
]

t.test(
  'PutObject, GetObject, CopyObject, list, DeleteObject: awkward keys: each is itself, none another',
  async (t) => {
    for (const Key of awkward) await put(Key)
    const listed = await s3.send(new ListObjectsV2Command({ Bucket: bucket, EncodingType: 'url' }))
    const keys = listed.Contents!.map(({ Key }) => decodeURIComponent(Key!.replaceAll('+', ' ')))
    const inOrder = [...awkward].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    t.same(keys, inOrder, 'listed in the order of their UTF-8 bytes')
    for (const key of awkward) {
      const name = JSON.stringify(key.length > 40 ? `${key.slice(0, 8)}…` : key)
      const got = await send({ method: 'GET', path: objectPath(bucket, key) })
      t.same([got.status, String(got.body)], [200, `body of ${key}`], `GET ${name}`)
      const CopySource = objectPath(bucket, key)
      await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy of', CopySource }))
      t.equal(await read('copy of'), `body of ${key}`, `copy ${name}`)
      const gone = await send({ method: 'DELETE', path: objectPath(bucket, key) })
      t.equal(gone.status, 204, `DELETE ${name}`)
    }
    await send({ method: 'DELETE', path: `/${bucket}/copy%20of` })
    t.equal((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount, 0, 'all gone')
  },
)

t.test(
  'ListObjects, ListObjectsV2: awkward keys without encoding-type: as XML can carry them, each is itself',
  async (t) => {
    const name = await newBucket()
    for (const Key of awkward) {
      const { status } = await send({ method: 'PUT', path: objectPath(name, Key), body: 'x' })
      if (status !== 200) throw new Error(`${JSON.stringify(Key)}: ${status}`)
    }
    const inOrder = [...awkward].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const query of ['', '?list-type=2']) {
      const listed = await send({ method: 'GET', path: `/${name}${query}` })
      t.same(elements(listed.body, 'Key'), inOrder, query)
    }
  },
)

t.test('DeleteObjects: awkward keys: each is gone, named as it was, and no other', async (t) => {
  const name = await newBucket()
  await send({ method: 'PUT', path: `/${name}/kept`, body: 'x' })
  const carried = awkward.filter(isPlain)
  for (const Key of carried) await send({ method: 'PUT', path: objectPath(name, Key), body: 'x' })
  const Objects = carried.map((Key) => ({ Key }))
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects } }))
  t.same(Deleted?.map(({ Key }) => Key).sort(), [...carried].sort())
  t.notOk(Errors)
  const left = await s3.send(new ListObjectsV2Command({ Bucket: name }))
  t.same(
    left.Contents?.map(({ Key }) => Key),
    ['kept'],
  )
})

t.test(
  'CreateMultipartUpload, ListMultipartUploads, CompleteMultipartUpload: awkward keys: the key that was meant',
  async (t) => {
    const Bucket = await newBucket()
    const some = awkward.filter(isPlain)
    const uploads = new Map<string, string>()
    for (const Key of some) {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      uploads.set(Key, UploadId!)
    }
    const open = await s3.send(new ListMultipartUploadsCommand({ Bucket }))
    t.same(new Map(open.Uploads?.map(({ Key, UploadId }) => [Key, UploadId])), uploads)
    for (const [Key, UploadId] of uploads) {
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: Key }))
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      const done = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
      t.equal(done.Key, Key)
      t.equal(String((await send({ method: 'GET', path: objectPath(Bucket, Key) })).body), Key)
    }
  },
)

t.test('ListBuckets, ListObjects: an owner has a canonical id of 64 hex digits, everywhere the same', async (t) => {
  const ids = [
    element((await send({ method: 'GET', path: '/' })).body, 'ID'),
    element((await send({ method: 'GET', path: `/${await withOne()}` })).body, 'ID'),
    element((await send({ method: 'GET', path: `/${await withOne()}?list-type=2&fetch-owner=true` })).body, 'ID'),
  ]
  t.match(ids[0], /^[0-9a-f]{64}$/)
  t.same(new Set(ids).size, 1, ids.join(' '))
})

/** What XML has no way to carry cannot be asked for in XML. */
function isPlain(key: string): boolean {
  return [...key].every((char) => char >= ' ')
}

async function withOne(): Promise<string> {
  const name = await newBucket()
  await send({ method: 'PUT', path: `/${name}/one`, body: 'x' })
  return name
}

t.test('PutObject: awkward keys by the SDK: the key that was meant', async (t) => {
  for (const Key of ['a b+c%d', '/leads', 'a//b', 'ü/😀', "it's(1)*!", 'a?b#c&d=e', '日本']) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `sdk ${Key}` }))
    t.equal(await read(Key), `sdk ${Key}`)
    const wire = await send({ method: 'GET', path: objectPath(bucket, Key) })
    t.equal(String(wire.body), `sdk ${Key}`, Key)
  }
})

t.test('PutObject: + in the path is a plus, %20 a space', async (t) => {
  await put('a+b')
  await put('a b')
  // aws4 would read a raw plus as a space, so it is signed in the form that S3 signs: encoded.
  const headers = signHeaders(target, { method: 'GET', path: `/${bucket}/a%2Bb` })
  const raw = await exchange(target.endpoint, {
    method: 'GET',
    path: `/${bucket}/a+b`,
    headers: Object.entries(headers),
  })
  t.equal(String(raw.body), 'body of a+b')
  t.equal(String((await send({ method: 'GET', path: `/${bucket}/a%20b` })).body), 'body of a b')
})

t.test('PutObject: lower-case and needless percent-encoding: the same key', async (t) => {
  await put('ü')
  const headers = signHeaders(target, { method: 'GET', path: `/${bucket}/%C3%BC` })
  for (const path of [`/${bucket}/%c3%bc`, `/${bucket}/%C3%BC`]) {
    const got = await exchange(target.endpoint, { method: 'GET', path, headers: Object.entries(headers) })
    t.equal(String(got.body), 'body of ü', path)
  }
  await put('plain')
  const plain = signHeaders(target, { method: 'GET', path: `/${bucket}/plain` })
  const got = await exchange(target.endpoint, {
    method: 'GET',
    path: `/${bucket}/%70lain`,
    headers: Object.entries(plain),
  })
  t.equal(String(got.body), 'body of plain')
})

t.test('PutObject: a key of 1,025 bytes: 400 KeyTooLongError, also of many-byte characters', async (t) => {
  for (const key of ['x'.repeat(1025), `${'😀'.repeat(256)}x`])
    refusedWire(t, await send({ method: 'PUT', path: objectPath(bucket, key), body: 'x' }), 400, 'KeyTooLongError')
})

t.test('PutObject: a path that is no UTF-8, or bad percent-encoding: 400, never 500', async (t) => {
  for (const [path, signed] of [
    [`/${bucket}/%ff%fe`, `/${bucket}/x`],
    [`/${bucket}/%zz`, `/${bucket}/x`],
    [`/${bucket}/%`, `/${bucket}/x`],
  ] as const) {
    const headers = signHeaders(target, { method: 'PUT', path: signed, headers: { 'Content-Length': '0' } })
    const answer = await exchange(target.endpoint, { method: 'PUT', path, headers: Object.entries(headers) })
    t.ok(answer.status === 400 || answer.status === 403, `${path}: ${answer.status}`)
  }
})

t.test('PutObject: a key with a NUL byte: refused cleanly or kept, never 500', async (t) => {
  const answer = await send({ method: 'PUT', path: `/${bucket}/nul%00byte`, body: 'x' })
  t.ok([200, 400].includes(answer.status), `${answer.status}`)
  if (answer.status === 200) await send({ method: 'DELETE', path: `/${bucket}/nul%00byte` })
})

t.test('PutObject: `foo`, `foo/bar` and `foo/` with data: side by side (quirk 6)', async (t) => {
  for (const key of ['foo', 'foo/bar', 'foo/']) await put(key)
  for (const key of ['foo', 'foo/bar', 'foo/']) t.equal(await read(key), `body of ${key}`)
  await send({ method: 'DELETE', path: `/${bucket}/foo` })
  t.equal(await read('foo/bar'), 'body of foo/bar')
  t.equal(await read('foo/'), 'body of foo/')
})

async function put(key: string): Promise<void> {
  const answer = await send({ method: 'PUT', path: objectPath(bucket, key), body: `body of ${key}` })
  if (answer.status !== 200) throw new Error(`${JSON.stringify(key)}: ${answer.status} ${answer.body}`)
}

async function read(Key: string): Promise<string> {
  return await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToString()
}
