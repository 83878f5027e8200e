import { createHash, randomBytes } from 'node:crypto'
import { cp, mkdtemp, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import type { BackupDescription } from '../../../src/cli/backup/backup-directory.ts'
import { execute } from '../../support/postgres.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const bucket = 'kept'

async function read(client: S3Client, key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  return Buffer.from(await Body!.transformToByteArray())
}

async function keysOf(client: S3Client): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key }) => Key!)
}

t.test('backup: taken from a store at work, verified, restored, and served again', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'sextant-backup-'))
  t.teardown(() => rm(scratch, { recursive: true, force: true }))
  await using store = new StoreUnderTest()
  await store.start()
  const { directory } = store
  const run = (...args: string[]) => sextant(directory, ['backup', ...args]).ended
  const backup = join(scratch, 'first')
  let client = store.client()
  const objects = new Map(['a', 'b', 'c/d'].map((key, i) => [key, randomBytes(1_000_000 * i + 10)]))
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const [Key, Body] of objects) await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))

  await t.test('backup create: a directory that is whole, and is never written over', async (t) => {
    t.match(await run('create', backup, '--json'), { code: 0, stdout: /"kind":"base"/ })
    t.match(await run('create', backup), { code: 1, stderr: /is there already/ })
    const description = JSON.parse(await readFile(join(backup, 'backup.json'), 'utf8')) as BackupDescription
    t.same(
      description.files.map(({ name }) => name),
      ['base.tar.zst', 'backup_manifest'],
    )
  })

  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'later', Body: randomBytes(5000) }))
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a' }))
  const [{ session }] = (await execute(
    store.databaseUrl(),
    'select max(gateway_session) as session from upload_sessions',
  )) as [{ session: number }]

  await t.test('backup verify: says what is in it, and needs no store', async (t) => {
    const elsewhere = await sextant(scratch, ['backup', 'verify', backup]).ended
    t.match(elsewhere, { code: 0, stdout: /is good\n.*3 objects .* in 1 bucket.*\n.*no sealing key at hand/s })
    t.equal(elsewhere.stderr, '')
  })

  await t.test('backup verify: what is damaged is told', async (t) => {
    const spoilt = join(scratch, 'spoilt')
    const verifySpoilt = async (spoil: (archive: string) => Promise<void>) => {
      await rm(spoilt, { recursive: true, force: true })
      await cp(backup, spoilt, { recursive: true })
      await spoil(join(spoilt, 'base.tar.zst'))
      return await run('verify', spoilt)
    }
    const notWhatWasWritten = await verifySpoilt(async (archive) => {
      const bytes = await readFile(archive)
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(archive, bytes)
    })
    t.match(notWhatWasWritten, { code: 1, stderr: /is damaged: .*SHA-256 is another/ })
    t.match(await verifySpoilt((archive) => truncate(archive, 1000)), { code: 1, stderr: /has 1000 bytes, and had/ })
    t.match(await verifySpoilt((archive) => rm(archive)), { code: 1, stderr: /cannot be read \(ENOENT\)/ })
    // What our own sums do not see, PostgreSQL's manifest does.
    const notInTheManifest = await verifySpoilt(async (archive) => {
      const tar = zstdDecompressSync(await readFile(archive))
      tar[tar.indexOf('PG_VERSION') + 512] = '9'.charCodeAt(0)
      await rewrite(spoilt, 'base.tar.zst', zstdCompressSync(tar))
    })
    t.match(notInTheManifest, { code: 1, stderr: /PG_VERSION is damaged: its SHA-256/ })
    const otherManifest = await verifySpoilt(async () => {
      const manifest = await readFile(join(spoilt, 'backup_manifest'), 'utf8')
      await rewrite(spoilt, 'backup_manifest', Buffer.from(manifest.replace('"Size": 3', '"Size": 4')))
    })
    t.match(otherManifest, { code: 1, stderr: /backup_manifest is damaged/ })
  })

  await t.test('backup restore: never over something that is there', async (t) => {
    t.match(await run('restore', backup), { code: 1, stderr: /in use by another/ })
    await store.stop()
    t.match(await run('restore', backup), { code: 1, stderr: /has a database already/ })
    t.match(await run('restore', scratch), { code: 1, stderr: /is no backup/ })
    const url = { DATABASE_URL: 'postgresql://127.0.0.1:1/none' }
    t.match(await sextant(directory, ['backup', 'restore', backup], url).ended, {
      code: 1,
      stderr: /unset DATABASE_URL/,
    })
  })

  await t.test('backup create: of a store that does not run', async (t) => {
    t.match(await run('create', join(scratch, 'second')), { code: 0, stdout: /^backup of/m })
  })

  await t.test('backup restore: all is as it was, and the database knows that it was restored', async (t) => {
    await rename(join(directory, 'postgres'), join(scratch, 'postgres'))
    const { code, stdout, stderr } = await run('restore', backup, '--json')
    t.equal(stderr, '')
    t.equal(code, 0)
    t.match(JSON.parse(stdout), { into: 'data directory', contents: { objects: 3, opensSecrets: true } })
    await store.start()
    client = store.client()
    t.same(await keysOf(client), ['a', 'b', 'c/d'])
    for (const [key, bytes] of objects) t.ok((await read(client, key)).equals(bytes), key)
    const [mark] = await execute(
      store.databaseUrl(),
      `select r.kind, r.session_floor, r.released_at, (select min(gateway_session) from upload_sessions
        where kind = 'gateway' and state = 'open') as session from catalogue_restores r where r.kind = 'backup'`,
    )
    t.match(mark, { kind: 'backup', released_at: null })
    t.ok(Number(mark!.session_floor) > session, 'new sessions are numbered beyond all of before')
    t.ok(Number(mark!.session) >= Number(mark!.session_floor), 'no session of before is open')
  })
})

/** Writes a file of a backup as if it had been so from the start. */
async function rewrite(directory: string, name: string, content: Buffer): Promise<void> {
  await writeFile(join(directory, name), content)
  const file = join(directory, 'backup.json')
  const description = JSON.parse(await readFile(file, 'utf8')) as BackupDescription
  const files = description.files.map((one) =>
    one.name === name
      ? { name, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
      : one,
  )
  await writeFile(file, JSON.stringify({ ...description, files }))
}
