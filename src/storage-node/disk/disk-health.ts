import { basename } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { ChunkError } from '../../base/faults.ts'
import type { Log } from '../../base/log.ts'
import { diskPaths } from '../../chunk-files/paths.ts'
import { isDiskBroken, isMissing, isOutOfSpace } from './disk-error.ts'
import type { DiskFs, DiskSpace } from './disk-fs.ts'
import type { TemporaryNames } from './durable-file.ts'
import type { ChunkDiskSettings } from './settings.ts'

const MIB = 1024 * 1024
const RESERVE_BYTES_MAX = 256 * MIB
const RESERVE_SHARE = 0.01
/** How old a look at the free space may be; what was written since is counted. */
const LOOK_MS_MAX = 1_000
const PROBE = Buffer.alloc(4096, 'probe')

/** What is left free of a disk: as the settings say, or a share of it. In bytes. */
export function reserveOf(capacityBytes: number, given: number | undefined): number {
  return given ?? Math.min(RESERVE_BYTES_MAX, Math.floor(capacityBytes * RESERVE_SHARE))
}

interface HealthDeps {
  fs: DiskFs
  clock: Clock
  log: Log
  names: TemporaryNames
  settings: ChunkDiskSettings
}

/** Whether the disk may be written to: how full it is, and whether it took the last writes. */
export class DiskHealth implements Disposable {
  readonly #deps: HealthDeps
  #reserveBytes = 0
  #space: DiskSpace = { capacityBytes: 0, availableBytes: 0 }
  #lookedAtMs = 0
  #looking: Promise<void> | undefined
  #isBroken = false
  #probe: Disposable | undefined
  #isDisposed = false

  private constructor(deps: HealthDeps) {
    this.#deps = deps
  }

  static async start(deps: HealthDeps): Promise<DiskHealth> {
    const health = new DiskHealth(deps)
    await health.#look()
    health.#reserveBytes = reserveOf(health.#space.capacityBytes, deps.settings.reserveBytes)
    return health
  }

  /**
   * Takes `bytes` off the free space, or throws `no-space` or `failed`. Answers at once (undefined) unless the disk is
   * nearly full and must be looked at.
   */
  admit(bytes: number): Promise<void> | undefined {
    if (this.#isBroken) throw new ChunkError('failed', 'the disk refused a write, and has not taken one since')
    if (this.#take(bytes)) {
      if (this.#isStale()) this.#lookBehind()
      return undefined
    }
    return this.#admitAfterLook(bytes)
  }

  async #admitAfterLook(bytes: number): Promise<void> {
    if (this.#isStale()) await this.#look()
    if (!this.#take(bytes)) {
      throw new ChunkError('no-space', `less than the reserve of ${this.#reserveBytes} bytes would be left on the disk`)
    }
  }

  #take(bytes: number): boolean {
    if (this.#space.availableBytes - bytes < this.#reserveBytes) return false
    this.#space.availableBytes -= bytes
    return true
  }

  /** To be told of every error of a write, sync, rename or unlink. */
  report(error: unknown): void {
    if (isOutOfSpace(error)) this.#lookedAtMs = Number.NEGATIVE_INFINITY
    if (isDiskBroken(error)) this.markBroken(error)
  }

  /** Refuses puts until a probe succeeds. */
  markBroken(error: unknown): void {
    if (this.#isBroken || this.#isDisposed) return
    this.#isBroken = true
    this.#deps.log.error({ error }, 'the disk refused a write; no more puts until it takes one again')
    this.#probeLater()
  }

  /** The space is what lies above twice the reserve: placement turns away before puts have to be refused. */
  async current(): Promise<DiskSpace & { writable: boolean }> {
    await this.#look()
    const { capacityBytes, availableBytes } = this.#space
    const roomBytes = Math.max(0, availableBytes - 2 * this.#reserveBytes)
    return { capacityBytes, availableBytes: roomBytes, writable: !this.#isBroken }
  }

  #isStale(): boolean {
    return this.#deps.clock.nowMs() - this.#lookedAtMs > LOOK_MS_MAX
  }

  #look(): Promise<void> {
    this.#looking ??= this.#readSpace().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  #lookBehind(): void {
    this.#look().catch((error) => this.#deps.log.warn({ error }, 'the free space of the disk cannot be read'))
  }

  async #readSpace(): Promise<void> {
    const { fs, clock, settings } = this.#deps
    const gone = await this.#whatIsGone()
    if (gone === undefined) this.#space = await fs.space(settings.directory)
    else this.markBroken(new ChunkError('failed', `${gone} was taken away; put it back, or start the node again`))
    this.#lookedAtMs = clock.nowMs()
  }

  /** Files that were open go on to take writes when their directory is deleted, or another disk is mounted over it. */
  async #whatIsGone(): Promise<string | undefined> {
    const { fs, settings } = this.#deps
    const { root, identity, temporary, segments } = diskPaths(settings.directory)
    const names = await fs.readDirectory(root).catch((error) => {
      if (isMissing(error)) return [] as string[]
      throw error
    })
    return [identity, temporary, segments].find((path) => !names.includes(basename(path)))
  }

  #probeLater(): void {
    const { clock, settings } = this.#deps
    this.#probe = clock.after(settings.probeIntervalMs, () => void this.#tryDisk())
  }

  async #tryDisk(): Promise<void> {
    try {
      await this.#deps.names.lend((path) => this.#writeProbe(path))
      this.#isBroken = false
      this.#deps.log.info({}, 'the disk takes writes again')
    } catch {
      if (!this.#isDisposed) this.#probeLater()
    }
  }

  async #writeProbe(path: string): Promise<void> {
    const { fs } = this.#deps
    const gone = await this.#whatIsGone()
    if (gone !== undefined) throw new ChunkError('failed', `${gone} is not there`)
    const file = await fs.open(path, 'create')
    try {
      await file.write(PROBE, 0)
      await file.dataSync()
    } finally {
      await file.close()
      await fs.unlink(path)
    }
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true
    this.#probe?.[Symbol.dispose]()
  }
}
