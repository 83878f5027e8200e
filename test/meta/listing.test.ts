import fc from 'fast-check'
import t from 'tap'
import type { ObjectKey } from '../../src/base/ids.ts'
import type { ObjectPage } from '../../src/base/model.ts'
import { commit, live, newUpload, openMeta } from './fixture.ts'

const fixture = await openMeta()
t.teardown(() => fixture[Symbol.asyncDispose]())
const { meta, bucket, owner, sql } = fixture
const { catalogue } = meta

interface Query {
  prefix: string
  delimiter: string
  after: string
  rowsMax: number
}
const list = (query: Query) => catalogue.listObjects({ bucketId: bucket.id, ...query }, live)
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The listing as one would write it down: no index, no seeking. */
function model(keys: readonly string[], { prefix, delimiter, after, rowsMax }: Query): [string[], string[], boolean] {
  const rollUp = (key: string) => {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    return cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
  }
  const isCommonPrefix = after.startsWith(prefix) && rollUp(after) === after
  const rows = new Map<string, boolean>()
  for (const key of [...keys].sort(byBytes)) {
    if (!key.startsWith(prefix) || byBytes(key, after) <= 0 || (isCommonPrefix && key.startsWith(after))) continue
    const common = rollUp(key)
    rows.set(common ?? key, common !== undefined)
  }
  const shown = [...rows].slice(0, rowsMax)
  const names = (wanted: boolean) => shown.filter(([, isPrefix]) => isPrefix === wanted).map(([name]) => name)
  return [names(false), names(true), rowsMax > 0 && rows.size > rowsMax]
}
const shape = (page: ObjectPage) => [page.objects.map((o) => o.key as string), page.commonPrefixes, page.isTruncated]

/** Few letters, so that keys share prefixes; among them the last ones of each length of UTF-8, and their successors. */
const letters = [
  'a',
  'b',
  '/',
  '/',
  '//',
  '+',
  ' ',
  '%',
  '\n',
  '\u0001',
  '\u007f',
  '\u0080',
  '\u07ff',
  '\u0800',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\u{10ffff}',
]
const piece = (max: number) => fc.array(fc.constantFrom(...letters), { maxLength: max }).map((l) => l.join(''))
const key = fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 5 }).map((l) => l.join(''))
const delimiter = fc.constantFrom('/', '/', '', '//', 'a', 'ab', '\u{10ffff}', '\ud7ff', ' ', '\n', '%')

t.test('listObjects: agrees with a naive model, page by page', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 40 }),
      fc.array(fc.record({ prefix: piece(2), delimiter, after: piece(3), rowsMax: fc.integer({ min: 0, max: 12 }) }), {
        minLength: 5,
        maxLength: 8,
      }),
      async (keys, queries) => {
        await sql('truncate objects, parts, doomed_parts')
        await Promise.all(keys.map((k) => catalogue.commitObject(commit(bucket, k, { part: undefined }), live)))
        for (const query of queries) {
          t.strictSame(shape(await list(query)), model(keys, query), JSON.stringify(query))
          await followPages(keys, { ...query, rowsMax: query.rowsMax + 1 })
        }
        if (!t.passing()) throw new Error('differs')
      },
    ),
    { numRuns: 60 },
  )

  async function followPages(keys: string[], query: Query): Promise<void> {
    const all: string[] = []
    let after = query.after
    for (;;) {
      const page = await list({ ...query, after })
      all.push(...[...page.objects.map((o) => o.key as string), ...page.commonPrefixes].sort(byBytes))
      if (page.next === undefined) break
      after = page.next
    }
    const [objects, prefixes] = model(keys, { ...query, rowsMax: 1e9 })
    t.strictSame(all, [...objects, ...prefixes].sort(byBytes), `pages of ${JSON.stringify(query)}`)
  }
})

t.test('prefix_end: above all that begin with the prefix, below all else that is above', async (t) => {
  const text = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 4 })
    .filter((s) => s.isWellFormed() && !s.includes('\0'))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 50, maxLength: 50 }), async (pairs) => {
      const rows = await sql(
        `select p, s, s collate "C" < prefix_end_v1(p) as below, (p || s) collate "C" < prefix_end_v1(p) as within
           from unnest($1::text[], $2::text[]) as i (p, s)`,
        [pairs.map(([p]) => p), pairs.map(([, s]) => s)],
      )
      for (const { p, s, below, within } of rows as { p: string; s: string; below: boolean; within: boolean }[]) {
        if (!within || below !== (s.startsWith(p) || byBytes(s, p) < 0)) throw new Error(JSON.stringify({ p, s }))
      }
    }),
    { numRuns: 20 },
  )
  t.end()
})

