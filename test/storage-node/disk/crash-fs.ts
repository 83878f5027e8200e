import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { DiskFile, DiskFs, OpenMode } from '../../../src/storage-node/disk/disk-fs.ts'

const SECTOR = 512

/** A seeded source of numbers: from 0 to below `bound`. */
export type Dice = (bound: number) => number

/** Mulberry32. */
export function makeDice(seed: number): Dice {
  let state = seed >>> 0
  return (bound) => {
    state = (state + 0x6d2b_79f5) >>> 0
    let z = Math.imul(state ^ (state >>> 15), 1 | state)
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z
    return ((z ^ (z >>> 14)) >>> 0) % bound
  }
}

type Change = { write: Buffer; position: number } | { truncate: number }
type NameChange = { directories: string[]; apply(names: Map<string, Inode | 'directory'>): void }
export type FailCode = 'EIO' | 'ENOSPC'

class Inode {
  /** What readers see. */
  current: Buffer = Buffer.alloc(0)
  /** What is surely on the disk. */
  durable: Buffer = Buffer.alloc(0)
  /** What may be, in part. */
  pending: Change[] = []
}

/** The disk itself; it outlives processes, and power failures in part. */
export class CrashDisk {
  readonly dice: Dice
  names = new Map<string, Inode | 'directory'>([['/', 'directory']])
  durableNames = new Map(this.names)
  pendingNames: NameChange[] = []
  availableBytes = 1e12
  /** The running process's view. */
  #view: CrashFs | undefined
  /** Operation numbers from now at which to fail. */
  failures = new Map<number, FailCode>()
  /** After so many changes to the disk the process dies. */
  diesAfter = Number.POSITIVE_INFINITY
  /** Lies about fdatasync, for tests of the tests. */
  forgetsToSync = false

  constructor(dice: Dice) {
    this.dice = dice
  }

  /** The file system of a new process; the old one's no longer works. */
  boot(): CrashFs {
    this.#view?.die()
    this.diesAfter = Number.POSITIVE_INFINITY
    this.failures.clear()
    this.#view = new CrashFs(this)
    return this.#view
  }

  get isDead(): boolean {
    return this.#view?.isDead ?? true
  }

  /** Every unsynced change is kept, lost, or torn at a sector. */
  failPower(): void {
    this.#view?.die()
    for (const change of this.pendingNames) if (this.dice(2) === 0) change.apply(this.durableNames)
    this.pendingNames = []
    this.names = new Map(this.durableNames)
    for (const inode of this.names.values()) if (inode !== 'directory') this.#tear(inode)
  }

  #tear(inode: Inode): void {
    let content = inode.durable
    for (const change of inode.pending) {
      const luck = this.dice(4)
      if (luck === 0) continue
      content = applied(content, change, () => luck === 1 || this.dice(2) === 0)
    }
    inode.current = content
    inode.durable = content
    inode.pending = []
  }

  /** Called by every operation that changes something: which of them is to fail? */
  step(): FailCode | undefined {
    this.diesAfter -= 1
    if (this.diesAfter < 0) this.#view?.die()
    if (this.failures.size === 0) return undefined
    const failing = this.failures.get(1)
    this.failures = new Map([...this.failures].filter(([n]) => n > 1).map(([n, code]) => [n - 1, code]))
    return failing
  }
}

function resized(content: Buffer, length: number): Buffer {
  const next = Buffer.alloc(length)
  content.copy(next, 0, 0, Math.min(length, content.length))
  return next
}

function applied(content: Buffer, change: Change, isKept = () => true): Buffer {
  return 'truncate' in change ? resized(content, change.truncate) : writeSectors(content, change, isKept)
}

function writeSectors(content: Buffer, change: { write: Buffer; position: number }, isKept = () => true): Buffer {
  let next: Buffer = Buffer.from(content)
  const { write, position } = change
  for (let at = 0; at < write.length; ) {
    const end = Math.min(write.length, at + SECTOR - ((position + at) % SECTOR))
    if (isKept()) {
      if (next.length < position + end) next = resized(next, position + end)
      write.copy(next, position + at, at, end)
    }
    at = end
  }
  return next
}

