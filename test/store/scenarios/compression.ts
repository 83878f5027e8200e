import { hash, randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import type { PartId } from '../../../src/base/ids.ts'
import { settledFsck } from '../../support/fsck.ts'
import { execute } from '../../support/postgres.ts'
import { rotLarge } from '../../support/spoil.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const HEALED_MS_MAX = 100_000
const MIB = 1024 * 1024
const Bucket = 'compressed'
const Plain = 'plain'
const store = new StoreUnderTest({ SEXTANT_ORPHAN_AGE_SECONDS: '0' })
t.teardown(() => store[Symbol.asyncDispose]())
await store.start()
const client = store.client()
t.teardown(() => client.destroy())

/** Shrinks to a third or so; no two lines are alike. */
function text(sizeBytes: number, about: string): Buffer {
  const lines = Array.from(
    { length: Math.ceil(sizeBytes / 64) },
    (_, n) => `${about}: request ${hash('md5', `${n}`)} was taken, and is done\n`,
  )
  return Buffer.from(lines.join('')).subarray(0, sizeBytes)
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sextant(store.directory, args).ended
  if (code !== 0) throw new Error(`sextant ${args.join(' ')}: ${stderr}`)
  return stdout
}

async function read(Key: string, from = Bucket, more: { Range?: string } = {}): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: from, Key, ...more }))
  return Buffer.from(await Body!.transformToByteArray())
}

/** Stored bytes of each part of an object, and the bytes that they stand for where they are compressed. */
async function partsOf(Key: string): Promise<{ id: PartId; stored: number; plain: number | null }[]> {
  const rows = await execute(
    store.databaseUrl(),
    `select p.part_id, p.size_bytes::int as stored, p.plain_bytes::int as plain
       from objects o, unnest(o.part_ids) with ordinality as i (id, n) join parts p on p.part_id = i.id
      where o.key = '${Key}' order by i.n`,
  )
  return rows.map((row) => ({
    id: row.part_id as PartId,
    stored: row.stored as number,
    plain: row.plain as number | null,
  }))
}

const bodies = {
  small: text(4096, 'small'),
  medium: text(300_000, 'medium'),
  large: text(8 * MIB + 17, 'large'),
  media: randomBytes(3 * MIB),
  empty: Buffer.alloc(0),
}

for (const name of [Bucket, Plain]) await client.send(new CreateBucketCommand({ Bucket: name }))

t.test('sextant bucket set: compression of new objects, of that bucket alone', async (t) => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'before', Body: bodies.medium }))
  t.equal(JSON.parse(await run('bucket', 'show', Bucket, '--json')).compression, 'default')
  await run('bucket', 'set', Bucket, '--compression', 'zstd')
  t.equal(JSON.parse(await run('bucket', 'show', Bucket, '--json')).compression, 'zstd')
  await client.send(new PutObjectCommand({ Bucket, Key: 'after', Body: bodies.medium }))
  await client.send(new PutObjectCommand({ Bucket: Plain, Key: 'beside', Body: bodies.medium }))
  const plain = { stored: 300_000, plain: null }
  t.match(await partsOf('before'), [plain])
  t.match(await partsOf('beside'), [plain])
  const [after] = await partsOf('after')
  t.equal(after!.plain, 300_000)
  t.ok(after!.stored < 200_000, `${after!.stored} bytes stored`)
  const { code, stderr } = await sextant(store.directory, ['bucket', 'set', 'nowhere', '--compression', 'off']).ended
  t.equal(code, 1)
  t.match(stderr, /There is no bucket nowhere/)
})

t.test('PutObject: compressed, encrypted or not: to clients all is as ever', async (t) => {
  for (const [name, Body] of Object.entries(bodies)) {
    for (const [suffix, more] of Object.entries({ '': {}, '-sealed': { ServerSideEncryption: 'AES256' as const } })) {
      const Key = `${name}${suffix}`
      const crc = { ChecksumAlgorithm: 'CRC32C' as const }
      const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body, ...crc, ...more }))
      t.equal(ETag, `"${hash('md5', Body)}"`)
      const head = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
      t.match(head, { ContentLength: Body.length, ETag, ChecksumCRC32C: /./ })
      t.ok((await read(Key)).equals(Body), Key)
      if (Body.length === 0) continue
      const [part] = await partsOf(Key)
      t.equal(part!.plain, name === 'media' ? null : Body.length)
      t.ok(
        name === 'media' ? part!.stored === Body.length : part!.stored < Body.length * 0.7,
        `${Key}: ${part!.stored}`,
      )
      const [first, last] = [Math.floor(Body.length / 3), Math.floor(Body.length / 3) + 999]
      t.ok((await read(Key, Bucket, { Range: `bytes=${first}-${last}` })).equals(Body.subarray(first, last + 1)))
      t.ok((await read(Key, Bucket, { Range: 'bytes=-7' })).equals(Body.subarray(-7)))
    }
  }
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'large' }))
  t.same(
    Contents.map(({ Size }) => Size),
    [8 * MIB + 17, 8 * MIB + 17],
  )
})

