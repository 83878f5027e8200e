import { dirname } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { DiskFile, DiskFs, OpenMode } from '../../../src/storage-node/disk/disk-fs.ts'

/** What a disk writes whole or not at all: a sector, or a page. */
const TEAR_BYTES = [512, 4096] as const

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
/** What changes the disk. */
export type DiskStep =
  | 'create'
  | 'write'
  | 'dataSync'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'makeDirectory'
  | 'syncDirectory'

export interface CrashDiskOptions {
  /** Lets time pass, for every operation; undefined: none. */
  pause?: () => Promise<void> | undefined
  /** Told of every change before it is made; may kill the process. */
  onStep?: (step: DiskStep, path: string) => void
}

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
  readonly pause: () => Promise<void> | undefined
  readonly #onStep: (step: DiskStep, path: string) => void
  names = new Map<string, Inode | 'directory'>([['/', 'directory']])
  durableNames = new Map(this.names)
  pendingNames: NameChange[] = []
  #children: ReadonlyMap<string, readonly string[]> | undefined
  availableBytes = 1e12
  /** Power cuts so far. */
  images = 0
  /** The running process's view. */
  #view: CrashFs | undefined
  /** Operation numbers from now at which to fail. */
  failures = new Map<number, FailCode>()
  /** After so many changes to the disk the process dies. */
  diesAfter = Number.POSITIVE_INFINITY
  /** Lies about all syncs, about synced writes alone, or about directories, for tests of the tests. */
  forgets: 'nothing' | 'syncs' | 'synced writes' | 'names' = 'nothing'

  constructor(dice: Dice, { pause, onStep }: CrashDiskOptions = {}) {
    this.dice = dice
    this.pause = pause ?? (() => (dice(12) === 0 ? setImmediate() : undefined))
    this.#onStep = onStep ?? (() => {})
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

  kill(): void {
    this.#view?.die()
  }

  /** Every unsynced change is kept, lost, or torn, whatever became of those before it. */
  failPower(): void {
    this.kill()
    this.images += 1
    for (const change of this.pendingNames) if (this.dice(2) === 0) change.apply(this.durableNames)
    this.pendingNames = []
    this.names = new Map(this.durableNames)
    this.#children = undefined
    const unit = TEAR_BYTES[this.dice(TEAR_BYTES.length)]!
    for (const inode of this.names.values()) if (inode !== 'directory') this.#tear(inode, unit)
  }

  /** Changes bytes of a file behind everybody's back, on the disk as well as in what readers see. */
  damage(path: string, how: (content: Buffer) => Buffer): void {
    const inode = this.names.get(path)
    if (!inode || inode === 'directory') throw new Error(`no file ${path}`)
    inode.current = how(Buffer.from(inode.current))
    inode.durable = how(Buffer.from(inode.durable))
  }

  #tear(inode: Inode, unit: number): void {
    let content = inode.durable
    for (const change of inode.pending) {
      const luck = this.dice(4)
      if (luck === 0) continue
      content = applied(content, change, { unit, isKept: () => luck === 1 || this.dice(2) === 0 })
    }
    inode.current = content
    inode.durable = content
    inode.pending = []
  }

  /** What is in each directory. */
  children(): ReadonlyMap<string, readonly string[]> {
    if (this.#children) return this.#children
    const children = new Map<string, string[]>()
    for (const path of this.names.keys()) {
      const cut = path.lastIndexOf('/')
      const parent = path.slice(0, cut) || '/'
      const siblings = children.get(parent)
      if (siblings) siblings.push(path.slice(cut + 1))
      else children.set(parent, [path.slice(cut + 1)])
    }
    this.#children = children
    return children
  }

  changeNames(directories: string[], apply: NameChange['apply']): void {
    apply(this.names)
    this.pendingNames.push({ directories, apply })
    this.#children = undefined
  }

  /** Called by every operation that changes something: which of them is to fail? */
  step(step: DiskStep, path: string): FailCode | undefined {
    this.#onStep(step, path)
    this.diesAfter -= 1
    if (this.diesAfter < 0) this.#view?.die()
    if (this.failures.size === 0) return undefined
    const failing = this.failures.get(1)
    this.failures = new Map([...this.failures].filter(([n]) => n > 1).map(([n, code]) => [n - 1, code]))
    return failing
  }
}

function resized(content: Buffer, length: number): Buffer {
  const next = Buffer.allocUnsafe(length)
  content.copy(next, 0, 0, Math.min(length, content.length))
  return next.fill(0, Math.min(length, content.length))
}

interface Tear {
  /** Bytes that are written whole or not at all. */
  unit: number
  isKept(): boolean
}

function applied(content: Buffer, change: Change, tear?: Tear): Buffer {
  if ('truncate' in change) return resized(content, change.truncate)
  return tear ? writtenInPart(content, change, tear) : written(content, change)
}

function written(content: Buffer, { write, position }: { write: Buffer; position: number }): Buffer {
  const next = resized(content, Math.max(content.length, position + write.length))
  write.copy(next, position)
  return next
}

