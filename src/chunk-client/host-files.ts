import * as fs from 'node:fs'
import { promisify } from 'node:util'

/** All that reading past a node asks of the machine; tests put their own in its place. */
export interface HostFiles {
  /** For reading. Errors carry node's `code`. */
  open(path: string): Promise<HostFile>
}

export interface HostFile {
  /** Fills `targets` one behind the other; answers how many bytes were there: fewer only at the end of the file. */
  read(targets: readonly Buffer[], position: number): Promise<number>
  close(): Promise<void>
}

// Plain descriptors: a FileHandle's read costs several µs more.
const openFd = promisify(fs.open)
const closeFd = promisify(fs.close)

/** The machine's own, through the page cache: direct I/O reads only at a fraction of its speed. */
export const hostFiles: HostFiles = {
  async open(path) {
    const fd = await openFd(path, fs.constants.O_RDONLY)
    return { read: (targets, position) => readAll(fd, targets, position), close: () => closeFd(fd) }
  },
}

async function readAll(fd: number, targets: readonly Buffer[], position: number): Promise<number> {
  let done = await readSome(fd, targets, position)
  // A read may be cut short anywhere; what is left is nearly always nothing.
  for (let rest = behind(targets, done); rest.length > 0; rest = behind(targets, done)) {
    const count = await readSome(fd, rest, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

function behind(targets: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = []
  let start = 0
  for (const target of targets) {
    const end = start + target.length
    if (end > bytes) rest.push(target.subarray(Math.max(0, bytes - start)))
    start = end
  }
  return rest
}

function readSome(fd: number, targets: readonly Buffer[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.readv(fd, targets, position, (error, count) => (error ? reject(error) : resolve(count)))
  })
}