function fault(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** One process's way to a CrashDisk. */
export class CrashFs implements DiskFs {
  readonly #disk: CrashDisk
  isDead = false
  readonly #locked = new Set<string>()

  constructor(disk: CrashDisk) {
    this.#disk = disk
  }

  die(): void {
    this.isDead = true
  }

  /** Some time passes; then the process may be no more. */
  async turn(): Promise<void> {
    if (this.#disk.dice(12) === 0) await setImmediate()
    else await undefined
    if (this.isDead) throw fault('DEAD')
  }

  /** As `turn`, for what changes the disk; a planned failure is thrown after `half`, which does a part of it. */
  async change(half: (why: 'death' | 'failure') => void = () => {}): Promise<void> {
    await this.turn()
    const failing = this.#disk.step()
    if (this.isDead) half('death')
    else if (failing !== undefined) half('failure')
    if (this.isDead || failing !== undefined) throw fault(this.isDead ? 'DEAD' : failing!)
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const isNew = mode === 'create' || mode === 'create-direct'
    if (isNew) await this.change()
    else await this.turn()
    const { names } = this.#disk
    const found = names.get(path)
    if (!isNew) {
      if (!found || found === 'directory') throw fault('ENOENT')
      return new CrashFile(this, this.#disk, found)
    }
    if (found) throw fault('EEXIST')
    if (names.get(dirname(path)) !== 'directory') throw fault('ENOENT')
    const inode = new Inode()
    this.#rename([dirname(path)], (to) => to.set(path, inode))
    return new CrashFile(this, this.#disk, inode)
  }

  #rename(directories: string[], apply: NameChange['apply']): void {
    apply(this.#disk.names)
    this.#disk.pendingNames.push({ directories, apply })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.change()
    const inode = this.#disk.names.get(from)
    if (!inode || this.#disk.names.get(dirname(to)) !== 'directory') throw fault('ENOENT')
    this.#rename([dirname(from), dirname(to)], (names) => {
      names.delete(from)
      names.set(to, inode)
    })
    await this.turn()
  }

  async unlink(path: string): Promise<void> {
    await this.change()
    if (!this.#disk.names.has(path)) throw fault('ENOENT')
    this.#rename([dirname(path)], (names) => names.delete(path))
    await this.turn()
  }

  async makeDirectory(path: string): Promise<void> {
    await this.change()
    if (!this.#disk.names.has(path)) this.#rename([dirname(path)], (names) => names.set(path, 'directory'))
  }

  async readDirectory(path: string): Promise<string[]> {
    await this.turn()
    if (this.#disk.names.get(path) !== 'directory') throw fault('ENOENT')
    const prefix = path === '/' ? '/' : `${path}/`
    const found: string[] = []
    for (const name of this.#disk.names.keys()) {
      if (name.length > prefix.length && name.startsWith(prefix) && !name.includes('/', prefix.length)) {
        found.push(name.slice(prefix.length))
      }
    }
    return found
  }

  async syncDirectory(path: string): Promise<void> {
    const before = new Set(this.#disk.pendingNames.filter((c) => c.directories.includes(path)))
    await this.change()
    if (this.#disk.forgetsToSync || before.size === 0) return
    for (const change of before) change.apply(this.#disk.durableNames)
    this.#disk.pendingNames = this.#disk.pendingNames.filter((c) => !before.has(c))
    await this.turn()
  }

  async space() {
    await this.turn()
    return { capacityBytes: 1e12, availableBytes: this.#disk.availableBytes }
  }

  async lock(path: string): Promise<AsyncDisposable | undefined> {
    await this.turn()
    if (this.#locked.has(path)) return undefined
    this.#locked.add(path)
    return { [Symbol.asyncDispose]: async () => void this.#locked.delete(path) }
  }
}

class CrashFile implements DiskFile {
  readonly #fs: CrashFs
  readonly #disk: CrashDisk
  readonly #inode: Inode

  constructor(fs: CrashFs, disk: CrashDisk, inode: Inode) {
    this.#fs = fs
    this.#disk = disk
    this.#inode = inode
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    await this.#fs.turn()
    const bytes = this.#inode.current.subarray(position, position + target.length)
    target.set(bytes)
    return bytes.length
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    const write = Buffer.from(source)
    await this.#fs.change(() => this.#write(write.subarray(0, this.#disk.dice(write.length + 1)), position))
    this.#write(write, position)
    await this.#fs.turn()
  }

  #write(write: Buffer, position: number): void {
    this.#inode.current = writeSectors(this.#inode.current, { write, position })
    this.#inode.pending.push({ write, position })
  }

  async dataSync(): Promise<void> {
    const inode = this.#inode
    const synced = inode.pending.slice()
    await this.#fs.change((why) => {
      // A failed fdatasync leaves pages that pass for clean: readers still see them, but they are never written.
      if (why === 'failure') inode.pending = inode.pending.filter(() => this.#disk.dice(2) === 0)
    })
    if (this.#disk.forgetsToSync) return
    for (const change of synced) inode.durable = applied(inode.durable, change)
    inode.pending = inode.pending.filter((change) => !synced.includes(change))
    await this.#fs.turn()
  }

  async truncate(length: number): Promise<void> {
    await this.#fs.change()
    this.#inode.current = resized(this.#inode.current, length)
    this.#inode.pending.push({ truncate: length })
  }

  async length(): Promise<number> {
    await this.#fs.turn()
    return this.#inode.current.length
  }

  async close(): Promise<void> {
    if (!this.#fs.isDead) await this.#fs.turn()
  }
}
