import { DeleteObjectsCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { md5Base64 } from '../support/bytes.ts'
import { checksum } from '../support/checksums.ts'
import { element, elements, openSuite, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const path = `/${bucket}?delete`
const xmlOf = (keys: readonly string[], quiet = false) =>
  `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
    quiet ? '<Quiet>true</Quiet>' : ''
  }${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join('')}</Delete>`
const withMd5 = (body: string) => ({
  method: 'POST',
  path,
  body,
  headers: { 'Content-MD5': md5Base64(Buffer.from(body)) },
})
const fill = (keys: readonly string[]) =>
  Promise.all(keys.map((Key) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))))

t.test('DeleteObjects: some there, some not: all are named as deleted, and gone (quirk 17)', async (t) => {
  await fill(['a', 'b/c', 'kept'])
  const Objects = ['a', 'b/c', 'never'].map((Key) => ({ Key }))
  const answer = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
  t.same(answer.Deleted?.map(({ Key }) => Key).sort(), ['a', 'b/c', 'never'])
  t.equal(answer.Errors, undefined)
  const left = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  t.same(
    left.Contents?.map(({ Key }) => Key),
    ['kept'],
  )
})

t.test('DeleteObjects: Quiet: nothing is named, all are gone', async (t) => {
  await fill(['q1', 'q2'])
  const Delete = { Objects: [{ Key: 'q1' }, { Key: 'q2' }], Quiet: true }
  const answer = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }))
  t.equal(answer.Deleted, undefined)
  const left = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'q' }))
  t.equal(left.KeyCount, 0)
})

t.test('DeleteObjects: 1,000 keys: all deleted; 1,001: 400 MalformedXML and nothing deleted (quirk 17)', async (t) => {
  const keys = Array.from({ length: 1001 }, (_, n) => `many-${n}`)
  await fill(keys.slice(0, 5))
  const tooMany = xmlOf(keys)
  refusedWire(t, await send(withMd5(tooMany)), 400, 'MalformedXML')
  t.equal((await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'many-' }))).KeyCount, 5)
  const answer = await send(withMd5(xmlOf(keys.slice(0, 1000))))
  t.equal(answer.status, 200)
  t.equal(elements(answer.body, 'Key').length, 1000)
  t.equal((await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'many-' }))).KeyCount, 0)
})

t.test('DeleteObjects: keys that XML must escape: deleted and echoed as they are', async (t) => {
  const keys = ['a&b', '<tag>', '"quoted"', "it's", 'sp ace', 'plus+', '%25', 'ü/ö', ' lead', 'tab\there']
  await fill(keys)
  const Delete = { Objects: keys.map((Key) => ({ Key })) }
  const answer = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }))
  t.same(answer.Deleted?.map(({ Key }) => Key).sort(), [...keys].sort())
  for (const Key of keys)
    await t.rejects(s3.send(new HeadObjectCommand({ Bucket: bucket, Key })), { name: 'NotFound' }, Key)
})

t.test('DeleteObjects: ?delete and ?delete=, with and without XML declaration and namespace: accepted', async (t) => {
  const bare = '<Delete><Object><Key>bare</Key></Object></Delete>'
  for (const [body, query] of [
    [bare, '?delete='],
    [xmlOf(['x']), '?delete'],
    [bare, '?delete&x-id=DeleteObjects'],
  ] as const) {
    const answer = await send({ ...withMd5(body), path: `/${bucket}${query}` })
    t.equal(answer.status, 200, query)
    t.match(String(answer.body), /<DeleteResult[ >]/)
  }
})

t.test(
  'DeleteObjects: any x-amz-checksum instead of Content-MD5: accepted; a wrong one: refused, nothing deleted',
  async (t) => {
    await fill(['proof'])
    const body = xmlOf(['proof'])
    const wrong = { 'x-amz-checksum-crc32': checksum('CRC32', Buffer.from('other')) }
    refusedWire(t, await send({ method: 'POST', path, body, headers: wrong }), 400, 'BadDigest')
    const wrongMd5 = { 'Content-MD5': md5Base64(Buffer.from('other')) }
    refusedWire(t, await send({ method: 'POST', path, body, headers: wrongMd5 }), 400, 'BadDigest')
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/proof` })).status, 200)
    const right = {
      'x-amz-checksum-sha256': checksum('SHA256', Buffer.from(body)),
      'x-amz-sdk-checksum-algorithm': 'SHA256',
    }
    t.equal((await send({ method: 'POST', path, body, headers: right })).status, 200)
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/proof` })).status, 404)
  },
)

t.test('DeleteObjects: no proof of the body at all: 400', async (t) => {
  refusedWire(t, await send({ method: 'POST', path, body: xmlOf(['x']) }), 400, 'InvalidRequest')
})

const malformed = {
  'no XML': 'keys: a, b',
  'another root': '<Remove><Object><Key>a</Key></Object></Remove>',
  'no objects': '<Delete></Delete>',
  'an object without a key': '<Delete><Object></Object></Delete>',
  'a document type with an entity': '<!DOCTYPE d [<!ENTITY x "kept">]><Delete><Object><Key>&x;</Key></Object></Delete>',
}
for (const [what, body] of Object.entries(malformed))
  t.test(`DeleteObjects: ${what}: 400 MalformedXML`, async (t) => {
    refusedWire(t, await send(withMd5(body)), 400, 'MalformedXML')
  })

t.test('DeleteObjects: a body over 2 MiB: refused', async (t) => {
  const answer = await send(withMd5(xmlOf([`<!--${'x'.repeat(2 * 1024 * 1024)}-->`])))
  t.ok([400, 413].includes(answer.status), `${answer.status}`)
  t.match(element(answer.body, 'Code'), /^(MalformedXML|MaxMessageLengthExceeded|EntityTooLarge)$/)
})

t.test('DeleteObjects: a bucket that is not there: NoSuchBucket', async (t) => {
  const answer = await send({ ...withMd5(xmlOf(['x'])), path: `/${suite.newBucketName()}?delete` })
  refusedWire(t, answer, 404, 'NoSuchBucket')
})

t.test(
  'DeleteObjects: a version id that is no version: named under Errors or as deleted, and the object stays',
  async (t) => {
    await fill(['versioned'])
    const body = '<Delete><Object><Key>versioned</Key><VersionId>not-a-version</VersionId></Object></Delete>'
    const answer = await send(withMd5(body))
    t.ok(
      answer.status === 200 ? element(answer.body, 'Error') !== undefined : answer.status === 400,
      String(answer.body),
    )
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/versioned` })).status, 200)
  },
)
