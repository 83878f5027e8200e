import * as fs from 'node:fs'
import { mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { tryLock } from 'fs-native-extensions'
import type { DiskFile, DiskFs, OpenMode } from './disk-fs.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants
/** 0 where the platform has none (macOS): then direct files are written through the page cache. */
const O_DIRECT = fs.constants.O_DIRECT ?? 0
const NEW = O_CREAT | O_EXCL | O_RDWR
const FLAGS: Record<OpenMode, number> = { read: O_RDONLY, append: O_RDWR, create: NEW, 'create-direct': NEW | O_DIRECT }
/** Chunks are nobody's business but the store's. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** The machine's own file systems. */
export const realFs: DiskFs = {
  async open(path, mode) {
    try {
      return new RealFile(await openFd(path, FLAGS[mode], FILE_MODE), mode === 'create-direct' ? path : undefined)
    } catch (error) {
      if (mode !== 'create-direct' || !isRefusedDirect(error)) throw error
      return await openBufferedInstead(path)
    }
  },
  rename,
  unlink,
  async makeDirectory(path) {
    await mkdir(path, { mode: DIRECTORY_MODE }).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  },
  readDirectory: (path) => readdir(path),
  async syncDirectory(path) {
    const directory = await open(path, O_RDONLY)
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
  async space(path) {
    const { bsize, blocks, bavail } = await statfs(path)
    return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize }
  },
  async lock(path) {
    const file = await open(path, O_CREAT | O_RDWR, FILE_MODE)
    if (tryLock(file.fd)) return { [Symbol.asyncDispose]: () => file.close() }
    await file.close()
    return undefined
  },
}

/** File systems without direct I/O say EINVAL: some when opening (having made the file), some when writing. */
function isRefusedDirect(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EINVAL'
}

async function openBufferedInstead(path: string): Promise<DiskFile> {
  await unlink(path).catch((error) => {
    if (error.code !== 'ENOENT') throw error
  })
  return new RealFile(await openFd(path, NEW, FILE_MODE), undefined)
}

// Plain descriptors: a FileHandle's read and write cost several µs more each.
const openFd = promisify(fs.open)
const syncFd = promisify(fs.fdatasync)
const truncateFd = promisify(fs.ftruncate)
const statFd = promisify(fs.fstat)
const closeFd = promisify(fs.close)

class RealFile implements DiskFile {
  #fd: number
  /** Set while writes pass the page cache by: where to open anew if that is refused. */
  #directPath: string | undefined

  constructor(fd: number, directPath: string | undefined) {
    this.#fd = fd
    this.#directPath = directPath
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < target.length) {
      const count = await readSome(this.#fd, { bytes: target, offset: done, position: position + done })
      if (count === 0) break
      done += count
    }
    return done
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    try {
      await this.#writeAll(source, position)
    } catch (error) {
      if (this.#directPath === undefined || !isRefusedDirect(error)) throw error
      const path = this.#directPath
      this.#directPath = undefined
      const refused = this.#fd
      this.#fd = await openFd(path, O_RDWR)
      await closeFd(refused)
      await this.#writeAll(source, position)
    }
  }

  async #writeAll(source: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < source.length; ) {
      done += await writeSome(this.#fd, { bytes: source, offset: done, position: position + done })
    }
  }

  dataSync(): Promise<void> {
    return syncFd(this.#fd)
  }

  truncate(length: number): Promise<void> {
    return truncateFd(this.#fd, length)
  }

  async length(): Promise<number> {
    return (await statFd(this.#fd)).size
  }

  close(): Promise<void> {
    return closeFd(this.#fd)
  }
}

interface Span {
  bytes: Uint8Array
  offset: number
  position: number
}

function readSome(fd: number, { bytes, offset, position }: Span): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, bytes, offset, bytes.length - offset, position, (error, count) =>
      error ? reject(error) : resolve(count),
    )
  })
}

function writeSome(fd: number, { bytes, offset, position }: Span): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, offset, bytes.length - offset, position, (error, count) =>
      error ? reject(error) : resolve(count),
    )
  })
}
