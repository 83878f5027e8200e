import type { Clock } from '../../../src/base/clock.ts'
import type { DiskFile, DiskFs, DiskSpace } from '../../../src/storage-node/disk/disk-fs.ts'
import { realFs } from '../../../src/storage-node/disk/real-fs.ts'

export interface PlannedFault {
  on: 'write' | 'dataSync' | 'rename' | 'syncDirectory' | 'unlink'
  code: 'EIO' | 'ENOSPC'
  /** Of paths: `segments`, `tmp`, `chunks`. */
  within: string
  times: number
}

/** The real file system, but for the faults that are planned, and writes that are held. */
export class FaultyFs {
  plan: PlannedFault | undefined
  /** Writes wait for it. */
  held: Promise<void> | undefined
  space: DiskSpace | undefined
  readonly fs: DiskFs

  constructor() {
    this.fs = {
      ...realFs,
      open: async (path, mode) => this.#wrap(path, await realFs.open(path, mode), mode.endsWith('-synced')),
      rename: async (from, to) => {
        this.#step('rename', to)
        await realFs.rename(from, to)
      },
      unlink: async (path) => {
        this.#step('unlink', path)
        await realFs.unlink(path)
      },
      syncDirectory: async (path) => {
        this.#step('syncDirectory', path)
        await realFs.syncDirectory(path)
      },
      space: async (path) => ({ ...(this.space ?? (await realFs.space(path))) }),
    }
  }

  /** A synced write is a write and a sync: either may fail. */
  #wrap(path: string, file: DiskFile, isSynced: boolean): DiskFile {
    const writeAll = async (sources: readonly Uint8Array[], position: number) => {
      await this.held
      this.#step('write', path)
      await file.writeAll(sources, position)
      if (isSynced) this.#step('dataSync', path)
    }
    return {
      read: (target, position) => file.read(target, position),
      write: (source, position) => writeAll([source], position),
      writeAll,
      dataSync: async () => {
        this.#step('dataSync', path)
        await file.dataSync()
      },
      truncate: (length) => file.truncate(length),
      length: () => file.length(),
      close: () => file.close(),
    }
  }

  #step(on: PlannedFault['on'], path: string): void {
    const { plan } = this
    if (plan?.on !== on || plan.times === 0 || !path.includes(`/${plan.within}`)) return
    plan.times -= 1
    throw Object.assign(new Error(`${plan.code}: planned`), { code: plan.code })
  }
}

/** Stands still until it is told to go on. */
export class HandClock implements Clock {
  #nowMs = 1_700_000_000_000
  readonly #timers = new Set<{ atMs: number; run: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  async sleep(): Promise<void> {}

  after(ms: number, run: () => void): Disposable {
    const timer = { atMs: this.#nowMs + ms, run }
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }

  advance(ms: number): void {
    this.#nowMs += ms
    for (const timer of [...this.#timers]) {
      if (timer.atMs > this.#nowMs) continue
      this.#timers.delete(timer)
      timer.run()
    }
  }

  get timers(): number {
    return this.#timers.size
  }
}