function writtenInPart(content: Buffer, { write, position }: { write: Buffer; position: number }, tear: Tear): Buffer {
  let next: Buffer = Buffer.from(content)
  for (let at = 0; at < write.length; ) {
    const end = Math.min(write.length, at + tear.unit - ((position + at) % tear.unit))
    if (tear.isKept()) next = written(next, { write: write.subarray(at, end), position: position + at })
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
    await this.#disk.pause()
    if (this.isDead) throw fault('DEAD')
  }

  /** As `turn`, for what changes the disk; a planned failure is thrown after `half`, which does a part of it. */
  async change(step: DiskStep, path: string, half: (why: 'death' | 'failure') => void = () => {}): Promise<void> {
    await this.turn()
    const failing = this.#disk.step(step, path)
    if (this.isDead) half('death')
    else if (failing !== undefined) half('failure')
    if (this.isDead || failing !== undefined) throw fault(this.isDead ? 'DEAD' : failing!)
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    const isNew = mode.startsWith('create')
    if (isNew) await this.change('create', path)
    else await this.turn()
    const { names } = this.#disk
    const found = names.get(path)
    if (!isNew) {
      if (!found || found === 'directory') throw fault('ENOENT')
      return new CrashFile(this, this.#disk, { path, inode: found, mode })
    }
    if (found) throw fault('EEXIST')
    if (names.get(dirname(path)) !== 'directory') throw fault('ENOENT')
    const inode = new Inode()
    this.#disk.changeNames([dirname(path)], (to) => to.set(path, inode))
    return new CrashFile(this, this.#disk, { path, inode, mode })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.change('rename', to)
    const inode = this.#disk.names.get(from)
    if (!inode || this.#disk.names.get(dirname(to)) !== 'directory') throw fault('ENOENT')
    this.#disk.changeNames([dirname(from), dirname(to)], (names) => {
      names.delete(from)
      names.set(to, inode)
    })
    await this.turn()
  }

  async unlink(path: string): Promise<void> {
    await this.change('unlink', path)
    if (!this.#disk.names.has(path)) throw fault('ENOENT')
    this.#disk.changeNames([dirname(path)], (names) => names.delete(path))
    await this.turn()
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.#disk.names.has(path)) return await this.turn()
    await this.change('makeDirectory', path)
    this.#disk.changeNames([dirname(path)], (names) => names.set(path, 'directory'))
  }

  async readDirectory(path: string): Promise<string[]> {
    await this.turn()
    if (this.#disk.names.get(path) !== 'directory') throw fault('ENOENT')
    return [...(this.#disk.children().get(path) ?? [])]
  }

  async syncDirectory(path: string): Promise<void> {
    const before = new Set(this.#disk.pendingNames.filter((c) => c.directories.includes(path)))
    if (before.size === 0) return await this.turn()
    await this.change('syncDirectory', path)
    if (this.#disk.forgets === 'syncs' || this.#disk.forgets === 'names') return
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
  readonly #path: string
  readonly #inode: Inode
  readonly #isSynced: boolean

  constructor(fs: CrashFs, disk: CrashDisk, { path, inode, mode }: { path: string; inode: Inode; mode: OpenMode }) {
    this.#fs = fs
    this.#disk = disk
    this.#path = path
    this.#inode = inode
    this.#isSynced = mode.endsWith('-synced')
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    await this.#fs.turn()
    const bytes = this.#inode.current.subarray(position, position + target.length)
    target.set(bytes)
    return bytes.length
  }

  write(source: Uint8Array, position: number): Promise<void> {
    return this.writeAll([source], position)
  }

  async writeAll(sources: readonly Uint8Array[], position: number): Promise<void> {
    const write = Buffer.concat(sources)
    await this.#fs.change('write', this.#path, () => {
      this.#write(write.subarray(0, this.#disk.dice(write.length + 1)), position)
    })
    const change = this.#write(write, position)
    await this.#fs.turn()
    if (this.#isSynced) await this.#sync(this.#disk.forgets === 'synced writes' ? [] : [change])
  }

  #write(write: Buffer, position: number): Change {
    const change = { write, position }
    this.#inode.current = written(this.#inode.current, change)
    this.#inode.pending.push(change)
    return change
  }

  dataSync(): Promise<void> {
    return this.#sync(this.#inode.pending.slice())
  }

  /** A synced write makes itself durable, not what was written before it. */
  async #sync(synced: readonly Change[]): Promise<void> {
    const inode = this.#inode
    await this.#fs.change('dataSync', this.#path, (why) => {
      // A failed fdatasync leaves pages that pass for clean: readers still see them, but they are never written. A file's
      // length is no page: it stays in the journal, and the next sync that succeeds has made it durable.
      if (why === 'failure') inode.pending = inode.pending.filter((c) => 'truncate' in c || this.#disk.dice(2) === 0)
    })
    if (this.#disk.forgets === 'syncs') return
    for (const change of synced) inode.durable = applied(inode.durable, change)
    inode.pending = inode.pending.filter((change) => !synced.includes(change))
    await this.#fs.turn()
  }

  async truncate(length: number): Promise<void> {
    await this.#fs.change('truncate', this.#path)
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
