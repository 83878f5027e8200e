import type { Clock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { virtualNodePoints } from '../../../src/placement/ring.ts'
import type { OpenChunkDisk } from '../../../src/storage-node/disk/chunk-disk.ts'
import { openChunkDisk } from '../../../src/storage-node/disk/open.ts'
import type { ChunkDisk, Registry } from '../../../src/storage-node/ports.ts'
import { keepRegistered } from '../../../src/storage-node/registration.ts'
import { storageNodeDefaults } from '../../../src/storage-node/settings.ts'
import { CrashDisk, type DiskStep } from '../../storage-node/disk/crash-fs.ts'
import type { Chance } from './chance.ts'
import type { NodeHost, RunningNode } from './chunk-line.ts'
import { Life, lifeClock } from './life.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'

export interface SimNodeDeps {
  timeline: Timeline
  chance: Chance
  trace: Trace
  /** The way to the database of one life of this node. */
  registry: (name: string, life: Life) => Registry
  /** Whether the process dies before this change to its disk. */
  dies: (step: string) => boolean
  /** How often an operation of the disk fails. */
  diskFailure: () => number
  /** What its disk lies about. */
  forgets: CrashDisk['forgets']
}

export const NODE_DIRECTORY = '/node'
/** So small that a run sees many segments, files and compactions. */
export const DISK_OPTIONS = {
  directory: NODE_DIRECTORY,
  segmentBytesMax: 8 * 1024,
  smallChunkBytesMax: 700,
  reserveBytes: 0,
  writeBuffersMax: 2,
  openFilesMax: 4,
  probeIntervalMs: 500,
  compaction: { liveFractionMin: 0.5, bytesPerSecond: 1e6, retryMs: 2_000 },
}
/** Of a disk operation that takes time at all, ms. */
const DISK_MS = { min: 0.01, max: 0.4 }
const DISK_PAUSES = 0.15
/** As a node starts it looks through hundreds of directories, and nobody else uses its disk. */
const DISK_PAUSES_STARTING = 0.01
const RESTART_MS = { min: 50, max: 5_000 }

/** A storage node: the real chunk store on a simulated disk, started again whenever it dies, until it is stopped. */
export class SimNode implements NodeHost {
  readonly name: string
  readonly #deps: SimNodeDeps
  disk: CrashDisk
  running: RunningNode | undefined
  #life: Life | undefined
  /** While it is down for longer than a restart takes. */
  #isHeldDown = false
  #hasPowerFailed = false
  #stalledUntilMs = 0

  constructor(name: string, deps: SimNodeDeps) {
    this.name = name
    this.#deps = deps
    this.disk = this.#newDisk()
  }

  /** Its disk is gone, with all that was on it. */
  replaceDisk(): void {
    this.die({ power: false, downMs: 0 })
    this.#deps.trace.note(`${this.name}: a new disk`)
    this.disk = this.#newDisk()
  }

  /** The process ends; with `power`, what was not synced is kept, lost or torn. It comes back after `downMs`, or soon. */
  die({ power, downMs }: { power: boolean; downMs?: number }): void {
    const { trace, chance, timeline } = this.#deps
    trace.note(`${this.name}: ${power ? 'power fails' : 'killed'}`)
    this.running = undefined
    this.#life?.end()
    this.#life = undefined
    this.disk.kill()
    this.#hasPowerFailed ||= power
    if (this.#isHeldDown) return
    this.#isHeldDown = true
    timeline.after(downMs ?? chance.between(RESTART_MS.min, RESTART_MS.max), () => {
      this.#isHeldDown = false
      // Not before what it was just writing is half done.
      if (this.#hasPowerFailed) this.disk.failPower()
      this.#hasPowerFailed = false
      this.start()
    })
  }

  /** Every operation of its disk waits for so long. */
  stall(ms: number): void {
    this.#deps.trace.note(`${this.name}: the disk hangs for ${ms.toFixed(0)} ms`)
    this.#stalledUntilMs = this.#deps.timeline.nowMs + ms
  }

  /** Nothing hangs or fails any more. */
  recover(): void {
    this.#stalledUntilMs = 0
    this.disk.failures.clear()
  }

  start(): void {
    if (this.#life || this.#isHeldDown) return
    const life = new Life()
    this.#life = life
    const { timeline, chance, trace } = this.#deps
    const deps = { clock: lifeClock(timeline, life), random: chance, log: silentLog, fs: this.disk.boot() }
    life.hear(openChunkDisk(DISK_OPTIONS, deps)).then(
      (disk) => this.#serve({ life, disk }, deps.clock),
      (error) => {
        trace.note(`${this.name}: does not start: ${error}`)
        if (isRefusal(error)) timeline.fail(error as Error)
        else this.die({ power: false })
      },
    )
  }

  #serve(running: RunningNode, clock: Clock): void {
    const { trace, registry } = this.#deps
    trace.note(`${this.name}: serves`)
    this.running = running
    const { disk, life } = running
    const identity = {
      id: disk.serverId,
      grpcAddress: this.name,
      socketPath: '',
      dataDirectory: '',
      zone: '',
      points: virtualNodePoints(disk.serverId),
    }
    keepRegistered(
      {
        disk: mortal(disk, life),
        registry: registry(this.name, life),
        clock,
        log: silentLog,
        tuning: storageNodeDefaults,
      },
      identity,
    )
  }

  #newDisk(): CrashDisk {
    const { chance, timeline } = this.#deps
    const disk: CrashDisk = new CrashDisk(chance.fork().dice, {
      pause: () => {
        const stallMs = this.#stalledUntilMs - timeline.nowMs
        if (stallMs > 0) return timeline.pause(stallMs)
        const isSlow = chance.happens(this.running ? DISK_PAUSES : DISK_PAUSES_STARTING)
        return isSlow ? timeline.pause(chance.between(DISK_MS.min, DISK_MS.max)) : undefined
      },
      onStep: (step, path) => this.#onStep(disk, step, path),
    })
    disk.forgets = this.#deps.forgets
    return disk
  }

  #onStep(disk: CrashDisk, step: DiskStep, path: string): void {
    const { chance, dies, diskFailure } = this.#deps
    if (disk !== this.disk || disk.isDead) return
    const name = `node: ${step} ${placeOf(path)}`
    if (dies(name)) this.die({ power: chance.happens(0.5) })
    else if (this.running && chance.happens(diskFailure())) disk.failures.set(1, chance.one(['EIO', 'ENOSPC']))
  }
}

/** A store that refuses its own directory will not be any better the next time. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /is damaged|is missing|newer version|in use/.test(error.message)
}

/** What the node's own loops hear of the disk ends with the process. */
function mortal(disk: OpenChunkDisk, life: Life): Pick<ChunkDisk, 'stat' | 'noteBeats'> {
  return { stat: () => life.hear(disk.stat()), noteBeats: (beats) => life.hear(disk.noteBeats(beats)) }
}

const PLACES = ['segments', 'tmp', 'chunks']

/** Which of the store's directories it is in. */
function placeOf(path: string): string {
  const place = PLACES.find((each) => path.startsWith(each, NODE_DIRECTORY.length + 1)) ?? 'root'
  return place === 'segments' && path.endsWith('.idx') ? 'hints' : place
}
