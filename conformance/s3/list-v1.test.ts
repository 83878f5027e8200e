import { ListObjectsCommand, type ListObjectsCommandInput, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { element, elements, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const keys = ['bar', 'boo/1', 'boo/2', 'cow', 'foo', 'foo/x']
for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))

const list = (input: Partial<ListObjectsCommandInput> = {}) =>
  s3.send(new ListObjectsCommand({ Bucket: bucket, ...input }))
const keysOf = (page: Awaited<ReturnType<typeof list>>) => page.Contents?.map(({ Key }) => Key) ?? []
const prefixesOf = (page: Awaited<ReturnType<typeof list>>) => page.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? []
const wire = (query: string) => send({ method: 'GET', path: `/${bucket}${query}` })

t.test('ListObjects: all: every key in order, each with its owner', async (t) => {
  const page = await list()
  t.same(keysOf(page), keys)
  t.ok(page.Contents!.every(({ Owner }) => Owner?.ID))
  t.same([page.IsTruncated, page.MaxKeys, page.Marker, page.Prefix], [false, 1000, '', ''])
})

t.test('ListObjects: Prefix and Marker are echoed even when empty (quirk 2)', async (t) => {
  const { body } = await wire('')
  t.match(String(body), /<Prefix(\s*\/>|><\/Prefix>)/)
  t.match(String(body), /<Marker(\s*\/>|><\/Marker>)/)
  t.equal(element((await wire('?marker=cow')).body, 'Marker'), 'cow')
})

t.test(
  'ListObjects: truncated without a delimiter: no NextMarker, the last key is the next marker (quirk 3)',
  async (t) => {
    const first = await list({ MaxKeys: 2 })
    t.same([keysOf(first), first.IsTruncated, first.NextMarker], [['bar', 'boo/1'], true, undefined])
    t.same(keysOf(await list({ Marker: 'boo/1' })), ['boo/2', 'cow', 'foo', 'foo/x'])
  },
)

t.test(
  'ListObjects: truncated at a common prefix: NextMarker is the prefix, and going on skips all of it (quirk 3)',
  async (t) => {
    const first = await list({ MaxKeys: 2, Delimiter: '/' })
    t.same([keysOf(first), prefixesOf(first), first.IsTruncated, first.NextMarker], [['bar'], ['boo/'], true, 'boo/'])
    const second = await list({ MaxKeys: 2, Delimiter: '/', Marker: 'boo/' })
    t.same([keysOf(second), prefixesOf(second), second.NextMarker], [['cow', 'foo'], [], 'foo'])
    const third = await list({ MaxKeys: 2, Delimiter: '/', Marker: 'foo' })
    t.same([keysOf(third), prefixesOf(third), third.IsTruncated, third.NextMarker], [[], ['foo/'], false, undefined])
  },
)

t.test('ListObjects: a marker that is no key: what follows it', async (t) => {
  t.same(keysOf(await list({ Marker: 'c' })), ['cow', 'foo', 'foo/x'])
  t.same(keysOf(await list({ Marker: 'zzz' })), [])
  t.same(keysOf(await list({ Marker: 'a', Prefix: 'foo' })), ['foo', 'foo/x'])
})

t.test(
  'ListObjects: max-keys 0: empty, not truncated; a last page exactly full: not truncated; no number: 400 (quirk 4)',
  async (t) => {
    const zero = await list({ MaxKeys: 0 })
    t.same([keysOf(zero), zero.IsTruncated], [[], false])
    t.equal((await list({ MaxKeys: keys.length })).IsTruncated, false)
    refusedWire(t, await wire('?max-keys=many'), 400, 'InvalidArgument')
  },
)

t.test(
  'ListObjects: with a trailing slash after the bucket and unknown parameters such as x-id: the listing',
  async (t) => {
    const { body } = await send({ method: 'GET', path: `/${bucket}/?x-id=ListObjects` })
    t.same(elements(body, 'Key'), keys)
  },
)

t.test('ListObjects: prefix and delimiter: the delimiter is looked for after the prefix', async (t) => {
  const page = await list({ Prefix: 'boo/', Delimiter: '/' })
  t.same([keysOf(page), prefixesOf(page), page.Delimiter], [['boo/1', 'boo/2'], [], '/'])
})

t.test('ListObjects: a bucket that is not there: NoSuchBucket', async (t) => {
  await refused(t, list({ Bucket: suite.newBucketName() }), 404, 'NoSuchBucket')
})
