import { randomBytes } from 'node:crypto'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const MIB = 1024 * 1024
const Bucket = 'archive'
/** Sums only where a test asks for them. */
const PLAIN = { requestChecksumCalculation: 'WHEN_REQUIRED' } as const

/** An object as a client sees it: its bytes, and all that is said of it but when it was written. */
async function look(client: S3Client, Key: string) {
  const {
    Body,
    $metadata: _,
    LastModified: __,
    ...rest
  } = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  return { ...rest, bytes: Buffer.from(await Body!.transformToByteArray()) }
}

async function keysOf(client: S3Client): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
  return Contents.map(({ Key }) => Key!)
}

async function upload(client: S3Client, Key: string, bodies: Buffer[], more: object = {}) {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  const Parts = []
  for (const [i, Body] of bodies.entries()) {
    const PartNumber = i + 1
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }))
    Parts.push({ ETag, PartNumber })
  }
  return { Bucket, Key, UploadId, MultipartUpload: { Parts } }
}

/** What must be back to the letter, parts by id. Servers by their id: numbers are given anew. */
const PARTS = `
  select p.part_id, p.size_bytes, p.plain_bytes, p.block_bytes, p.parity_chunks, p.refs, encode(p.chunk_hashes, 'hex') as hashes,
         array(select s.server_id from unnest(p.servers) with ordinality as c (number, n)
                join storage_servers s on s.server_number = c.number order by c.n) as servers
    from parts p where p.refs > 0 order by p.part_id`

