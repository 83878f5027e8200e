import t, { type Test } from 'tap'
import { isFault, StoreFault } from '../../src/base/faults.ts'
import type { BucketName, ObjectKey, VersionId } from '../../src/base/ids.ts'
import { versionIdOf } from '../../src/base/ids.ts'
import type { Bucket, ObjectExtras } from '../../src/base/model.ts'
import { Chance } from '../sim/world/chance.ts'
import { asUpload, attributes, brokenReferences, commit, live, newUpload, openMeta, partCommit } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, owner, sql } = fixture
const { catalogue } = meta
let buckets = 0

function newBucket(versioning: Bucket['versioning']): Promise<Bucket> {
  const name = `versions-${buckets++}` as BucketName
  return catalogue.createBucket({ name, ownerId: owner.id, region: '', versioning }, live)
}

const keyOf = (name: string) => name as ObjectKey
const find = async (bucket: Bucket, key: string, versionId?: VersionId) => {
  const { object, marker } = await catalogue.findObject({ bucket: bucket.name, key: keyOf(key), versionId }, live)
  return { object, marker }
}
const list = (bucket: Bucket, more: Partial<Parameters<typeof catalogue.listVersions>[0]> = {}) =>
  catalogue.listVersions(
    { bucketId: bucket.id, prefix: '', delimiter: '', afterKey: '', afterVersionId: '', rowsMax: 1000, ...more },
    live,
  )

t.test('commitObject: a version is named after its part, and a repeated call gives the same answer', async (t) => {
  const bucket = await newBucket('Enabled')
  const wanted = commit(bucket, 'k')
  const first = await catalogue.commitObject(wanted, live)
  t.equal(first.versionId, versionIdOf(wanted.part!.partId))
  await catalogue.commitObject(commit(bucket, 'k'), live)
  await catalogue.setVersioning({ bucket, versioning: 'Suspended' }, live)
  t.same(await catalogue.commitObject(wanted, live), first, 'also under another versioning')
  t.equal((await list(bucket)).versions.length, 2)
})

t.test('commitObject: one batch for several buckets: each row as its own bucket keeps versions', async (t) => {
  const all = [await newBucket(''), await newBucket('Enabled'), await newBucket('Suspended')]
  for (let round = 0; round < 2; round++) {
    await Promise.all(all.map((bucket) => catalogue.commitObject(commit(bucket, 'k'), live)))
  }
  const counts = await Promise.all(all.map(async (bucket) => (await list(bucket)).versions.length))
  t.same(counts, [1, 2, 1])
})

t.test('extras: what few objects have comes back with the object, and with a replaced one goes', async (t) => {
  const extras: ObjectExtras = {
    tags: [
      ['b', '1'],
      ['a', 'ü'],
    ],
    lock: { mode: 'GOVERNANCE', retainUntil: '2030-01-01T00:00:00.000Z', legalHold: true },
    encryption: { kind: 'AES256', sealedKey: 'c2VhbGVk' },
    access: { ownerId: owner.id, acl: [{ to: { group: 'AllUsers' }, permission: 'READ' }] },
  }
  const bucket = await newBucket('')
  await catalogue.commitObject(commit(bucket, 'k', { extras }), live)
  const source = (await find(bucket, 'k')).object!
  t.same(source.extras, extras)
  const copy = { source, bucketId: bucket.id, attributes, condition: {} }
  await catalogue.copyObject({ ...copy, key: keyOf('plain') }, live)
  t.equal((await find(bucket, 'plain')).object?.extras, undefined)
  await catalogue.copyObject({ ...copy, key: keyOf('tagged'), extras: { tags: extras.tags! } }, live)
  t.same((await find(bucket, 'tagged')).object?.extras, { tags: extras.tags })
  const upload = { ...newUpload(bucket, 'm', owner.id), extras }
  await catalogue.createUpload(upload, live)
  const query = { bucketId: bucket.id, key: upload.key, uploadId: upload.uploadId }
  t.same((await catalogue.findUpload(query, live))?.extras, extras)
  const part = partCommit(upload, 1)
  await catalogue.commitPart(part, live)
  const parts = [{ number: 1, partId: part.part?.partId, sizeBytes: 5, checksum: undefined }]
  const complete = { upload: asUpload(upload), sizeBytes: 5, etag: 'e-1', checksum: undefined, parts, condition: {} }
  await catalogue.completeUpload(complete, live)
  t.same((await find(bucket, 'm')).object?.extras, extras)
  await catalogue.commitObject(commit(bucket, 'k'), live)
  t.equal((await find(bucket, 'k')).object?.extras, undefined)
})

