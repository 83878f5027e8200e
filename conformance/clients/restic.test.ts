import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bytes } from '../support/bytes.ts'
import { hashTree, openClientSuite } from '../support/client-suite.ts'
import { findProgram } from '../support/program.ts'

/** restic of Debian, which speaks S3 by minio-go: the tests are one story, each goes on where the last one ended. */
const suite = await openClientSuite(t, findProgram('restic'), ({ target, bucket }, home) => ({
  PATH: process.env.PATH,
  HOME: home,
  RESTIC_REPOSITORY: `s3:${target.endpoint.href}${bucket}/repository`,
  RESTIC_PASSWORD: 'of a test',
  AWS_ACCESS_KEY_ID: target.owner.accessKeyId,
  AWS_SECRET_ACCESS_KEY: target.owner.secretAccessKey,
  NO_PROXY: '*',
}))
const { bucket, directory, succeed, attempt, send } = suite
const MIB = 1024 * 1024
const tree = join(directory, 'tree')
const files = { empty: 0, one: 1, 'dir/with space': 4096, 'dir/ünï+%': 70_000, 'dir/deep/large': 30 * MIB + 1 }
await mkdir(join(tree, 'dir/deep'), { recursive: true })
for (const [path, size] of Object.entries(files)) await writeFile(join(tree, path), bytes(size, path))
const before = await hashTree(tree)

const snapshots = async () =>
  JSON.parse((await succeed(t, ['snapshots', '--json'])).stdout.toString()) as { short_id: string }[]

/** The tree as this snapshot restores it. */
async function restored(snapshot: string): Promise<Record<string, string>> {
  const back = join(directory, `back-${snapshot}`)
  await succeed(t, ['restore', snapshot, '--target', back])
  return await hashTree(join(back, tree))
}

t.test('restic init, backup: a repository and a snapshot in it; init again: refused', async (t) => {
  await succeed(t, ['init'])
  t.not((await attempt(['init'])).code, 0)
  await succeed(t, ['backup', tree])
  t.equal((await snapshots()).length, 1)
})

t.test('restic backup: after a change and a removal: a second snapshot; check --read-data: no errors', async (t) => {
  await appendFile(join(tree, 'dir/deep/large'), 'more')
  await rm(join(tree, 'one'))
  await succeed(t, ['backup', tree])
  t.equal((await snapshots()).length, 2)
  t.match((await succeed(t, ['check', '--read-data'])).stdout.toString(), /no errors were found/)
})

t.test('restic restore: each snapshot: the tree as it was then', async (t) => {
  const [first, second] = await snapshots()
  t.same(await restored(first!.short_id), before)
  t.same(await restored(second!.short_id), await hashTree(tree))
})

t.test('restic forget --prune: the first snapshot and what only it needs: gone; the other is whole', async (t) => {
  const [first, second] = await snapshots()
  const stored = async () => (await succeed(t, ['stats', '--mode', 'raw-data', '--json'])).stdout.toString()
  const bytesBefore = JSON.parse(await stored()).total_size
  await succeed(t, ['forget', first!.short_id, '--prune', '--max-unused', '0'])
  t.same(
    (await snapshots()).map(({ short_id }) => short_id),
    [second!.short_id],
  )
  t.ok(JSON.parse(await stored()).total_size < bytesBefore, 'less is stored')
  t.match((await succeed(t, ['check', '--read-data'])).stdout.toString(), /no errors were found/)
  const locks = await send({ method: 'GET', path: `/${bucket}?list-type=2&prefix=repository%2Flocks%2F` })
  t.match(String(locks.body), /<KeyCount>0</, 'no lock is left')
})