t.test('rebuild-catalogue: PostgreSQL is lost, and the chunks tell', async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'sextant-lost-'))
  t.teardown(() => rm(scratch, { recursive: true, force: true }))
  await using store = new StoreUnderTest({ SEXTANT_DEFAULT_COMPRESSION: 'zstd' })
  await store.start()
  const { directory } = store
  const run = (...args: string[]) => sextant(directory, ['rebuild-catalogue', ...args]).ended
  let client = store.client(PLAIN)
  const put = (Key: string, Body: Buffer, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

  await client.send(new CreateBucketCommand({ Bucket }))
  await client.send(new CreateBucketCommand({ Bucket: 'empty-bucket' }))
  await put('small', randomBytes(4096), {
    ContentType: 'image/png',
    CacheControl: 'max-age=5',
    ContentDisposition: 'attachment; filename="u.png"',
    Metadata: { colour: 'blue', note: 'a, b' },
  })
  await put('one byte', randomBytes(1), { ChecksumAlgorithm: 'SHA256' })
  await put('ключ/äöü/☃', randomBytes(200_000), { ChecksumAlgorithm: 'CRC64NVME' })
  await put('large', randomBytes(7 * MIB + 3), { ChecksumAlgorithm: 'CRC32' })
  await put('encrypted', randomBytes(300_000), { ServerSideEncryption: 'AES256' })
  await put('less parity', randomBytes(50_000), { StorageClass: 'REDUCED_REDUNDANCY' })
  await put('compressed', Buffer.alloc(700_000, 'again and again, '), { ChecksumAlgorithm: 'SHA1' })
  await put('overwritten', randomBytes(1000))
  await put('overwritten', randomBytes(2000))
  const multipart = [randomBytes(5 * MIB), Buffer.alloc(6 * MIB, 'and so on, '), randomBytes(10)]
  const sums = {
    ServerSideEncryption: 'aws:kms',
    ChecksumAlgorithm: 'CRC32C',
    ContentType: 'video/mp4',
    Metadata: { take: '3' },
  }
  await client.send(new CompleteMultipartUploadCommand(await upload(client, 'multipart', multipart, sums)))
  const mustBeBack = await keysOf(client)
  const saw = new Map(await Promise.all(mustBeBack.map(async (key) => [key, await look(client, key)] as const)))
  const parts = await execute(store.databaseUrl(), PARTS)

  // What no chunk tells of.
  await put('nothing', Buffer.alloc(0))
  await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/small` }))
  await put('deleted', randomBytes(300))
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }))
  const underWay = await upload(client, 'under way', [randomBytes(5 * MIB), randomBytes(20)])

  t.match(await run(), { code: 1, stderr: /A store runs on the data directory/ })
  await store.stop()
  t.match(await run(), { code: 1, stderr: /has buckets already/ })

  const back = { first: 0, second: 0, parts: 0 }
  await t.test(
    'rebuild-catalogue: uploads of the last day come back as uploads, everything older as it was',
    async (t) => {
      await rename(join(directory, 'postgres'), join(scratch, 'postgres'))
      const { code, stdout, stderr } = await run('--json')
      t.equal(stderr, '')
      t.equal(code, 0)
      t.match(JSON.parse(stdout), {
        buckets: 1,
        objects: mustBeBack.length, // without «multipart», and with «deleted»
        uploads: 2,
        contestedKeys: 1,
        parts: { unreadable: 0, withMissingChunks: 0, superseded: 1 },
        examples: { contested: [{ key: 'overwritten' }], uploads: [{ key: 'multipart' }, { key: 'under way' }] },
      })
      await store.start()
      client = store.client(PLAIN)
      const plain = mustBeBack.filter((key) => key !== 'multipart')
      t.same(await keysOf(client), [...plain, 'deleted'].sort(byBytes), 'the deleted one is back, as the output says')
      for (const key of plain) t.same(await look(client, key), saw.get(key), key)
      const { UploadId, MultipartUpload } = underWay
      const listed = await client.send(new ListPartsCommand({ Bucket, Key: 'under way', UploadId }))
      t.match(listed.Parts, MultipartUpload.Parts)
      await client.send(new CompleteMultipartUploadCommand(underWay))
      t.equal((await look(client, 'under way')).bytes.length, 5 * MIB + 20, 'an upload goes on where it was')
      back.first = plain.length
      await put('after', randomBytes(10))
      await store.stop()
    },
  )

  await t.test('rebuild-catalogue: with a storage node lost too, and uploads taken for completed', async (t) => {
    await rm(join(directory, 'postgres'), { recursive: true })
    await rename(join(directory, 'nodes', '3'), join(scratch, 'node-3'))
    const { code, stdout, stderr } = await run('--complete-uploads')
    t.equal(stderr, '')
    t.equal(code, 0)
    t.match(stdout, /^to repair +[1-9]\d* parts? with missing chunks$/m)
    t.match(stdout, /^ +- buckets without objects, and objects without bytes/m)
    await store.start()
    client = store.client(PLAIN)
    // Seven chunks on six servers: two of «less parity» may have lain on the one that is lost, and that is one too many.
    const isSure = (key: string) => key !== 'less parity'
    const sure = mustBeBack.filter(isSure)
    t.same((await keysOf(client)).filter(isSure), [...sure, 'after', 'deleted', 'under way'].sort(byBytes))
    for (const key of sure) t.same(await look(client, key), saw.get(key), key)
    const rebuilt = new Map((await execute(store.databaseUrl(), PARTS)).map((row) => [row.part_id, row]))
    for (const { part_id, servers: _, ...before } of parts) {
      if (before.parity_chunks === 1 && !rebuilt.has(part_id)) continue
      t.match(rebuilt.get(part_id), before, 'with the hashes of the chunks that are lost')
    }
    const repair = await sextant(directory, ['repair', '--wait', '--json']).ended
    t.match(JSON.parse(repair.stdout), { queue: { parts: 0 }, repaired: { failures: 0 } }, 'and they can be repaired')
    Object.assign(back, { second: sure.length, parts: rebuilt.size })
  })
  await saveResult({
    name: 'PostgreSQL lost',
    test: 'test/cli/scenarios/rebuild-catalogue.ts',
    promise:
      'With the database gone `sextant rebuild-catalogue` brings objects back from their chunks, to the letter, and tells what no chunk knows: accounts and their keys, settings of buckets, copies, what has no bytes, and what was deleted',
    passed: t.passing(),
    runs: `the database deleted twice under ${mustBeBack.length} objects: encrypted, compressed, multipart, overwritten; the second time with one of six storage nodes lost, too`,
    result: `${back.first} objects and an upload under way are back; then ${back.second} objects in ${back.parts} parts, repaired; a deleted object is back, too, as the command says`,
  })
})

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