t.test('CopyObject and UploadPartCopy: between buckets, and with another encryption', async (t) => {
  const copy = (Key: string, to: string, from: string, more: object = {}) =>
    client.send(new CopyObjectCommand({ Bucket: to, Key, CopySource: from, ...more }))
  await copy('shared', Plain, `${Bucket}/large`)
  await copy('sealed-anew', Plain, `${Bucket}/large`, { ServerSideEncryption: 'AES256' })
  await copy('shared-back', Bucket, `${Plain}/beside`)
  t.ok((await read('shared', Plain)).equals(bodies.large))
  t.ok((await read('sealed-anew', Plain)).equals(bodies.large))
  t.ok((await read('shared-back')).equals(bodies.medium))
  t.same((await partsOf('shared'))[0], (await partsOf('large'))[0], 'the same part')
  t.equal((await partsOf('sealed-anew'))[0]!.plain, null, 'written anew, into a bucket that does not compress')
})

t.test('multipart: parts of both kinds in one object', async (t) => {
  const Key = 'multipart'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' }))
  const of = { Bucket, Key, UploadId }
  const sent = [
    text(5 * MIB + 1, 'first'),
    randomBytes(5 * MIB),
    text(5 * MIB, 'third'),
    bodies.large,
    Buffer.from('end'),
  ]
  const Parts = []
  for (const [i, Body] of sent.entries()) {
    const PartNumber = i + 1
    if (i === 2) await run('bucket', 'set', Bucket, '--compression', 'off')
    if (i === 3) {
      await run('bucket', 'set', Bucket, '--compression', 'zstd')
      const source = { ...of, PartNumber, CopySource: `${Bucket}/large` }
      const { CopyPartResult } = await client.send(new UploadPartCopyCommand(source))
      Parts.push({ PartNumber, ETag: CopyPartResult!.ETag, ChecksumCRC32: CopyPartResult!.ChecksumCRC32 })
      continue
    }
    const { ETag, ChecksumCRC32 } = await client.send(
      new UploadPartCommand({ ...of, PartNumber, Body, ChecksumAlgorithm: 'CRC32' }),
    )
    t.equal(ETag, `"${hash('md5', Body)}"`)
    Parts.push({ PartNumber, ETag, ChecksumCRC32 })
  }
  await client.send(new CompleteMultipartUploadCommand({ ...of, MultipartUpload: { Parts } }))
  const whole = Buffer.concat(sent)
  t.ok((await read(Key)).equals(whole))
  t.same(
    (await partsOf(Key)).map(({ plain }) => plain),
    [5 * MIB + 1, null, null, bodies.large.length, null],
  )
  const { ObjectSize, ObjectParts } = await client.send(
    new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectSize', 'ObjectParts'] }),
  )
  t.equal(ObjectSize, whole.length)
  t.same(
    ObjectParts!.Parts!.map(({ Size }) => Size),
    sent.map(({ length }) => length),
  )
  for (const at of [5 * MIB, 10 * MIB, 15 * MIB, 20 * MIB]) {
    const got = await read(Key, Bucket, { Range: `bytes=${at - 70_000}-${at + 70_000}` })
    t.ok(got.equals(whole.subarray(at - 70_000, at + 70_001)))
  }
})

t.test(
  'a rotten block of a compressed part is rebuilt within the request, lost chunks by repair; fsck finds nothing',
  async (t) => {
    const [part] = await partsOf('large')
    const [row] = await execute(
      store.databaseUrl(),
      `select c.server_id, c.chunk_number from chunks c where c.part_id = '${part!.id}' and c.chunk_number = 2`,
    )
    const nodes = await execute(store.databaseUrl(), 'select server_id, data_directory from storage_servers')
    const directory = nodes.find(({ server_id: id }) => id === row!.server_id)!.data_directory as string
    await rotLarge(directory, { partId: part!.id, index: 2 })
    t.ok((await read('large')).equals(bodies.large))
    // Healed first: the node below may have two other chunks of it.
    t.ok((await settledFsck(store.directory, HEALED_MS_MAX)).ok)
    const chunks = join(store.directory, 'nodes', '1', 'chunks')
    await rm(chunks, { recursive: true })
    await mkdir(chunks)
    const found = await settledFsck(store.directory, HEALED_MS_MAX)
    t.ok(found.ok, JSON.stringify(found))
    for (const [name, body] of Object.entries(bodies)) t.ok((await read(name)).equals(body), name)
  },
)
