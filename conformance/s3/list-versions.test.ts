import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, elements, openSuite, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const configuration = { Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' as const } }
await s3.send(new PutBucketVersioningCommand(configuration))

/** `key` and version id, `-` for a marker, in the order in which a listing has them. */
const written: string[] = []
for (const step of ['a', 'dir/x', 'a', 'b c', '-a', 'a', 'dir/y', '-dir/y', 'z', 'dir/x']) {
  const Key = step.replace('-', '')
  const command = { Bucket: bucket, Key }
  const { VersionId } = step.startsWith('-')
    ? await s3.send(new DeleteObjectCommand(command))
    : await s3.send(new PutObjectCommand({ ...command, Body: step }))
  written.unshift(`${Key} ${VersionId}${step.startsWith('-') ? ' -' : ''}`)
}
const keyOf = (line: string) => line.slice(0, line.search(/ [0-9a-f]+(?: -)?$/))
const all = written.toSorted((x, y) => (keyOf(x) < keyOf(y) ? -1 : Number(keyOf(x) > keyOf(y))))

const list = (input: Partial<ListObjectVersionsCommandInput> = {}) =>
  s3.send(new ListObjectVersionsCommand({ Bucket: bucket, ...input }))
type Page = Awaited<ReturnType<typeof list>>
/** What a page holds, in no order. */
const linesOf = ({ Versions = [], DeleteMarkers = [], CommonPrefixes = [] }: Page) =>
  [
    ...Versions.map(({ Key, VersionId }) => `${Key} ${VersionId}`),
    ...DeleteMarkers.map(({ Key, VersionId }) => `${Key} ${VersionId} -`),
    ...CommonPrefixes.map(({ Prefix }) => `${Prefix}`),
  ].sort()
const wire = (query: string) => send({ method: 'GET', path: `/${bucket}?versions&${query}` })

t.test('ListObjectVersions: all: every version and marker once, of each key the newest first', async (t) => {
  const page = await list()
  t.same(linesOf(page), all.toSorted())
  t.same(
    page.Versions?.map(({ Key, VersionId }) => `${Key} ${VersionId}`),
    all.filter((line) => !line.endsWith(' -')),
  )
  t.same(
    page.Versions?.filter(({ IsLatest }) => IsLatest).map(({ Key }) => Key),
    ['a', 'b c', 'dir/x', 'z'],
  )
  t.same(
    page.DeleteMarkers?.map(({ Key, IsLatest }) => [Key, IsLatest]),
    [
      ['a', false],
      ['dir/y', true],
    ],
  )
  const [first] = page.Versions!
  t.match(first, { Size: 1, ETag: /^"[0-9a-f]{32}"$/, StorageClass: 'STANDARD', Owner: { ID: /^[0-9a-f]{64}$/ } })
  t.match(page, { Name: bucket, Prefix: '', KeyMarker: '', MaxKeys: 1000, IsTruncated: false })
})

t.test(
  'ListObjectVersions: in the answer, versions and markers stand together, by key, the newest first',
  async (t) => {
    const { body } = await wire('')
    const inXml = [...body.toString().matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(
      ([, name, held]) =>
        `${element(held!, 'Key')} ${element(held!, 'VersionId')}${name === 'DeleteMarker' ? ' -' : ''}`,
    )
    t.same(inXml, all)
  },
)

for (const MaxKeys of [1, 2, 3, 7]) {
  t.test(
    `ListObjectVersions: pages of ${MaxKeys}: together what one page holds, with and without delimiter`,
    async (t) => {
      for (const Delimiter of [undefined, '/']) {
        const seen: string[] = []
        let KeyMarker: string | undefined
        let VersionIdMarker: string | undefined
        for (let pages = 0; pages < 20; pages++) {
          const page = await list({ MaxKeys, Delimiter, KeyMarker, VersionIdMarker })
          const lines = linesOf(page)
          t.ok(lines.length <= MaxKeys)
          seen.push(...lines)
          t.equal(page.IsTruncated, page.NextKeyMarker !== undefined)
          if (!page.IsTruncated) break
          KeyMarker = page.NextKeyMarker
          VersionIdMarker = page.NextVersionIdMarker
        }
        const expected = Delimiter ? [...all.filter((line) => !line.startsWith('dir/')), 'dir/'] : all
        t.same(seen.sort(), expected.toSorted(), String(Delimiter))
      }
    },
  )
}

t.test('ListObjectVersions: key-marker alone goes on behind all versions of that key', async (t) => {
  t.same(linesOf(await list({ KeyMarker: 'a' })), all.filter((line) => !line.startsWith('a ')).sort())
})

t.test('ListObjectVersions: prefix and delimiter: what is below is one common prefix, markers too', async (t) => {
  t.same(linesOf(await list({ Prefix: 'dir/' })), all.filter((line) => line.startsWith('dir/')).sort())
  t.same(linesOf(await list({ Prefix: 'd', Delimiter: '/' })), ['dir/'])
  t.same(linesOf(await list({ Prefix: 'nothing' })), [])
})

t.test('ListObjectVersions: a marker that is gone: what is left of its key is listed', async (t) => {
  const Bucket = await suite.newBucket()
  await s3.send(new PutBucketVersioningCommand({ ...configuration, Bucket }))
  const ids: string[] = []
  for (const Body of ['1', '2', '3', '4'])
    ids.unshift((await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }))).VersionId!)
  const first = await list({ Bucket, MaxKeys: 2 })
  for (const { Key, VersionId } of first.Versions!) await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))
  const second = await list({ Bucket, KeyMarker: first.NextKeyMarker, VersionIdMarker: first.NextVersionIdMarker })
  t.same(
    second.Versions?.map(({ VersionId }) => VersionId),
    ids.slice(2),
  )
})

t.test('ListObjectVersions: an unversioned bucket: its objects as null versions', async (t) => {
  const Bucket = await suite.newBucket()
  await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  t.match((await list({ Bucket })).Versions, [{ Key: 'k', VersionId: 'null', IsLatest: true }])
})

t.test('ListObjectVersions: encoding-type=url codes keys, prefixes and markers (quirk 1)', async (t) => {
  const answer = await wire('encoding-type=url&prefix=b%20&key-marker=b')
  t.equal(element(answer.body, 'Key'), 'b%20c')
  t.equal(element(answer.body, 'Prefix'), 'b%20')
  t.equal(element(answer.body, 'EncodingType'), 'url')
  t.match(String(answer.body), /<ListVersionsResult/)
})

t.test(
  'ListObjectVersions: max-keys=0: empty, not truncated; not a number: 400; over 1,000: 1,000 (quirk 4)',
  async (t) => {
    const none = await wire('max-keys=0')
    t.same([elements(none.body, 'Version').length, element(none.body, 'IsTruncated')], [0, 'false'])
    refusedWire(t, await wire('max-keys=x'), 400, 'InvalidArgument')
    t.equal(element((await wire('max-keys=5000')).body, 'MaxKeys'), '1000')
  },
)

t.test('ListObjectVersions: version-id-marker without key-marker, or malformed: 400 InvalidArgument', async (t) => {
  const id = '0123456789abcdef0123456789abcdef'
  refusedWire(t, await wire(`version-id-marker=${id}`), 400, 'InvalidArgument')
  refusedWire(t, await wire('key-marker=a&version-id-marker=x'), 400, 'InvalidArgument')
  t.equal((await wire('key-marker=a&version-id-marker=')).status, 200, 'an empty one is none')
})
