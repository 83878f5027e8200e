import { ListObjectsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { randomFrom } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

/** Listings of random keys against the few lines of `listLocally`, which say what a listing is. */
const { s3, bucket } = await openSuite(t)
const random = randomFrom(20_261_123)
const below = (n: number) => Math.floor(random() * n)
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!

const pieces = ['a', 'b', 'ab', '/', '//', ' ', '.', 'ü', '😀', '\uffef', '~', '!', 'A', '0']
const keys = new Set<string>()
while (keys.size < 220) keys.add(Array.from({ length: 1 + below(5) }, () => pick(pieces)).join(''))
await Promise.all([...keys].map((Key) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }))))
const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const sorted = [...keys].sort(compare)

interface Query {
  prefix: string
  delimiter: string
  after: string
}

/** Keys and common prefixes after `after`, in order; a common prefix that equals `after` has been given already. */
function listLocally({ prefix, delimiter, after }: Query): string[] {
  const things = new Set<string>()
  for (const key of sorted) {
    if (!key.startsWith(prefix) || compare(key, after) <= 0) continue
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const thing = at < 0 ? `key ${key}` : `prefix ${key.slice(0, at + delimiter.length)}`
    if (thing !== `prefix ${after}`) things.add(thing)
  }
  return [...things].sort((a, b) => compare(a.replace(/^\w+ /, ''), b.replace(/^\w+ /, '')))
}

interface Listed {
  Contents?: { Key?: string | undefined }[] | undefined
  CommonPrefixes?: { Prefix?: string | undefined }[] | undefined
}
const keysIn = ({ Contents = [] }: Listed) => Contents.map(({ Key }) => `key ${Key}`)
const prefixesIn = ({ CommonPrefixes = [] }: Listed) => CommonPrefixes.map(({ Prefix }) => `prefix ${Prefix}`)

async function allPagesV2({ prefix, delimiter, after }: Query, MaxKeys: number): Promise<string[]> {
  const seen: string[] = []
  let ContinuationToken: string | undefined
  do {
    const StartAfter = after || undefined
    const call = {
      Bucket: bucket,
      Prefix: prefix,
      Delimiter: delimiter || undefined,
      MaxKeys,
      StartAfter,
      ContinuationToken,
    }
    const page = await s3.send(new ListObjectsV2Command(call))
    seen.push(...merge(keysIn(page), prefixesIn(page)))
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken)
  return seen
}

async function allPagesV1({ prefix, delimiter, after }: Query, MaxKeys: number): Promise<string[]> {
  const seen: string[] = []
  let Marker: string | undefined = after || undefined
  for (;;) {
    const call = { Bucket: bucket, Prefix: prefix, Delimiter: delimiter || undefined, MaxKeys, Marker }
    const page = await s3.send(new ListObjectsCommand(call))
    seen.push(...merge(keysIn(page), prefixesIn(page)))
    if (!page.IsTruncated) return seen
    Marker = page.NextMarker ?? page.Contents!.at(-1)!.Key!
  }
}

const merge = (some: string[], more: string[]) =>
  [...some, ...more].sort((a, b) => compare(a.replace(/^\w+ /, ''), b.replace(/^\w+ /, '')))

const queries: Query[] = [
  { prefix: '', delimiter: '', after: '' },
  { prefix: '', delimiter: '/', after: '' },
  ...Array.from({ length: 14 }, () => ({
    prefix:
      random() < 0.4
        ? ''
        : pick(sorted)
            .slice(0, 1 + below(2))
            .replace(/[\ud800-\udbff]$/, ''),
    delimiter: random() < 0.3 ? '' : pick(['/', '//', 'a', 'ab', ' ', 'ü', '😀']),
    after: random() < 0.5 ? '' : pick(sorted),
  })),
]
for (const query of queries)
  t.test(
    `ListObjects, ListObjectsV2: 220 random keys, ${JSON.stringify(query)}: as the model says, whole and in pages`,
    async (t) => {
      const expected = listLocally(query)
      t.same(await allPagesV2(query, 1000), expected, 'V2 whole')
      t.same(await allPagesV1(query, 1000), expected, 'V1 whole')
      const size = 3 + below(20)
      t.same(await allPagesV2(query, size), expected, `V2 pages of ${size}`)
      t.same(await allPagesV1(query, size), expected, `V1 pages of ${size}`)
    },
  )

t.test('ListObjectsV2: 1,001 keys: a page of 1,000 and one of 1', async (t) => {
  const prefix = 'thousand/'
  const names = Array.from({ length: 1001 }, (_, n) => `${prefix}${String(n).padStart(4, '0')}`)
  for (let n = 0; n < names.length; n += 50)
    await Promise.all(
      names.slice(n, n + 50).map((Key) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' }))),
    )
  const first = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))
  t.same([first.KeyCount, first.IsTruncated], [1000, true])
  const call = { Bucket: bucket, Prefix: prefix, ContinuationToken: first.NextContinuationToken }
  const second = await s3.send(new ListObjectsV2Command(call))
  t.same([second.KeyCount, second.IsTruncated], [1, false])
  t.same(
    [...keysIn(first), ...keysIn(second)],
    names.map((name) => `key ${name}`),
  )
})
