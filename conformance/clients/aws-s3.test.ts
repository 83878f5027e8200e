import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { hashOf, hashTree, openClientSuite } from '../support/client-suite.ts'
import { awsEnvironment, findProgram, run } from '../support/program.ts'

/** `aws s3` of the aws cli as it comes from PyPI, with its default settings. */
const suite = await openClientSuite(t, findProgram('aws'), ({ target }, home) => awsEnvironment(target, home))
const { bucket, directory, makeFile, succeed, attempt, send } = suite
const MIB = 1024 * 1024
const there = (key: string) => `s3://${bucket}/${key}`
const s3 = (...args: string[]) => ['s3', ...args]

t.test(
  'aws s3 cp: files of 0 and 1 bytes, 5 MiB, 8 MiB and a byte around, 9 MiB, up and down: the same bytes',
  async (t) => {
    const sizes = [0, 1, 5 * MIB, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 9 * MIB]
    await mkdir(join(directory, 'sizes'))
    for (const size of sizes) await makeFile(`sizes/${size}`, size)
    // One file by itself, then all at once: each start of the program costs a second.
    await succeed(t, s3('cp', join(directory, 'sizes/0'), there('single'), '--no-progress'))
    await succeed(t, s3('cp', there('single'), join(directory, 'single'), '--no-progress'))
    t.equal(await hashOf(join(directory, 'single')), sha256(bytes(0)))
    await succeed(t, s3('cp', join(directory, 'sizes'), there('sizes'), '--recursive', '--no-progress'))
    await succeed(t, s3('cp', there('sizes'), join(directory, 'sizes-back'), '--recursive', '--no-progress'))
    t.same(await hashTree(join(directory, 'sizes-back')), await hashTree(join(directory, 'sizes')))
    for (const size of sizes) {
      const head = await send({ method: 'HEAD', path: `/${bucket}/sizes/${size}` })
      t.equal(head.headers['content-length'], String(size))
      t.match(
        head.headers.etag,
        size < 8 * MIB ? /^"[0-9a-f]{32}"$/ : /^"[0-9a-f]{32}-[12]"$/,
        'in one piece below 8 MiB, else in parts',
      )
    }
  },
)

t.test('aws s3 cp: empty files among others: no upload waits for an answer that has come', async (t) => {
  await mkdir(join(directory, 'empty'))
  for (let n = 0; n < 24; n++) await makeFile(`empty/${n}`, n % 2)
  const startedMs = performance.now()
  await succeed(t, s3('cp', join(directory, 'empty'), there('empty'), '--recursive', '--no-progress'))
  // The cli gives up on an answer after 60 s and tries again: the files would arrive, late.
  t.ok(performance.now() - startedMs < 50_000, 'without a timeout of the cli')
})

t.test('aws s3 cp: a file of 200 MiB, up and down: the same bytes', async (t) => {
  const file = await makeFile('large', 200 * MIB)
  await succeed(t, s3('cp', file, there('large'), '--no-progress'))
  const back = join(directory, 'large-back')
  await succeed(t, s3('cp', there('large'), back, '--no-progress'))
  t.equal(await hashOf(back), await hashOf(file))
  for (const path of [file, back]) await rm(path)
})

t.test(
  'aws s3 cp: from standard input and to standard output, 0 bytes and 20 MiB, with and without --expected-size: the same bytes',
  async (t) => {
    for (const [size, more] of [
      [0, []],
      [20 * MIB + 1, []],
      [20 * MIB + 1, ['--expected-size', String(20 * MIB + 1)]],
    ] as const) {
      const data = bytes(size, 'stdin')
      await succeed(t, s3('cp', '-', there('stdin'), ...more), data)
      const back = await succeed(t, s3('cp', there('stdin'), '-'))
      t.equal(sha256(back.stdout), sha256(data), `${size} ${more.join(' ')}`)
    }
  },
)

t.test(
  'aws s3 cp: from key to key, 3 bytes and 20 MiB (by UploadPartCopy): the same bytes; copied whole, also type and metadata',
  async (t) => {
    for (const size of [3, 20 * MIB + 5]) {
      const file = await makeFile('copied.txt', size)
      await succeed(t, s3('cp', file, there('from.txt'), '--metadata', 'shade=blue', '--no-progress'))
      await succeed(t, s3('cp', there('from.txt'), there('to/where.txt'), '--no-progress'))
      const head = await send({ method: 'HEAD', path: `/${bucket}/to/where.txt` })
      t.equal(head.headers['content-length'], String(size))
      // A copy in parts takes no attributes along: version 1 of the cli does not send them.
      if (size === 3) t.match(head.headers, { 'content-type': 'text/plain', 'x-amz-meta-shade': 'blue' })
      const back = await succeed(t, s3('cp', there('to/where.txt'), '-'))
      t.equal(sha256(back.stdout), await hashOf(file))
    }
  },
)

