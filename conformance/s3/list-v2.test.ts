import { ListObjectsV2Command, type ListObjectsV2CommandInput, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { element, elements, openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const keys = ['a', 'boo/baz/xyzzy', 'boo/bar', 'boo/', 'cquux/thud', 'cquux/bla', 'foo', 'foo/bar', 'zed']
for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))
const sorted = [...keys].sort()

const list = (input: Partial<ListObjectsV2CommandInput> = {}) =>
  s3.send(new ListObjectsV2Command({ Bucket: bucket, ...input }))
type Page = Awaited<ReturnType<typeof list>>
const keysOf = (page: Page) => page.Contents?.map(({ Key }) => Key) ?? []
const prefixesOf = (page: Page) => page.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? []
const wire = (query: string) => send({ method: 'GET', path: `/${bucket}?list-type=2${query}` })

t.test('ListObjectsV2: all: every key once, in order, with size, ETag, date and class', async (t) => {
  const page = await list()
  t.same(keysOf(page), sorted)
  t.same([page.Name, page.KeyCount, page.MaxKeys, page.IsTruncated], [bucket, keys.length, 1000, false])
  for (const { Key, Size, ETag, LastModified, StorageClass } of page.Contents!) {
    t.equal(Size, Key!.length)
    t.match(ETag, /^"[0-9a-f]{32}"$/)
    t.ok(Math.abs(LastModified!.getTime() - Date.now()) < 120_000)
    t.equal(StorageClass, 'STANDARD')
  }
})

t.test('ListObjectsV2: prefix: those keys alone; none: an empty page', async (t) => {
  t.same(keysOf(await list({ Prefix: 'boo/' })), ['boo/', 'boo/bar', 'boo/baz/xyzzy'])
  t.same(keysOf(await list({ Prefix: 'foo' })), ['foo', 'foo/bar'])
  const none = await list({ Prefix: 'nothing' })
  t.same([keysOf(none), none.KeyCount, none.IsTruncated, none.Prefix], [[], 0, false, 'nothing'])
})

t.test('ListObjectsV2: delimiter: keys and common prefixes, counted together (quirk 3)', async (t) => {
  const page = await list({ Delimiter: '/' })
  t.same(keysOf(page), ['a', 'foo', 'zed'])
  t.same(prefixesOf(page), ['boo/', 'cquux/', 'foo/'])
  t.equal(page.KeyCount, 6)
  const below = await list({ Delimiter: '/', Prefix: 'boo/' })
  t.same([keysOf(below), prefixesOf(below)], [['boo/', 'boo/bar'], ['boo/baz/']])
})

t.test(
  'ListObjectsV2: a prefix that ends in the middle of a name: the rest up to the delimiter is common',
  async (t) => {
    t.same(prefixesOf(await list({ Delimiter: '/', Prefix: 'bo' })), ['boo/'])
  },
)

t.test('ListObjectsV2: delimiters of any string: `oo`, `%`, a space; empty means none (quirk 5)', async (t) => {
  const page = await list({ Delimiter: 'oo' })
  t.same(prefixesOf(page), ['boo', 'foo'])
  t.same(keysOf(page), ['a', 'cquux/bla', 'cquux/thud', 'zed'])
  const name = await suite.newBucket()
  for (const Key of ['a%b', 'a%c', 'd e', 'd f', 'g\nh', 'i'])
    await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: '' }))
  for (const [Delimiter, prefix] of [
    ['%', 'a%'],
    [' ', 'd '],
    ['\n', 'g\n'],
  ] as const)
    t.same(prefixesOf(await list({ Bucket: name, Delimiter })), [prefix], JSON.stringify(Delimiter))
  const answer = await wire('&delimiter=')
  t.equal(elements(answer.body, 'Key').length, keys.length, 'empty: none')
  t.equal(elements(answer.body, 'CommonPrefixes').length, 0)
})

for (const Delimiter of [undefined, '/'])
  t.test(
    `ListObjectsV2: pages of 1, 2, 3 with delimiter ${Delimiter}: together the whole, each thing once`,
    async (t) => {
      const whole = await list({ Delimiter })
      for (const MaxKeys of [1, 2, 3]) {
        const seen: unknown[] = []
        let ContinuationToken: string | undefined
        do {
          const page = await list({ Delimiter, MaxKeys, ContinuationToken })
          const things = [...keysOf(page), ...prefixesOf(page)]
          t.ok(things.length <= MaxKeys && page.KeyCount === things.length, 'counts')
          t.equal(page.ContinuationToken, ContinuationToken, 'the token is echoed')
          t.equal(page.IsTruncated, page.NextContinuationToken !== undefined)
          seen.push(...things)
          ContinuationToken = page.NextContinuationToken
        } while (ContinuationToken)
        t.same([...seen].sort(), [...keysOf(whole), ...prefixesOf(whole)].sort(), `max-keys ${MaxKeys}`)
      }
    },
  )

