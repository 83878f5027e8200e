import { constants } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import t from 'tap'
import { realFs } from '../../../src/storage-node/disk/real-fs.ts'
import { temporaryDirectory } from './chunks.ts'

/** The flags of this process's open descriptors of a file, by what the kernel says. */
async function openFlags(path: string): Promise<number[]> {
  const flags: number[] = []
  for (const fd of await readdir('/proc/self/fd')) {
    if ((await readlink(`/proc/self/fd/${fd}`).catch(() => '')) !== path) continue
    const info = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8')
    flags.push(Number.parseInt(/^flags:\s+([0-7]+)/m.exec(info)![1]!, 8))
  }
  return flags
}

t.test('writeAll writes all sources, however many, one behind the other from the position on', async (t) => {
  const path = await temporaryDirectory(t)
  // More than the 1024 that the kernel takes at once (IOV_MAX); some of them empty.
  const sources = Array.from({ length: 3000 }, (_, n) => Buffer.alloc(n % 5, n))
  const expected = Buffer.concat(sources)
  for (const mode of ['create', 'append-synced'] as const) {
    const file = await realFs.open(path, mode)
    await file.writeAll(sources, 100)
    await file.writeAll([], 50)
    await file.close()
    const bytes = await readFile(path)
    t.ok(bytes.subarray(100).equals(expected), mode)
    t.ok(bytes.subarray(0, 100).every((byte) => byte === 0))
  }
})

const elsewhere = process.platform !== 'linux' && 'each write is followed by fdatasync'
t.test('a file for synced writes is opened so that the kernel syncs each', { skip: elsewhere }, async (t) => {
  const path = await temporaryDirectory(t)
  const isSynced = (flags: number) => (flags & constants.O_DSYNC) !== 0
  for (const mode of ['create-synced', 'append-synced', 'read'] as const) {
    const file = await realFs.open(path, mode)
    t.same((await openFlags(path)).map(isSynced), [mode !== 'read'], mode)
    await file.close()
  }
})