t.test('listObjects: the longest keys, at the very end of all keys', async (t) => {
  await sql('truncate objects, parts, doomed_parts')
  const last = '\u{10ffff}'.repeat(256)
  for (const k of [last, 'a'.repeat(1024)]) {
    await catalogue.commitObject(commit(bucket, k), live)
  }
  t.same(shape(await list({ prefix: '', delimiter: '', after: '', rowsMax: 9 })), [['a'.repeat(1024), last], [], false])
  t.same(shape(await list({ prefix: '\u{10ffff}', delimiter: '', after: '', rowsMax: 9 })), [[last], [], false])
  const rolled = await list({ prefix: '', delimiter: '\u{10ffff}', after: '', rowsMax: 9 })
  t.same(shape(rolled), [['a'.repeat(1024)], ['\u{10ffff}'], false])
})

t.test('listObjects: shows what S3 shows of each object', async (t) => {
  await sql('truncate objects, parts, doomed_parts')
  const wanted = commit(bucket, 'shown')
  const { committedAt } = await catalogue.commitObject(wanted, live)
  const { objects } = await list({ prefix: 'sh', delimiter: '/', after: '', rowsMax: 1 })
  t.same(objects, [
    {
      key: 'shown' as ObjectKey,
      sizeBytes: 5,
      etag: wanted.etag,
      committedAt,
      storageClass: 'STANDARD',
      checksumAlgorithm: 'CRC32',
      checksumType: 'FULL_OBJECT',
    },
  ])
})

t.test('listObjects: a common prefix costs the same, however much lies beneath', async (t) => {
  await sql('truncate objects, parts, doomed_parts')
  await sql(
    `insert into objects (bucket_id, key, version_id, is_latest, size_bytes, etag, storage_class, headers, user_metadata,
                          part_numbers, part_ids, part_sizes, part_checksums)
     select $1, 'huge/' || n, 'null', true, 0, '', 'STANDARD', '{}', '{}', '{}', '{}', '{}', '{}' from generate_series(1, 20000) as n`,
    [bucket.id],
  )
  await catalogue.commitObject(commit(bucket, 'z'), live)
  await sql('vacuum analyze objects')
  const read = async () => {
    const [row] = await sql(
      `select idx_tup_read::int as n from pg_stat_user_indexes where indexrelname = 'objects_current'`,
    )
    return row!.n as number
  }
  const before = await read()
  const reader = await fixture.connect()
  const query = { bucketId: bucket.id, prefix: '', delimiter: '/', after: '', rowsMax: 1000 }
  t.same(shape(await reader.catalogue.listObjects(query, live)), [['z'], ['huge/'], false])
  await reader[Symbol.asyncDispose]() // a session reports what it read when it ends
  let after = before
  while (after === before) after = await read()
  t.ok(after - before < 200, `${after - before} entries read from the index`)
})

t.test('listUploads: by key, then in order of initiation; prefixes rolled up; pages that join', async (t) => {
  const keys = ['a', 'b/1', 'b/2', 'b/2', 'b/2', 'c', 'd/x', 'd/\u{10ffff}']
  const uploads = []
  for (const k of keys) {
    const upload = newUpload(bucket, k, owner.id)
    const { initiatedAt } = await catalogue.createUpload(upload, live)
    uploads.push({ ...upload, initiatedAt, state: 'open' as const })
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const query = { bucketId: bucket.id, prefix: '', delimiter: '', afterKey: '', afterUploadId: '', rowsMax: 100 }
  const page = await catalogue.listUploads(query, live)
  t.same(page, { uploads, commonPrefixes: [], isTruncated: false, nextKey: undefined, nextUploadId: undefined })

  for (const [delimiter, rowsMax] of [
    ['', 1],
    ['', 3],
    ['/', 1],
    ['/', 2],
  ] as const) {
    const seen: string[] = []
    let [afterKey, afterUploadId] = ['', '']
    for (;;) {
      const p = await catalogue.listUploads({ ...query, delimiter, rowsMax, afterKey, afterUploadId }, live)
      t.ok(p.uploads.length + p.commonPrefixes.length <= rowsMax)
      seen.push(...p.uploads.map((u) => u.uploadId as string), ...p.commonPrefixes)
      if (!p.isTruncated) break
      afterKey = p.nextKey!
      afterUploadId = p.nextUploadId!
    }
    const flat = uploads.map((u) => u.uploadId as string)
    t.same(seen, delimiter === '' ? flat : [flat[0], 'b/', flat[5], 'd/'])
  }
  const after = (key: string, id: string) => catalogue.listUploads({ ...query, afterKey: key, afterUploadId: id }, live)
  t.same(
    (await after('b/2', '')).uploads.map((u) => u.key as string),
    ['c', 'd/x', 'd/\u{10ffff}'],
  )
  await catalogue.abortUpload({ bucketId: bucket.id, key: uploads[3]!.key, uploadId: uploads[3]!.uploadId }, live)
  t.ok(
    (await after('b/2', uploads[3]!.uploadId)).uploads.some((u) => u.key === 'c'),
    'after one that is gone',
  )
  t.same((await catalogue.listUploads({ ...query, prefix: 'b/', rowsMax: 0 }, live)).isTruncated, false)
})