t.test('ListObjectsV2: a last page that is exactly full: not truncated (quirk 4)', async (t) => {
  const page = await list({ MaxKeys: keys.length })
  t.same([page.KeyCount, page.IsTruncated, page.NextContinuationToken], [keys.length, false, undefined])
  const folded = await list({ MaxKeys: 6, Delimiter: '/' })
  t.same([folded.KeyCount, folded.IsTruncated], [6, false], 'the keys below a common prefix do not count')
})

t.test(
  'ListObjectsV2: max-keys 0: empty and not truncated; over 1,000: 1,000; no number or negative: 400 (quirk 4)',
  async (t) => {
    const zero = await list({ MaxKeys: 0 })
    t.same([zero.KeyCount, zero.IsTruncated, zero.MaxKeys], [0, false, 0])
    t.equal((await list({ MaxKeys: 5000 })).MaxKeys, 1000)
    for (const value of ['x', '-1', '1e3', '9999999999999'])
      refusedWire(t, await wire(`&max-keys=${value}`), 400, 'InvalidArgument', value)
  },
)

t.test('ListObjectsV2: start-after: what follows, also within a prefix and when it is no key; echoed', async (t) => {
  const page = await list({ StartAfter: 'cquux/bla' })
  t.same(keysOf(page), ['cquux/thud', 'foo', 'foo/bar', 'zed'])
  t.equal(page.StartAfter, 'cquux/bla')
  t.same(keysOf(await list({ StartAfter: 'd' })), ['foo', 'foo/bar', 'zed'])
  t.same(keysOf(await list({ StartAfter: 'zzz' })), [])
  t.same(keysOf(await list({ StartAfter: 'boo/bar', Prefix: 'boo/' })), ['boo/baz/xyzzy'])
  t.same(keysOf(await list({ StartAfter: 'a', Prefix: 'zed' })), ['zed'])
})

t.test('ListObjectsV2: start-after inside a common prefix: the prefix still stands for what follows', async (t) => {
  t.same(prefixesOf(await list({ StartAfter: 'boo/bar', Delimiter: '/' })), ['boo/', 'cquux/', 'foo/'])
})

t.test('ListObjectsV2: token and start-after together: the token wins, both echoed (quirk 7)', async (t) => {
  const first = await list({ MaxKeys: 5 })
  const page = await list({ ContinuationToken: first.NextContinuationToken, StartAfter: 'zzz' })
  t.same(keysOf(page), sorted.slice(5))
  t.same([page.ContinuationToken, page.StartAfter], [first.NextContinuationToken, 'zzz'])
})

t.test('ListObjectsV2: an empty continuation-token: refused, or echoed as it was sent (quirk 2)', async (t) => {
  const answer = await wire('&continuation-token=')
  if (answer.status === 200) t.match(String(answer.body), /<ContinuationToken(\s*\/>|><\/ContinuationToken>)/)
  else refusedWire(t, answer, 400, 'InvalidArgument')
})

t.test('ListObjectsV2: a token that was never given: 400 InvalidArgument', async (t) => {
  await refused(t, list({ ContinuationToken: 'never given!' }), 400, 'InvalidArgument')
})

t.test('ListObjectsV2: Prefix is echoed when empty, Owner comes only with fetch-owner (quirks 2, 7)', async (t) => {
  const bare = await wire('')
  t.match(String(bare.body), /<Prefix(\s*\/>|><\/Prefix>)/)
  t.equal(elements(bare.body, 'Owner').length + elements(bare.body, 'ID').length, 0)
  const owned = await list({ FetchOwner: true })
  t.ok(
    owned.Contents!.every(({ Owner }) => Owner?.ID),
    'each with its owner',
  )
})

t.test('ListObjectsV2: encoding-type other than url: 400 InvalidArgument; unknown list-type: 400', async (t) => {
  refusedWire(t, await wire('&encoding-type=base64'), 400, 'InvalidArgument')
  const three = await send({ method: 'GET', path: `/${bucket}?list-type=3` })
  refusedWire(t, three, 400, 'InvalidArgument')
})

t.test('ListObjectsV2: the same parameter twice: refused or the first counts, never both (attack)', async (t) => {
  const answer = await wire('&prefix=zed&prefix=foo')
  if (answer.status === 200) t.equal(element(answer.body, 'Prefix'), 'zed')
  else t.ok(answer.status === 400 || answer.status === 403, `${answer.status}`)
})

t.test('ListObjectsV2: root element, namespace and declaration are S3’s', async (t) => {
  const { body, headers } = await wire('')
  t.match(
    String(body),
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<ListBucketResult xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/">/,
  )
  t.equal(headers['content-type'], 'application/xml')
})

t.test('ListObjectsV2: a bucket that is not there: NoSuchBucket', async (t) => {
  await refused(t, list({ Bucket: suite.newBucketName() }), 404, 'NoSuchBucket')
})
