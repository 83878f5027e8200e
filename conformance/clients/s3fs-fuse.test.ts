import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { hashTree, openClientSuite } from '../support/client-suite.ts'
import { findProgram, run } from '../support/program.ts'

const MIB = 1024 * 1024
const MOUNT_MS_MAX = 60_000
/** What libfuse says on a machine where nothing can be mounted: without the device, or in a container that may not. */
const NO_FUSE = /^fuse: (device not found|failed to open)|mount failed: Operation not permitted/m
await checkMounts()

/** s3fs of Debian: a bucket as a directory. What is read back comes by S3 or from a second mount, never from its own cache. */
async function checkMounts(): Promise<void> {
  const program = findProgram('s3fs')
  const suite = await openClientSuite(t, program, (_, home) => ({
    PATH: process.env.PATH,
    HOME: home,
    LANG: 'C.UTF-8',
  }))
  const { bucket, directory, send, target } = suite
  const password = join(directory, 'password')
  await writeFile(password, `${target.owner.accessKeyId}:${target.owner.secretAccessKey}`, { mode: 0o600 })

  async function mount(name: string, ...options: string[]): Promise<string> {
    const place = join(directory, name)
    await mkdir(place)
    const before = (await stat(place)).dev
    const given = [
      `passwd_file=${password}`,
      `url=${target.endpoint.href.replace(/\/$/, '')}`,
      'use_path_request_style',
      // MiB. What is as large is sent in parts.
      'multipart_size=5',
    ]
    const args = [...given, ...options].flatMap((option) => ['-o', option])
    // In the foreground: so it can be waited for, and is known to be gone.
    const child = spawn(program, [bucket, place, '-f', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said = (said + data).slice(-4_000)))
    t.teardown(() => unmount(place, child))
    const deadline = Date.now() + MOUNT_MS_MAX
    while ((await stat(place)).dev === before) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`s3fs did not mount:\n${said}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return place
  }

  const head = (key: string) => send({ method: 'HEAD', path: `/${bucket}/${key}` })
  const stored = async (key: string) => sha256((await send({ method: 'GET', path: `/${bucket}/${key}` })).body)
  const here = await mount('here').catch((error: Error) => {
    if (!NO_FUSE.test(error.message)) throw error
    t.pass('s3fs-fuse', { skip: `this machine has no FUSE: ${error.message}` })
  })
  if (here === undefined) return

  t.test('s3fs-fuse write, read: files of 0 bytes to 11 MiB (in parts), odd names: the same bytes', async (t) => {
    const sizes = { empty: 0, one: 1, 'with space': 70_000, 'ünï+%': 4096, large: 11 * MIB + 1 }
    await mkdir(join(here, 'files'))
    for (const [name, size] of Object.entries(sizes)) {
      await writeFile(join(here, 'files', name), bytes(size, name))
      const key = `files/${name.split('').map(encodeURIComponent).join('')}`.replaceAll('+', '%2B')
      t.equal(await stored(key), sha256(bytes(size, name)), name)
    }
    t.match((await head('files/large')).headers.etag, /-\d"$/)
    const again = await mount('again')
    const expected = Object.entries(sizes).map(([name, size]) => [name, sha256(bytes(size, name))])
    t.same(await hashTree(join(again, 'files')), Object.fromEntries(expected))
  })

  t.test('s3fs-fuse append, truncate, write in the middle: as on a disk', async (t) => {
    const file = join(here, 'changed')
    const data = bytes(12 * MIB, 'changed')
    await writeFile(file, data)
    await appendFile(file, 'behind')
    const handle = await open(file, 'r+')
    await handle.write(Buffer.from('in the middle'), 0, 13, 6 * MIB)
    await handle.close()
    const expected = Buffer.concat([data, Buffer.from('behind')])
    expected.write('in the middle', 6 * MIB)
    t.equal(await stored('changed'), sha256(expected))
    await truncate(file, 7_654_321)
    t.equal(await stored('changed'), sha256(expected.subarray(0, 7_654_321)))
  })

  t.test('s3fs-fuse rename, link, mode, times, remove: as on a disk, and so for the next mount', async (t) => {
    await mkdir(join(here, 'from/deep'), { recursive: true })
    await writeFile(join(here, 'from/deep/a'), 'a')
    await writeFile(join(here, 'from/b'), bytes(1000, 'b'))
    await rename(join(here, 'from'), join(here, 'to'))
    await symlink('b', join(here, 'to/link'))
    await chmod(join(here, 'to/b'), 0o640)
    await utimes(join(here, 'to/b'), 1_000_000_000, 1_000_000_000)
    await rm(join(here, 'to/deep/a'))
    const next = await mount('next')
    t.same((await readdir(next)).includes('from'), false)
    t.same((await readdir(join(next, 'to'))).sort(), ['b', 'deep', 'link'])
    t.same(await readdir(join(next, 'to/deep')), [])
    t.equal(await readlink(join(next, 'to/link')), 'b')
    const { mode, mtimeMs } = await lstat(join(next, 'to/b'))
    t.same([mode & 0o777, mtimeMs], [0o640, 1_000_000_000_000])
    t.equal(sha256(await readFile(join(next, 'to/link'))), sha256(bytes(1000, 'b')))
  })

  t.test('s3fs-fuse: what comes by S3 is there; what is gone by S3 is gone', async (t) => {
    await send({ method: 'PUT', path: `/${bucket}/by-s3/a`, body: 'by S3' })
    t.same(await readdir(join(here, 'by-s3')), ['a'])
    t.equal((await readFile(join(here, 'by-s3/a'))).toString(), 'by S3')
    await send({ method: 'DELETE', path: `/${bucket}/by-s3/a` })
    t.same(await readdir(here).then((names) => names.includes('by-s3')), false)
  })

  t.test('s3fs-fuse use_sse: encrypted, told by HEAD, read as it was', async (t) => {
    const secret = await mount('secret', 'use_sse')
    // What it sends in parts, this version asks no encryption for.
    await writeFile(join(secret, 'sse'), bytes(4 * MIB, 'sse'))
    t.equal((await head('sse')).headers['x-amz-server-side-encryption'], 'AES256')
    t.equal(await stored('sse'), sha256(bytes(4 * MIB, 'sse')))
  })
}

async function unmount(place: string, child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  await run('fusermount', ['-u', place], { env: { PATH: process.env.PATH } })
  await ended
}
