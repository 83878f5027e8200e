import { dirname, join } from 'node:path'
import type { DiskPaths } from '../../chunk-files/paths.ts'
import type { DirectorySync } from './directory-sync.ts'
import type { DiskFs } from './disk-fs.ts'

/** Names for files that are not durable yet; start-up empties their directory, so counting is enough. */
export class TemporaryNames {
  readonly #paths: DiskPaths
  #count = 0

  constructor(paths: DiskPaths) {
    this.#paths = paths
  }

  next(): string {
    this.#count += 1
    return join(this.#paths.temporary, this.#count.toString())
  }
}

/** Makes a small file, all or nothing: temporary, fdatasync, rename, sync of the directory. Replaces what is there. */
export async function writeDurably(
  { fs, directories }: { fs: DiskFs; directories: DirectorySync },
  file: { temporary: string; path: string; bytes: Uint8Array },
): Promise<void> {
  const opened = await fs.open(file.temporary, 'create')
  try {
    await opened.write(file.bytes, 0)
    await opened.dataSync()
  } catch (error) {
    await opened.close().catch(() => {})
    await fs.unlink(file.temporary).catch(() => {})
    throw error
  }
  await opened.close()
  await fs.rename(file.temporary, file.path)
  await directories.sync(dirname(file.path))
}

/** All of a file that is at most `bytesMax` long; undefined: longer. */
export async function readWhole(fs: DiskFs, path: string, bytesMax: number): Promise<Buffer | undefined> {
  const file = await fs.open(path, 'read')
  try {
    const length = await file.length()
    if (length > bytesMax) return undefined
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}
