import { ChunkError } from '../../../src/base/faults.ts'
import { makeChunk, openTestDisk, put, readAll, stream, type TestChunk } from './chunks.ts'
import type { CrashDisk, FailCode } from './crash-fs.ts'

/** How many chunks there are to play with: the last two are files. */
export const CHUNKS = 10

/** Chunks are named by their number. */
export type Command =
  | { do: 'put' | 'delete'; chunks: readonly number[] }
  /** For all that was begun; then every chunk is looked at. */
  | { do: 'wait' }
  | { do: 'compact'; wait: boolean }
  | { do: 'restart' }
  /** An operation fails, the `after`-th from now that changes the disk. */
  | { do: 'fail'; after: number; code: FailCode }
  /** The process dies after so many changes to the disk, at the next `crash` at the latest. */
  | { do: 'doom'; after: number }
  /** Notes whether the process still lives: `livedAtMark`. */
  | { do: 'mark' }
  /** As `doom`, and then it starts anew; with `power`, what was not synced is kept, lost or torn. */
  | { do: 'crash'; after: number; power: boolean; again?: number | undefined }

type Fate = 'present' | 'absent' | 'open'

const options = {
  directory: '/node',
  probeIntervalMs: 1,
  openFilesMax: 3,
  compaction: { bytesPerSecond: 1e12, retryMs: 1 },
}

/** What the chunks are like, and the segments that they go to. */
interface Layout {
  segmentBytesMax: number
  smallChunkBytesMax: number
  chunks: readonly TestChunk[]
}

function layout(bytesMax: Omit<Layout, 'chunks'>, blockBytes: number, dataBytesOf: (number: number) => number): Layout {
  const chunks = Array.from({ length: CHUNKS }, (_, number) =>
    makeChunk({ dataBytes: dataBytesOf(number), blockBytes, seed: number, labelBytes: number * 7, sealBytes: number }),
  )
  return { ...bytesMax, chunks }
}

const isFile = (number: number) => number >= CHUNKS - 2

export const layouts = {
  /** A segment holds a few, and ends in zeros until it is full; some chunks are of several blocks. */
  tight: layout({ segmentBytesMax: 1024, smallChunkBytesMax: 900 }, 256, (number) =>
    isFile(number) ? 2000 + number * 331 : 1 + number * 60,
  ),
  /**
   * Zeros lie several pages ahead. Chunks 4 to 7 are written from where they lie, and together they are too much for
   * zeros ahead.
   */
  roomy: layout({ segmentBytesMax: 200_000, smallChunkBytesMax: 50_000 }, 20_000, (number) =>
    isFile(number) ? 60_000 + number : number < 4 ? 300 + number * 1500 : 30_000 + number * 2000,
  ),
}

/**
 * Plays commands on a store whose disk may fail, and checks throughout: an acknowledged put can be read bit for bit, an
 * acknowledged delete stays deleted, and a chunk whose fate was never told is there wholly or not at all.
 */
export class Run {
  readonly #disk: CrashDisk
  readonly #options: Parameters<typeof openTestDisk>[0]
  #store!: Awaited<ReturnType<typeof openTestDisk>>
  readonly #chunks: readonly TestChunk[]
  readonly #fates: Fate[] = Array.from({ length: CHUNKS }, () => 'absent')
  /** The last call for each chunk: calls for different chunks overlap, calls for one do not. */
  #last: Promise<void>[] = Array.from({ length: CHUNKS }, () => Promise.resolve())

  livedAtMark = false

  constructor(disk: CrashDisk, { chunks, ...bytesMax }: Layout, liveFractionMin = 0.8) {
    this.#disk = disk
    this.#chunks = chunks
    this.#options = { ...options, ...bytesMax, compaction: { ...options.compaction, liveFractionMin } }
  }

  /** Ends with a power cut and a last look. */
  async play(commands: readonly Command[]): Promise<void> {
    await this.#open()
    for (const one of commands) await this.#do(one)
    await this.#crash({ after: 0, power: true })
    await this.#store[Symbol.asyncDispose]()
  }

  async #open(): Promise<void> {
    this.#store = await openTestDisk(this.#options, { fs: this.#disk.boot() })
    for (const number of this.#chunks.keys()) this.#fates[number] = await this.#look(number)
  }

