import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { s3cmdEnvironment, writeS3cmdSettings } from '../support/client-settings.ts'
import { hashOf, hashTree, openClientSuite } from '../support/client-suite.ts'
import { findProgram } from '../support/program.ts'

/** s3cmd of PyPI, told where the store is and whose it is; the rest is its default. */
const suite = await openClientSuite(t, findProgram('s3cmd'), s3cmdEnvironment)
const { bucket, directory, makeFile, succeed, attempt, send, target } = suite
const MIB = 1024 * 1024
const there = (path: string) => `s3://${bucket}/${path}`
await writeS3cmdSettings(directory, target)
const tree = join(directory, 'tree')
const files = { empty: 0, one: 1, 'dir/with space': 4096, 'dir/ünï+%': 70_000, 'dir/deep/large': 17 * MIB + 1 }
await mkdir(join(tree, 'dir/deep'), { recursive: true })
for (const [path, size] of Object.entries(files)) await writeFile(join(tree, path), bytes(size, path))

t.test(
  's3cmd put, get: files of 0 bytes to 17 MiB (in parts of 15 MiB): the same bytes, by a checked MD5',
  async (t) => {
    const back = join(directory, 'back')
    await mkdir(back)
    await succeed(t, ['put', '--recursive', `${tree}/`, there('put/')])
    await succeed(t, ['get', '--recursive', there('put/'), `${back}/`])
    t.same(await hashTree(back), await hashTree(tree))
    const head = await send({ method: 'HEAD', path: `/${bucket}/put/dir/deep/large` })
    t.match(head.headers.etag, /-2"$/)
    t.match(head.headers['x-amz-meta-s3cmd-attrs'], /md5:/)
  },
)

t.test('s3cmd put, get: standard input and output, type and metadata: as they were', async (t) => {
  const data = bytes(8 * MIB + 1, 'stdin')
  await succeed(
    t,
    ['put', '-', there('stdin'), '--mime-type', 'text/x-cmd', '--add-header', 'x-amz-meta-shade: blue'],
    data,
  )
  t.equal(sha256((await succeed(t, ['get', '--quiet', there('stdin'), '-'])).stdout), sha256(data))
  const told = (await succeed(t, ['info', there('stdin')])).stdout.toString()
  t.match(told, /File size: *8388609\n(.|\n)*MIME type: *text\/x-cmd(.|\n)*x-amz-meta-shade: *blue/)
})

t.test('s3cmd ls, la, du: names and sizes, also odd ones', async (t) => {
  for (const name of ['a%20b', '%C3%BC', 'c%2Bd', '100%25', 'deep/e']) {
    await send({ method: 'PUT', path: `/${bucket}/ls/${name}`, body: 'x' })
  }
  const flat = (await succeed(t, ['ls', there('ls/')])).stdout.toString()
  t.same(
    flat
      .trim()
      .split('\n')
      .map((line) => line.slice(line.indexOf('s3://'))),
    ['deep/', '100%', 'a b', 'c+d', 'ü'].map((name) => there(`ls/${name}`)),
  )
  const deep = (await succeed(t, ['ls', '--recursive', there('ls/')])).stdout.toString()
  t.match(deep, new RegExp(` 1 +${there('ls/deep/e')}$`, 'm'))
  t.match((await succeed(t, ['du', there('ls/')])).stdout.toString(), /^ *5 +5 objects/)
  t.match((await succeed(t, ['ls'])).stdout.toString(), new RegExp(` s3://${bucket}$`, 'm'))
})

t.test('s3cmd cp, mv: from key to key, 3 bytes and 17 MiB: the same bytes, there and no longer here', async (t) => {
  for (const size of [3, 17 * MIB + 5]) {
    const file = await makeFile('copied', size)
    await succeed(t, ['put', file, there('from here')])
    await succeed(t, ['cp', there('from here'), there('to/a+b')])
    await succeed(t, ['mv', there('from here'), there('to/c d')])
    t.equal((await send({ method: 'HEAD', path: `/${bucket}/from%20here` })).status, 404)
    for (const name of ['a+b', 'c d']) {
      const back = await succeed(t, ['get', '--quiet', there(`to/${name}`), '-'])
      t.equal(sha256(back.stdout), await hashOf(file), `${size} bytes at ${name}`)
    }
  }
})

t.test('s3cmd sync: a tree up and down, a change, a removal: the same trees; again: nothing to do', async (t) => {
  const up = ['sync', '--delete-removed', `${tree}/`, there('sync/')]
  await succeed(t, up)
  t.notMatch((await succeed(t, up)).stdout.toString(), /upload:/, 'again: nothing to do')
  await rm(join(tree, 'one'))
  await writeFile(join(tree, 'dir/with space'), 'changed')
  await succeed(t, up)
  const back = join(directory, 'sync-back')
  await mkdir(back)
  await succeed(t, ['sync', there('sync/'), `${back}/`])
  t.same(await hashTree(back), await hashTree(tree))
})

t.test('s3cmd signurl: the URL gives the object to who has no key; changed: 403', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/shared%20file`, body: 'by url' })
  const url = (await succeed(t, ['signurl', there('shared file'), '+60'])).stdout.toString().trim()
  const answer = await fetch(url)
  t.same([answer.status, await answer.text()], [200, 'by url'])
  t.equal((await fetch(url.replace('shared', 'secret'))).status, 403)
})

t.test('s3cmd del: one, and all below a prefix: gone, the rest stays', async (t) => {
  for (const name of ['a%20b', 'c', 'deep/d']) await send({ method: 'PUT', path: `/${bucket}/del/${name}`, body: 'x' })
  await send({ method: 'PUT', path: `/${bucket}/del-not`, body: 'x' })
  await succeed(t, ['del', there('del/a b')])
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/del/a%20b` })).status, 404)
  await succeed(t, ['del', '--recursive', '--force', there('del/')])
  t.equal((await succeed(t, ['ls', '--recursive', there('del/')])).stdout.toString(), '')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/del-not` })).status, 200)
})

t.test('s3cmd multipart, listmp, abortmp: an upload that was left: listed with its parts, ended', async (t) => {
  const created = await send({ method: 'POST', path: `/${bucket}/left?uploads=` })
  const id = /<UploadId>(.+)<\/UploadId>/.exec(String(created.body))![1]!
  await send({ method: 'PUT', path: `/${bucket}/left?partNumber=1&uploadId=${id}`, body: 'part' })
  t.match((await succeed(t, ['multipart', `s3://${bucket}`])).stdout.toString(), id)
  t.match((await succeed(t, ['listmp', there('left'), id])).stdout.toString(), /\t1\t.*\t4/)
  await succeed(t, ['abortmp', there('left'), id])
  t.notMatch((await succeed(t, ['multipart', `s3://${bucket}`])).stdout.toString(), id)
})

t.test('s3cmd mb, rb, info: made, told of, refused while not empty, removed by --recursive --force', async (t) => {
  const name = suite.newBucketName()
  await succeed(t, ['mb', `s3://${name}`])
  await send({ method: 'PUT', path: `/${name}/k`, body: 'x' })
  const full = await attempt(['rb', `s3://${name}`])
  t.not(full.code, 0)
  t.match(full.stderr, /BucketNotEmpty|not empty/)
  await succeed(t, ['rb', '--recursive', '--force', `s3://${name}`])
  t.equal((await send({ method: 'HEAD', path: `/${name}` })).status, 404)
})
