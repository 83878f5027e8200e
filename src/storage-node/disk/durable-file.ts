import { dirname, join } from 'node:path'
import type { DiskPaths } from '../../chunk-files/paths.ts'
import type { DirectorySync } from './directory-sync.ts'
import { isMissing } from './disk-error.ts'
import type { DiskFs } from './disk-fs.ts'

/**
 * Names for files that are not durable yet; start-up empties their directory, so counting is enough. Whoever takes one
 * removes the file if it can, and releases the name in any case: what a failing disk did not let go of is swept.
 */
export class TemporaryNames {
  readonly #paths: DiskPaths
  readonly #taken = new Set<string>()
  #count = 0

  constructor(paths: DiskPaths) {
    this.#paths = paths
  }

  take(): string {
    this.#count += 1
    const path = join(this.#paths.temporary, this.#count.toString())
    this.#taken.add(path)
    return path
  }

  release(path: string): void {
    this.#taken.delete(path)
  }

  async lend<T>(work: (path: string) => Promise<T>): Promise<T> {
    const path = this.take()
    try {
      return await work(path)
    } finally {
      this.release(path)
    }
  }

  /** Removes the files that nobody has any more. Throws what the disk says. */
  async sweep(fs: DiskFs): Promise<void> {
    for (const name of await fs.readDirectory(this.#paths.temporary)) {
      const path = join(this.#paths.temporary, name)
      if (this.#taken.has(path)) continue
      await fs.unlink(path).catch((error) => {
        if (!isMissing(error)) throw error
      })
    }
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
    await opened.close()
    await fs.rename(file.temporary, file.path)
  } catch (error) {
    await opened.close().catch(() => {}) // it may be closed
    await fs.unlink(file.temporary).catch(() => {})
    throw error
  }
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
