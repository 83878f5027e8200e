import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bytes, md5, multipartEtag, sha256 } from '../support/bytes.ts'
import { rcloneEnvironment } from '../support/client-settings.ts'
import { hashTree, openClientSuite } from '../support/client-suite.ts'
import { findProgram } from '../support/program.ts'

/** rclone of Debian. */
const suite = await openClientSuite(t, findProgram('rclone'), rcloneEnvironment)
const { bucket, directory, succeed, send } = suite
const MIB = 1024 * 1024
const there = (path: string) => `store:${bucket}/${path}`
const tree = join(directory, 'tree')
const files = {
  empty: 0,
  one: 1,
  'dir/with space': 1000,
  'dir/ünï+%': 70_000,
  'dir/deep/five': 5 * MIB,
  'dir/deep/nine': 9 * MIB + 1,
}
await mkdir(join(tree, 'dir/deep'), { recursive: true })
for (const [path, size] of Object.entries(files)) await writeFile(join(tree, path), bytes(size, path))

/** `rclone check` tells on stderr how many differ. */
async function noDifferences(t: Test, ...args: string[]): Promise<void> {
  const { stderr } = await succeed(t, ['check', ...args])
  t.match(stderr, /: 0 differences found/)
}

t.test('rclone copy, check: a tree up: 0 differences, by hash and by bytes; down: the same tree', async (t) => {
  await succeed(t, ['copy', tree, there('copy')])
  await noDifferences(t, tree, there('copy'))
  await noDifferences(t, tree, there('copy'), '--download')
  const back = join(directory, 'back')
  await succeed(t, ['copy', there('copy'), back])
  t.same(await hashTree(back), await hashTree(tree))
})

t.test('rclone sync: after a change and a removal: 0 differences; again: nothing transferred', async (t) => {
  await succeed(t, ['sync', tree, there('sync')])
  await rm(join(tree, 'one'))
  await writeFile(join(tree, 'dir/with space'), 'changed')
  await succeed(t, ['sync', tree, there('sync')])
  await noDifferences(t, tree, there('sync'))
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/sync/one` })).status, 404)
  const again = await succeed(t, ['sync', tree, there('sync'), '--stats-one-line', '-v'])
  t.notMatch(again.stderr, /Copied/)
})

t.test('rclone copy: multipart by a small cutoff: parts of 5 MiB, 0 differences, the hash is kept', async (t) => {
  const file = join(directory, 'multipart')
  const data = bytes(17 * MIB + 3, 'multipart')
  await writeFile(file, data)
  await succeed(t, [
    'copyto',
    file,
    there('multi/part'),
    '--s3-upload-cutoff',
    '5M',
    '--s3-chunk-size',
    '5M',
    '--s3-upload-concurrency',
    '3',
  ])
  const head = await send({ method: 'HEAD', path: `/${bucket}/multi/part` })
  t.equal(head.headers.etag, multipartEtag([0, 5, 10, 15].map((n) => data.subarray(n * MIB, (n + 5) * MIB))))
  const back = await succeed(t, ['cat', there('multi/part')])
  t.equal(sha256(back.stdout), sha256(data))
  t.match((await succeed(t, ['hashsum', 'md5', there('multi')])).stdout.toString(), new RegExp(`^${md5(data)} +part`))
})

t.test('rclone lsjson, lsf, hashsum, size: names, sizes, times and hashes', async (t) => {
  await succeed(t, ['copy', tree, there('ls')])
  const listed = JSON.parse(
    (await succeed(t, ['lsjson', '-R', '--files-only', '--hash', there('ls')])).stdout.toString(),
  )
  const local = JSON.parse((await succeed(t, ['lsjson', '-R', '--files-only', '--hash', tree])).stdout.toString())
  const facts = (all: { Path: string; Size: number; ModTime: string; Hashes?: { md5?: string } }[]) =>
    all.map(({ Path, Size, ModTime, Hashes }) => [Path, Size, new Date(ModTime).getTime(), Hashes?.md5]).sort()
  t.same(facts(listed), facts(local), 'also the modification times, kept as metadata')
  t.match((await succeed(t, ['lsf', there('ls')])).stdout.toString(), /^dir\/$/m)
})

t.test('rclone copyto, moveto, deletefile, purge on the store: as on a disk', async (t) => {
  await succeed(t, ['rcat', there('ops/a')], Buffer.from('piped'))
  await succeed(t, ['copyto', there('ops/a'), there('ops/b')])
  await succeed(t, ['moveto', there('ops/b'), there('ops/c')])
  t.equal((await succeed(t, ['cat', there('ops/c')])).stdout.toString(), 'piped')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/ops/b` })).status, 404)
  await succeed(t, ['deletefile', there('ops/a')])
  await succeed(t, ['touch', there('ops/c'), '--timestamp', '2020-01-02T03:04:05'])
  t.match((await succeed(t, ['lsl', there('ops')])).stdout.toString(), /2020-01-02 03:04:05.* c/)
  await succeed(t, ['purge', there('ops')])
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/ops/c` })).status, 404)
})

t.test('rclone mkdir, lsd, rmdir: buckets made, listed, removed', async (t) => {
  const name = suite.newBucketName()
  await succeed(t, ['mkdir', `store:${name}`])
  t.match((await succeed(t, ['lsd', 'store:'])).stdout.toString(), new RegExp(` ${name}$`, 'm'))
  await succeed(t, ['rmdir', `store:${name}`])
  t.equal((await send({ method: 'HEAD', path: `/${name}` })).status, 404)
})