t.test(
  'commitObject, deleteObjects: many at once on few keys of changing versioning: references and latest stay true',
  async (t) => {
    const bucket = await newBucket('Enabled')
    const gateways = [meta, await fixture.connect(), await fixture.connect()]
    const chance = new Chance(7)
    const known: { key: ObjectKey; versionId: VersionId }[] = [{ key: keyOf('a'), versionId: 'null' as VersionId }]
    const one = async (n: number) => {
      const { catalogue } = gateways[n % gateways.length]!
      const key = keyOf(chance.one(['a', 'b', 'c']))
      const what = chance.integer(10)
      if (what < 5) known.push({ key, versionId: (await catalogue.commitObject(commit(bucket, key), live)).versionId })
      else if (what < 7)
        await catalogue.deleteObjects(
          bucket.id,
          [chance.happens(0.3) ? { key } : known.at(-1)!, chance.one(known.slice(-5))],
          live,
        )
      else if (what < 9) {
        const { object } = await catalogue.findObject({ bucket: bucket.name, key, versionId: undefined }, live)
        const copy = { bucketId: bucket.id, key: keyOf(chance.one(['a', 'b'])), attributes, condition: {} }
        await (object && catalogue.copyObject({ source: object, ...copy }, live).catch(ignoreRefusal))
      } else {
        const versioning = chance.one(['Enabled', 'Suspended'] as const)
        await catalogue.setVersioning({ bucket, versioning }, live)
      }
    }
    for (let round = 0; round < 12; round++) {
      await Promise.all(Array.from({ length: 25 }, (_, n) => one(n)))
      await catalogue.deleteObjects(bucket.id, known.slice(-5), live)
      t.same(await withoutOneLatest(), [], `round ${round}`)
    }
    t.same(await sql(brokenReferences), [])
  },
)

const withoutOneLatest = () =>
  sql(`select bucket_id, key from objects group by 1, 2
       having count(*) filter (where is_latest) <> 1 or max(seq) filter (where is_latest) <> max(seq)`)

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof StoreFault) || isFault(error, 'ServiceUnavailable')) throw error
}

