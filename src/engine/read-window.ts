import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { CHECKSUM_BYTES } from '../striping/checksum.ts'
import { type BlockRun, blockBytesOf, blockStart, runBytes } from '../striping/layout.ts'
import type { LentMemory } from '../striping/stripe-pool.ts'
import type { ByteRange } from './engine.ts'

/** What became of a block: `bad`: it was read and is not what was written, so asking for it again is of no use. */
export type BlockState = 'missing' | 'good' | 'bad'

/** Memory for a window of these blocks: the blocks in a row, as they stand in the part, then room for their checksums. */
export function windowBytes(layout: PartLayout, run: BlockRun): number {
  return runBytes(layout, run) + (run.last - run.first + 1) * CHECKSUM_BYTES
}

/** A run of a part's data blocks while it is read. Disposed, its memory goes back. */
export class ReadWindow implements Disposable {
  readonly run: BlockRun
  readonly #layout: PartLayout
  readonly #memory: LentMemory
  readonly #start: number
  readonly #sumsAt: number
  readonly #states: BlockState[]

  /** `memory`: of windowBytes(layout, run). */
  constructor(layout: PartLayout, run: BlockRun, memory: LentMemory) {
    this.run = run
    this.#layout = layout
    this.#memory = memory
    this.#start = blockStart(layout, run.first)
    this.#sumsAt = runBytes(layout, run)
    this.#states = Array.from({ length: run.last - run.first + 1 }, () => 'missing')
  }

  get firstStripe(): number {
    return Math.floor(this.run.first / DATA_CHUNKS)
  }

  get lastStripe(): number {
    return Math.floor(this.run.last / DATA_CHUNKS)
  }

  includes(stripe: number, index: number): boolean {
    const block = stripe * DATA_CHUNKS + index
    return block >= this.run.first && block <= this.run.last
  }

  state(stripe: number, index: number): BlockState {
    return this.#states[this.#position(stripe, index)]!
  }

  setState(stripe: number, index: number, state: BlockState): void {
    this.#states[this.#position(stripe, index)] = state
  }

  /** Where the block belongs. */
  block(stripe: number, index: number): Buffer {
    const at = blockStart(this.#layout, stripe * DATA_CHUNKS + index) - this.#start
    return this.#memory.bytes.subarray(at, at + blockBytesOf(this.#layout, stripe))
  }

  /** Where its checksum belongs, if it is read together with the block. */
  checksum(stripe: number, index: number): Buffer {
    const at = this.#sumsAt + this.#position(stripe, index) * CHECKSUM_BYTES
    return this.#memory.bytes.subarray(at, at + CHECKSUM_BYTES)
  }

  /** A block that came by another way: copied in. */
  put(stripe: number, index: number, block: Uint8Array): void {
    this.block(stripe, index).set(block)
    this.setState(stripe, index, 'good')
  }

  /** What the range asks for of this window, padding left out; a view that is good until dispose. */
  cut({ first, last }: ByteRange): Buffer {
    const from = Math.max(0, first - this.#start)
    const to = Math.min(this.#sumsAt, last + 1 - this.#start)
    return this.#memory.bytes.subarray(from, to)
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]()
  }

  #position(stripe: number, index: number): number {
    return stripe * DATA_CHUNKS + index - this.run.first
  }
}
