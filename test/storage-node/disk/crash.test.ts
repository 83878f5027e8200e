import fc from 'fast-check'
import t from 'tap'
import { ChunkError } from '../../../src/base/faults.ts'
import { makeChunk, openTestDisk, put, readAll, stream, type TestChunk } from './chunks.ts'
import { CrashDisk, makeDice } from './crash-fs.ts'

/*
 * Random puts, deletes, compactions, failures, kills and power cuts on a simulated disk that keeps, drops and tears
 * what was not synced. What holds throughout: an acknowledged put can be read bit for bit, an acknowledged delete stays
 * deleted, and a chunk whose fate was never told is there wholly or not at all.
 */
const CHUNKS = 24
type Fate = 'present' | 'absent' | 'open'

const chunkNumber = fc.integer({ min: 0, max: CHUNKS - 1 })
const several = fc.array(chunkNumber, { minLength: 1, maxLength: 8 })
const command = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), chunks: several }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('delete' as const), chunks: several }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      after: fc.integer({ min: 0, max: 60 }),
      power: fc.boolean(),
      /** Start-up crashes too, after so many changes to the disk. */
      again: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      after: fc.integer({ min: 1, max: 12 }),
      code: fc.constantFrom('EIO' as const, 'ENOSPC' as const),
    }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

const options = {
  directory: '/node',
  segmentBytesMax: 4096,
  smallChunkBytesMax: 900,
  probeIntervalMs: 1,
  openFilesMax: 3,
  compaction: { liveFractionMin: 0.6, bytesPerSecond: 1e12, retryMs: 1 },
}

/** Two thirds of them small, some of those of several blocks. */
function chunkOf(number: number): TestChunk {
  const dataBytes = number % 3 === 2 ? 2000 + number * 331 : 1 + number * 31
  return makeChunk({ dataBytes, blockBytes: 256, seed: number, labelBytes: number * 7, sealBytes: number })
}

const allChunks = Array.from({ length: CHUNKS }, (_, number) => chunkOf(number))

class Run {
  readonly #disk: CrashDisk
  #store!: Awaited<ReturnType<typeof openTestDisk>>
  readonly #fates: Fate[] = allChunks.map(() => 'absent')
  /** The last call for each chunk: calls for different chunks overlap, calls for one do not. */
  #last: Promise<void>[] = allChunks.map(() => Promise.resolve())

  constructor(disk: CrashDisk) {
    this.#disk = disk
  }

  async play(commands: readonly Command[]): Promise<void> {
    await this.#open()
    for (const one of commands) await this.#do(one)
    await this.#crash({ after: 0, power: true })
    await this.#store[Symbol.asyncDispose]()
  }

  async #open(): Promise<void> {
    this.#store = await openTestDisk(options, { fs: this.#disk.boot() })
    for (const number of allChunks.keys()) this.#fates[number] = await this.#look(number)
  }

  async #do(one: Command): Promise<void> {
    switch (one.do) {
      case 'put':
        for (const number of one.chunks) this.#start([number], 'present', () => this.#put(number))
        return
      case 'delete':
        this.#start(one.chunks, 'absent', () => this.#store.delete(one.chunks.map((n) => allChunks[n]!.id)))
        return
      case 'wait':
        await this.#wait()
        for (const number of allChunks.keys()) await this.#look(number)
        return
      case 'compact':
        void this.#store.compacted().catch(() => {})
        return
      case 'fail':
        this.#disk.failures.set(one.after, one.code)
        return
      case 'restart':
        await this.#wait()
        await this.#store[Symbol.asyncDispose]()
        return await this.#open()
      case 'crash':
        return await this.#crash(one)
    }
  }

  #put(number: number): Promise<unknown> {
    const chunk = allChunks[number]!
    return number % 2 === 0 ? put(this.#store, chunk) : stream(this.#store, chunk, 333)
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

  async #crash({ after, power, again }: { after: number; power: boolean; again?: number | undefined }): Promise<void> {
    this.#disk.diesAfter = after
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
    const opened = await openTestDisk(options, { fs }).catch((error) => {
      if (!fs.isDead) throw error
    })
    if (power) this.#disk.failPower()
    else fs.die()
    await Promise.allSettled([opened?.[Symbol.asyncDispose]()])
  }

  /** Checks a chunk against its fate; what was open is decided by what is there. */
  async #look(number: number): Promise<Fate> {
    const chunk = allChunks[number]!
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

t.test('whatever crashes: acknowledged puts and deletes last, others happen wholly or not at all', async () => {
  const property = fc.asyncProperty(fc.integer(), fc.array(command, { maxLength: 60 }), async (seed, commands) => {
    const dice = makeDice(seed)
    await new Run(new CrashDisk(dice)).play(commands)
  })
  await fc.assert(property, { numRuns: Number(process.env.CRASH_RUNS ?? 60) })
})
