import { readdir, readFile, stat } from 'node:fs/promises'
import { GetBucketLocationCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { execute, openTestDatabase } from '../support/postgres.ts'
import { saveResult } from '../support/reliability.ts'
import { dataDirectory, gone, sextant } from '../support/up.ts'
import { corpora, type Expected, filesOf, unpack } from './corpus.ts'
import { describeStore } from './describe-store.ts'
import { loadRows } from './metadata.ts'

/** Stores that earlier releases wrote, as they lay on disks. `npm run corpus -- --release VERSION` writes this version's. */
const BYTES_MAX = 1024 * 1024
const releases = (await readdir(corpora, { withFileTypes: true })).filter((entry) => entry.isDirectory())
const sizes = await Promise.all(releases.flatMap(({ name }) => Object.values(filesOf(name)).map((file) => stat(file))))

t.ok(releases.length > 0)
t.ok(sizes.reduce((sum, { size }) => sum + size, 0) < BYTES_MAX, 'all of it is small')

const read = { versions: 0, buckets: 0, uploads: 0 }

for (const { name: release } of releases) {
  t.test(`what ${release} wrote is read to the letter: objects, versions, uploads, settings, keys`, async (t) => {
    const files = filesOf(release)
    const expected = JSON.parse(await readFile(files.expected, 'utf8')) as Expected
    await using database = await openTestDatabase({ migrated: false })
    await loadRows(database.url, await readFile(files.metadata, 'utf8'))
    // Uploads that are under way live for a year at most, and this one was begun long ago.
    await execute(database.url, `update upload_sessions set expires_at = now() + interval '1 day'`)
    const directory = await dataDirectory(t)
    await unpack(files.store, directory)

    const env = {
      DATABASE_URL: database.url,
      SEXTANT_KMS_KEYS: expected.kmsKeys,
      SEXTANT_ALLOW_SSE_C_OVER_HTTP: 'true',
    }
    const { child, ready, ended } = sextant(directory, ['up', '--json'], env)
    const { endpoint, region, accessKeyId, secretAccessKey } = await ready
    const clientOf = (credentials: { accessKeyId: string; secretAccessKey: string }) => {
      const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
      t.teardown(() => client.destroy())
      return client
    }
    const found = await describeStore(clientOf({ accessKeyId, secretAccessKey }), expected)
    t.same(JSON.parse(JSON.stringify(found)), expected.store)
    const versions = found.buckets.flatMap((bucket) => bucket.versions)
    t.ok(versions.length >= 20 && versions.some(({ isDeleteMarker }) => isDeleteMarker))
    t.ok(found.buckets.some(({ uploads }) => uploads.length > 0))
    // Its signature is found right by what was sealed then; it may just not do this.
    await t.rejects(clientOf(expected).send(new GetBucketLocationCommand({ Bucket: 'plain' })), {
      name: 'AccessDenied',
    })

    const fsck = await sextant(directory, ['fsck', '--json'], env).ended
    t.equal(fsck.code, 0, fsck.stdout + fsck.stderr)
    child.kill('SIGTERM')
    t.match(await ended, { code: 0 })
    t.same(await gone(directory, 5000), [])
    read.buckets += found.buckets.length
    read.versions += versions.length
    read.uploads += found.buckets.flatMap(({ uploads }) => uploads).length
  })
}

t.test('what all releases wrote', async () => {
  await saveResult({
    name: 'a store of every release',
    test: 'test/corpus/corpus.test.ts',
    promise:
      'What a release left on disks and in PostgreSQL is told to the letter by this version: bytes, versions, attributes, settings, uploads under way',
    passed: t.passing(),
    runs: `stores of ${releases.map(({ name }) => name).join(', ')}, started by this version and checked by \`sextant fsck\``,
    result: `${read.versions} versions and delete markers in ${read.buckets} buckets, and ${read.uploads} uploads, are what was written`,
  })
})