  async #do(one: Command): Promise<void> {
    switch (one.do) {
      case 'put':
        for (const number of one.chunks) this.#start([number], 'present', () => this.#put(number))
        return
      case 'delete':
        this.#start(one.chunks, 'absent', () => this.#store.delete(one.chunks.map((n) => this.#chunks[n]!.id)))
        return
      case 'wait':
        return await this.#lookAtAll()
      case 'compact':
        return await this.#compact(one.wait)
      case 'fail':
        this.#disk.failures.set(one.after, one.code)
        return
      case 'mark':
        this.livedAtMark = !this.#disk.isDead
        return
      case 'doom':
        this.#disk.diesAfter = one.after
        return
      case 'restart':
        return await this.#restart()
      case 'crash':
        return await this.#crash(one)
    }
  }

  async #lookAtAll(): Promise<void> {
    await this.#wait()
    if (this.#disk.isDead) return
    for (const number of this.#chunks.keys()) {
      await this.#look(number).catch((error) => {
        if (!this.#disk.isDead) throw error
      })
    }
  }

  async #restart(): Promise<void> {
    await this.#wait()
    if (this.#disk.isDead) return await this.#crash({ after: 0, power: false })
    await this.#store[Symbol.asyncDispose]()
    await this.#open()
  }

  async #compact(isWaitedFor: boolean): Promise<void> {
    if (isWaitedFor) await this.#wait()
    const compacted = this.#store.compacted().catch((error) => {
      if (!this.#disk.isDead) throw error
    })
    if (isWaitedFor) await compacted
  }

  #put(number: number): Promise<unknown> {
    const chunk = this.#chunks[number]!
    return number % 2 === 0
      ? put(this.#store, chunk)
      : stream(this.#store, chunk, Math.max(333, chunk.payload.length >> 2))
  }

  #start(numbers: readonly number[], fate: Fate, work: () => Promise<unknown>): void {
    const before = Promise.all(numbers.map((n) => this.#last[n]))
    const ended = before.then(() => this.#call(numbers, fate, work))
    for (const n of numbers) this.#last[n] = ended
  }

  async #call(numbers: readonly number[], fate: Fate, work: () => Promise<unknown>): Promise<void> {
    if (this.#disk.isDead) return
    for (const n of numbers) if (this.#fates[n] !== fate) this.#fates[n] = 'open'
    try {
      await work()
    } catch (error) {
      if (!(error instanceof ChunkError) || !['failed', 'no-space'].includes(error.failure)) throw error
      return
    }
    // What a dead process says, nobody hears.
    if (!this.#disk.isDead) for (const n of numbers) this.#fates[n] = fate
  }

  async #wait(): Promise<void> {
    await Promise.all(this.#last)
  }

  async #crash({ after, power, again }: Omit<Command & { do: 'crash' }, 'do'>): Promise<void> {
    if (!this.#disk.isDead) this.#disk.diesAfter = after
    await this.#wait()
    const dead = this.#store
    if (power) this.#disk.failPower()
    if (again !== undefined) await this.#crashInStartUp(again, power)
    await this.#open()
    await Promise.allSettled([dead[Symbol.asyncDispose]()])
  }

  async #crashInStartUp(after: number, power: boolean): Promise<void> {
    const fs = this.#disk.boot()
    this.#disk.diesAfter = after
    const opened = await openTestDisk(this.#options, { fs }).catch((error) => {
      if (!fs.isDead) throw error
    })
    if (power) this.#disk.failPower()
    else fs.die()
    await Promise.allSettled([opened?.[Symbol.asyncDispose]()])
  }

  /** Checks a chunk against its fate; what was open is decided by what is there. */
  async #look(number: number): Promise<Fate> {
    const chunk = this.#chunks[number]!
    const fate = this.#fates[number]
    const found = await readAll(this.#store, chunk).catch((error) => {
      if (error instanceof ChunkError && error.failure === 'not-found') return undefined
      throw error
    })
    if (!found) {
      if (fate === 'present') throw new Error(`chunk ${number} was acknowledged and is gone`)
      return 'absent'
    }
    if (fate === 'absent') throw new Error(`chunk ${number} was deleted and is back`)
    if (!found.equals(chunk.payload)) throw new Error(`chunk ${number} has other bytes`)
    await this.#store.verify(chunk.id)
    return 'present'
  }
}
