import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { settledFsck } from '../../support/fsck.ts'
import { execute } from '../../support/postgres.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const Bucket = 'sealed'
/** Of chunks that lie in segments, and of those that are files. */
const SIZES = [4_096, 3 * 1024 * 1024]
const customer = Buffer.from('a key of a customer, 32 bytes!!!')
const env = {
  SEXTANT_ALLOW_SSE_C_OVER_HTTP: 'true',
  SEXTANT_KMS_KEYS: `photos=${randomBytes(32).toString('hex')}`,
  SEXTANT_ORPHAN_AGE_SECONDS: '0',
}
const customerKey = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customer.toString('base64') }
const ways: Record<string, { write: object; read: object; isSealed: boolean }> = {
  plain: { write: {}, read: {}, isSealed: false },
  'sse-s3': { write: { ServerSideEncryption: 'AES256' }, read: {}, isSealed: true },
  'sse-kms': { write: { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'photos' }, read: {}, isSealed: true },
  'sse-c': { write: customerKey, read: customerKey, isSealed: true },
}

const store = new StoreUnderTest(env)
t.teardown(() => store[Symbol.asyncDispose]())
await store.start()
const client = store.client()
t.teardown(() => client.destroy())
await client.send(new CreateBucketCommand({ Bucket }))

/** 64 letters that stand in every block of the body. */
const markOf = (Key: string) => `${Key}:`.padEnd(64, 'plaintext')
const bodyOf = (Key: string, size: number) => Buffer.alloc(size, markOf(Key))
const objects = Object.entries(ways).flatMap(([name, way]) =>
  SIZES.map((size) => ({ Key: `${name}-${size}`, size, ...way })),
)
for (const { Key, size, write } of objects) {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: bodyOf(Key, size), ...write }))
}

async function readsAll(): Promise<string[]> {
  const wrong: string[] = []
  for (const { Key, size, read } of objects) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...read }))
    const bytes = Buffer.from(await Body!.transformToByteArray())
    if (!bytes.equals(bodyOf(Key, size))) wrong.push(Key)
  }
  return wrong
}

/** All files below a directory, whole. */
async function* filesBelow(directory: string): AsyncGenerator<Buffer> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) yield await readFile(join(entry.parentPath, entry.name))
  }
}

async function findsOnNodes(what: string | Buffer): Promise<boolean> {
  for await (const bytes of filesBelow(join(store.directory, 'nodes'))) if (bytes.includes(what)) return true
  return false
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sextant(store.directory, args, env).ended
  if (code !== 0) throw new Error(`sextant ${args.join(' ')}: ${stderr}`)
  return stdout
}

t.test('encryption: nodes’ files have the bytes of what is not encrypted, and of nothing that is', async (t) => {
  for (const { Key, isSealed } of objects) t.equal(await findsOnNodes(markOf(Key).repeat(2)), !isSealed, Key)
  t.notOk(await findsOnNodes(customer), 'nor the customer’s key')
  t.notOk(await findsOnNodes(customer.toString('base64')))
  t.same(await readsAll(), [])
})

t.test('encryption: the database has no key in the clear', async (t) => {
  const rows = await execute(store.databaseUrl(), `select row_to_json(o)::text as text from objects o`)
  const text = rows.map((row) => row.text).join('\n')
  t.match(text, 'sealedKey')
  for (const secret of [customer.toString('base64'), customer.toString('hex'), env.SEXTANT_KMS_KEYS.slice(7)]) {
    t.notOk(text.includes(secret))
  }
})

t.test(
  'sextant encryption rotate: data keys are sealed anew, chunks are not touched, all is read as before',
  async (t) => {
    const seals = async () =>
      JSON.parse(await run('encryption', 'status', '--json')) as { sealedBy: string; isNewest: boolean }[]
    const before = await seals()
    t.same(
      before.map(({ isNewest }) => isNewest),
      [true, true, true],
    )
    const own = before.find(({ sealedBy }) => sealedBy.startsWith('sse-s3'))?.sealedBy
    const parts = () => execute(store.databaseUrl(), 'select part_id, chunk_hashes from parts order by part_id')
    const partsBefore = await parts()
    t.match(JSON.parse(await run('encryption', 'rotate', '--json')), { generation: 2, resealed: SIZES.length, lost: 0 })
    const after = await seals()
    t.same(
      after.map(({ isNewest }) => isNewest),
      [true, true, true],
    )
    t.notOk(
      after.some(({ sealedBy }) => sealedBy === own),
      'nothing is left under the old one',
    )
    t.same(await parts(), partsBefore)
    t.same(await readsAll(), [])
    t.match(JSON.parse(await run('encryption', 'reseal', '--json')), { resealed: 0 }, 'there is nothing left to do')
  },
)

t.test('encryption: chunks that are lost are rebuilt, without any key; then nothing is wrong', async (t) => {
  const chunks = join(store.directory, 'nodes', '1', 'chunks')
  t.ok(
    (await readdir(chunks, { recursive: true, withFileTypes: true })).some((entry) => entry.isFile()),
    'there are some',
  )
  await rm(chunks, { recursive: true })
  await mkdir(chunks)
  const { ok } = await settledFsck(store.directory, 120_000)
  t.ok(ok)
  t.same(await readsAll(), [])
})