t.test('commitObject: 100 at once on a versioned bucket with If-None-Match: one wins', async (t) => {
  const bucket = await newBucket('Enabled')
  const racers = Array.from({ length: 100 }, () => commit(bucket, 'k', { condition: { ifNoneMatch: '*' } }))
  const runs = await Promise.allSettled(racers.map((racer) => catalogue.commitObject(racer, live)))
  t.equal(runs.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal((await list(bucket)).versions.length, 1)
})

t.test('overwrites without versions change no entry of an index', async (t) => {
  const bucket = await newBucket('')
  const [before] = await sql(
    `select pg_relation_size('objects_former') as former, pg_relation_size('objects_marked') as marked`,
  )
  const seqs = async () =>
    (await sql(`select seq from objects where bucket_id = $1`, [bucket.id])).map(({ seq }) => seq)
  await catalogue.commitObject(commit(bucket, 'k'), live)
  const first = await seqs()
  for (let n = 0; n < 5; n++) await catalogue.commitObject(commit(bucket, 'k'), live)
  t.same(await seqs(), first, 'seq stands in an index: to change it would cost an entry in each')
  t.same(
    await sql(`select pg_relation_size('objects_former') as former, pg_relation_size('objects_marked') as marked`),
    [before],
  )
})

interface Row {
  key: string
  id: VersionId
}

/** All that is there in order, by one statement that needs no cleverness. */
async function allRows(bucket: Bucket): Promise<Row[]> {
  const rows = await sql('select key, version_id from objects where bucket_id = $1 order by key, seq desc', [bucket.id])
  return rows.map((row) => ({ key: row.key as string, id: row.version_id as VersionId }))
}

/** What one endless page would hold behind the marker. */
function expected(
  rows: readonly Row[],
  { prefix, delimiter, after }: { prefix: string; delimiter: string; after: Row },
) {
  const common = (key: string) => {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    return cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
  }
  const at = rows.findIndex(({ key, id }) => key === after.key && id === after.id)
  const isBehind = (row: Row, n: number) => {
    if (Buffer.compare(Buffer.from(row.key), Buffer.from(after.key)) < 0) return false
    if (row.key === after.key) return after.id !== '' && common(row.key) === undefined && n > at
    return common(row.key) !== after.key
  }
  const things = rows.filter((row, n) => row.key.startsWith(prefix) && isBehind(row, n))
  return [...new Set(things.map(({ key, id }) => common(key) ?? `${key} ${id}`))]
}

async function checkPaging(t: Test, bucket: Bucket, chance: Chance): Promise<void> {
  const rows = await allRows(bucket)
  for (let n = 0; n < 150; n++) {
    const [prefix, delimiter] = [chance.one(['', 'a', 'a/', 'b']), chance.one(['', '/', 'b'])]
    const from = chance.one([{ key: '', id: '' as VersionId }, chance.one(rows), chance.one(rows)])
    const after = chance.happens(0.3) ? { ...from, id: '' as VersionId } : from
    const rowsMax = 1 + chance.integer(6)
    const seen: string[] = []
    let marker = { afterKey: after.key, afterVersionId: after.id as string }
    for (;;) {
      const page = await list(bucket, { prefix, delimiter, rowsMax, ...marker })
      // Both lists are in order, and common prefixes stand where they sort.
      const lines = [...page.versions.map(({ key, versionId }) => `${key} ${versionId}`), ...page.commonPrefixes]
      if (lines.length > rowsMax || (page.isTruncated && lines.length < rowsMax)) t.fail('a page of another size')
      seen.push(...lines)
      if (!page.isTruncated) break
      marker = { afterKey: page.nextKey!, afterVersionId: page.nextVersionId ?? '' }
    }
    const wanted = expected(rows, { prefix, delimiter, after })
    if (JSON.stringify(seen.toSorted()) !== JSON.stringify(wanted.toSorted())) {
      t.same(seen, wanted, JSON.stringify({ prefix, delimiter, after, rowsMax }))
      return
    }
  }
  t.pass('150 listings')
}

t.test('listVersions: random listings, page by page, hold what is there', async (t) => {
  const chance = new Chance(3)
  const bucket = await newBucket('Enabled')
  const names = ['a', 'a/b', 'a/c', 'a/b/c', 'ab', 'b', 'b/', 'b/b', 'ü/a', '😀', 'a\u{10ffff}', 'c']
  for (let n = 0; n < 90; n++) {
    const key = keyOf(chance.one(names))
    if (n === 60) await catalogue.setVersioning({ bucket, versioning: 'Suspended' }, live)
    if (chance.happens(0.3)) await catalogue.deleteObjects(bucket.id, [{ key }], live)
    else await catalogue.commitObject(commit(bucket, key), live)
  }
  await checkPaging(t, bucket, chance)
})

t.test(
  'listings cost as much as they show, whatever lies under markers, common prefixes and former versions',
  async (t) => {
    const bucket = await newBucket('Enabled')
    const row = (key: string, n: string, latest: boolean, marker: boolean) => `
    insert into objects (bucket_id, key, version_id, is_latest, is_delete_marker, size_bytes, etag, storage_class,
                         headers, user_metadata, part_numbers, part_ids, part_sizes, part_checksums)
    select ${bucket.id}, ${key}, ${n}, ${latest}, ${marker}, 0, 'e', 'STANDARD', '{}', '{}', '{}', '{}', '{}', '{}'
      from generate_series(1, 20000) as n`
    await sql(row(`'gone/' || n`, `'m'`, true, true))
    await sql(row(`'deep'`, `'v' || n`, false, false))
    await catalogue.commitObject(commit(bucket, 'deep'), live)
    await sql(row(`'full/' || n`, `'v'`, true, false))
    await catalogue.commitObject(commit(bucket, 'z'), live)
    await sql('analyze objects')
    const read = async () => {
      const [stat] = await sql(
        `select (idx_tup_fetch + seq_tup_read)::int as rows from pg_stat_user_tables where relname = 'objects'`,
      )
      return stat!.rows as number
    }
    const other = await fixture.connect()
    const before = await read()
    const page = { bucketId: bucket.id, prefix: '', rowsMax: 5 }
    const objects = await other.catalogue.listObjects({ ...page, delimiter: '/', after: 'deep' }, live)
    t.same([objects.commonPrefixes, objects.objects.map(({ key }) => key)], [['full/'], ['z']])
    const flat = await other.catalogue.listObjects({ ...page, delimiter: '', after: 'g' }, live)
    t.same(
      flat.objects.map(({ key }) => key),
      ['z'],
    )
    const versions = (afterKey: string, afterVersionId: string) =>
      other.catalogue.listVersions({ ...page, delimiter: '/', afterKey, afterVersionId }, live)
    t.equal((await versions('', '')).versions.length, 5)
    t.equal((await versions('deep', 'v10')).versions.length, 5)
    const behind = await versions('deep', '')
    t.same([behind.commonPrefixes, behind.versions.map(({ key }) => key)], [['full/', 'gone/'], ['z']])
    t.equal((await versions('deep', 'v1')).commonPrefixes.length, 2)
    await other[Symbol.asyncDispose]()
    for (let last = -1; last !== (await read()); ) {
      last = await read()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const rows = (await read()) - before
    t.ok(rows > 0 && rows < 1000, `${rows} rows read`)
  },
)
