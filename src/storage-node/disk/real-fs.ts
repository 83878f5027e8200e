import * as fs from 'node:fs'
import { mkdir, open, readdir, rename, statfs, unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { tryLock } from 'fs-native-extensions'
import type { DiskFile, DiskFs, OpenMode } from './disk-fs.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants
/** 0 where the platform has none (macOS): then direct files are written through the page cache. */
const O_DIRECT = fs.constants.O_DIRECT ?? 0
/**
 * Elsewhere (macOS) a write that returns may still be in the drive's own cache, which fdatasync, as libuv makes it there,
 * empties: synced writes are followed by one.
 */
const O_DSYNC = process.platform === 'linux' ? fs.constants.O_DSYNC : 0
const NEW = O_CREAT | O_EXCL | O_RDWR
const FLAGS: Record<OpenMode, number> = {
  read: O_RDONLY,
  create: NEW,
  'create-direct': NEW | O_DIRECT,
  'create-synced': NEW | O_DSYNC,
  'append-synced': O_RDWR | O_DSYNC,
}
/** Chunks are nobody's business but the store's. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

/** The machine's own file systems. */
export const realFs: DiskFs = {
  async open(path, mode) {
    const way: Way = { path, flags: FLAGS[mode], syncsBehind: O_DSYNC === 0 && mode.endsWith('-synced') }
    try {
      return new RealFile(await openFd(path, way.flags, FILE_MODE), way)
    } catch (error) {
      if (!isDirect(way) || !isRefusedDirect(error)) throw error
      return new RealFile(await openBuffered(way), buffered(way))
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

/** How a file was opened. */
interface Way {
  path: string
  flags: number
  /** Each write is followed by fdatasync. */
  syncsBehind: boolean
}

function isDirect({ flags }: Way): boolean {
  return (flags & O_DIRECT) !== 0
}

/** File systems without direct I/O say EINVAL: some when opening (having made the file), some when writing. */
function isRefusedDirect(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EINVAL'
}

/** O_EXCL was obeyed already: what is there now is what the refused open has made. */
function buffered(way: Way): Way {
  return { ...way, flags: way.flags & ~(O_DIRECT | O_EXCL) }
}

function openBuffered(way: Way): Promise<number> {
  return openFd(way.path, buffered(way).flags, FILE_MODE)
}

// Plain descriptors: a FileHandle's read and write cost several µs more each.
const openFd = promisify(fs.open)
const syncFd = promisify(fs.fdatasync)
const truncateFd = promisify(fs.ftruncate)
const statFd = promisify(fs.fstat)
const closeFd = promisify(fs.close)

class RealFile implements DiskFile {
  #fd: number
  #way: Way

  constructor(fd: number, way: Way) {
    this.#fd = fd
    this.#way = way
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

  write(source: Uint8Array, position: number): Promise<void> {
    return this.writeAll([source], position)
  }

  async writeAll(sources: readonly Uint8Array[], position: number): Promise<void> {
    try {
      await this.#writeAll(sources, position)
    } catch (error) {
      if (!isDirect(this.#way) || !isRefusedDirect(error)) throw error
      const refused = this.#fd
      this.#fd = await openBuffered(this.#way)
      this.#way = buffered(this.#way)
      await closeFd(refused)
      await this.#writeAll(sources, position)
    }
    if (this.#way.syncsBehind) await this.dataSync()
  }

  async #writeAll(sources: readonly Uint8Array[], position: number): Promise<void> {
    for (let rest = sources; rest.length > 0; ) {
      const count = await writeSome(this.#fd, rest, position)
      position += count
      rest = behind(rest, count)
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

function writeSome(fd: number, sources: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.writev(fd, sources, position, (error, count) => (error ? reject(error) : resolve(count)))
  })
}

/** What of `sources` lies behind its first `count` bytes. */
function behind(sources: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest = sources.slice()
  while (rest[0] && rest[0].length <= count) count -= rest.shift()!.length
  if (rest[0]) rest[0] = rest[0].subarray(count)
  return rest
}