t.test('aws s3 mv: from file to key and from key to key: there, and no longer here', async (t) => {
  const file = await makeFile('moved', 100)
  const hash = await hashOf(file)
  await succeed(t, s3('mv', file, there('moved/one'), '--no-progress'))
  await t.rejects(hashOf(file), { code: 'ENOENT' })
  await succeed(t, s3('mv', there('moved/one'), there('moved/two'), '--no-progress'))
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/moved/one` })).status, 404)
  await succeed(t, s3('mv', there('moved/two'), file, '--no-progress'))
  t.equal(await hashOf(file), hash)
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/moved/two` })).status, 404)
})

t.test(
  'aws s3 sync: a tree up and down, a change, a removal with --delete: the trees are the same; again: nothing to do',
  async (t) => {
    const tree = join(directory, 'tree')
    await mkdir(join(tree, 'sub dir', 'ünter'), { recursive: true })
    for (const [path, size] of [
      ['a', 0],
      ['b+c', 10],
      ['sub dir/d', 70_000],
      ['sub dir/ünter/e%', 9 * MIB],
    ] as const)
      await writeFile(join(tree, path), bytes(size, path))
    await succeed(t, s3('sync', tree, there('tree'), '--no-progress'))
    const back = join(directory, 'tree-back')
    await succeed(t, s3('sync', there('tree'), back, '--no-progress'))
    t.same(await hashTree(back), await hashTree(tree))
    t.equal(
      (await succeed(t, s3('sync', tree, there('tree'), '--no-progress'))).stdout.toString(),
      '',
      'again: nothing to do',
    )
    await rm(join(tree, 'a'))
    await writeFile(join(tree, 'b+c'), bytes(11, 'changed'))
    await succeed(t, s3('sync', tree, there('tree'), '--delete', '--no-progress'))
    await succeed(t, s3('sync', there('tree'), back, '--delete', '--no-progress'))
    t.same(await hashTree(back), await hashTree(tree), 'after a change and a removal')
  },
)

t.test('aws s3 ls: buckets, a prefix, all below it with a summary: names and sizes', async (t) => {
  for (const key of ['ls/one', 'ls/two', 'ls/deep/three'])
    await send({ method: 'PUT', path: `/${bucket}/${key}`, body: key })
  t.match((await succeed(t, s3('ls'))).stdout.toString(), new RegExp(` ${bucket}$`, 'm'))
  const flat = (await succeed(t, s3('ls', there('ls/')))).stdout.toString()
  t.match(flat, /PRE deep\/\n.* 6 one\n.* 6 two\n/)
  const deep = (await succeed(t, s3('ls', there('ls/'), '--recursive', '--summarize'))).stdout.toString()
  t.match(deep, / 13 ls\/deep\/three\n(.|\n)*Total Objects: 3\n\s*Total Size: 25/)
  t.equal((await attempt(s3('ls', there('none/')))).code, 1, 'nothing there: exit 1')
})

t.test('aws s3 rm: one, and all below a prefix: gone, the rest stays', async (t) => {
  for (const key of ['rm/1', 'rm/2', 'rm/deep/3', 'rm-not'])
    await send({ method: 'PUT', path: `/${bucket}/${key}`, body: 'x' })
  await succeed(t, s3('rm', there('rm/1')))
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/rm/1` })).status, 404)
  await succeed(t, s3('rm', there('rm/'), '--recursive'))
  t.equal((await attempt(s3('ls', there('rm/')))).code, 1)
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/rm-not` })).status, 200)
})

t.test('aws s3 presign: the URL gives the object to curl; changed: 403', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/shared%20file`, body: 'for curl' })
  const url = (await succeed(t, s3('presign', there('shared file'), '--expires-in', '60'))).stdout.toString().trim()
  const curl = (address: string) =>
    run(findProgram('curl'), ['--silent', '--write-out', ' %{http_code}', address], { env: { PATH: process.env.PATH } })
  t.equal((await curl(url)).stdout.toString(), 'for curl 200')
  t.match((await curl(url.replace('shared', 'secret'))).stdout.toString(), / 403$/)
})

t.test('aws s3 mb, rb: made, refused while not empty, removed by --force', async (t) => {
  const name = suite.newBucketName()
  await succeed(t, s3('mb', `s3://${name}`))
  await send({ method: 'PUT', path: `/${name}/k`, body: 'x' })
  const full = await attempt(s3('rb', `s3://${name}`))
  t.equal(full.code, 1)
  t.match(full.stderr, /BucketNotEmpty/)
  await succeed(t, s3('rb', `s3://${name}`, '--force'))
  t.equal((await send({ method: 'HEAD', path: `/${name}` })).status, 404)
})

t.test('aws s3 cp: a key that is not there: exit 1 and the reason', async (t) => {
  const ran = await attempt(s3('cp', there('never'), join(directory, 'never')))
  t.equal(ran.code, 1)
  t.match(ran.stderr, /404/)
})
