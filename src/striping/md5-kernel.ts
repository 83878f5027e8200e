import { assert } from '../base/faults.ts'
import { GUEST_SCRATCH_BYTES, type StripeKernel } from './kernel.ts'
import { MD5_KERNEL_BASE64 } from './md5-binary.ts'
import { WebAssembly } from './wasm.ts'

/** Of MD5: it goes on in steps of this many bytes. */
export const MD5_BLOCK_BYTES = 64
/** Bodies that are hashed at once, at most. */
export const MD5_LANES = 8

/** From the kernel's scratch on, in bytes (scripts/md5-kernel.ts); the last is our own. */
const STATES = 256
const ADDRESSES = 384
const LOOSE_BLOCKS = 448
const LOOSE_BLOCKS_MAX = 2
assert(LOOSE_BLOCKS + LOOSE_BLOCKS_MAX * MD5_BLOCK_BYTES <= GUEST_SCRATCH_BYTES, 'scratch for MD5')

/** As scripts/md5-kernel.ts makes them: states and addresses lie in scratch. */
interface Md5Exports {
  md5x1(blocks: number): void
  md5x4(blocks: number): void
  md5x8(blocks: number): void
}
const md5Module = new WebAssembly.Module(Buffer.from(MD5_KERNEL_BASE64, 'base64'))

export interface Md5Lane {
  /** a, b, c, d of RFC 1321. */
  readonly state: Uint32Array
  /** In the stripe kernel's memory: what is hashed next. */
  readonly at: number
}

/** MD5 of up to eight bodies at once, on bytes that lie in a stripe kernel's memory. One for each memory. */
export class Md5Kernel {
  readonly #exports: Md5Exports
  readonly #states: Uint32Array
  readonly #addresses: Uint32Array
  readonly #looseBlocks: Uint8Array
  readonly #looseBlocksAt: number
  /** Of the caller's memory in the whole: what its addresses count from. */
  readonly #memoryStart: number
  readonly #memoryBytes: number

  constructor({ memory, wasm }: StripeKernel) {
    const { buffer } = wasm.memory
    const scratch = new WebAssembly.Global({ value: 'i32', mutable: false }, wasm.guestScratch)
    this.#exports = new WebAssembly.Instance(md5Module, { env: { memory: wasm.memory, scratch } }).exports as Md5Exports
    this.#states = new Uint32Array(buffer, wasm.guestScratch + STATES, 4 * MD5_LANES)
    this.#addresses = new Uint32Array(buffer, wasm.guestScratch + ADDRESSES, MD5_LANES)
    this.#looseBlocks = new Uint8Array(buffer, wasm.guestScratch + LOOSE_BLOCKS, LOOSE_BLOCKS_MAX * MD5_BLOCK_BYTES)
    this.#looseBlocksAt = wasm.guestScratch + LOOSE_BLOCKS - memory.byteOffset
    this.#memoryStart = memory.byteOffset
    this.#memoryBytes = memory.length
  }

  /** Hashes the same number of blocks of 1 to 8 lanes, from each one's address on; changes their states. */
  run(lanes: readonly Md5Lane[], blocks: number): void {
    assert(lanes.length > 0 && lanes.length <= MD5_LANES && blocks > 0, `${blocks} blocks of ${lanes.length} lanes`)
    const bytes = blocks * MD5_BLOCK_BYTES
    assert(
      lanes.every(({ at }) => at >= 0 && at + bytes <= this.#memoryBytes),
      'blocks lie in memory',
    )
    this.#hash(lanes, blocks)
  }

  /** Hashes one or two blocks that lie elsewhere. */
  runLoose(state: Uint32Array, blocks: Uint8Array): void {
    assert(blocks.length % MD5_BLOCK_BYTES === 0 && blocks.length <= this.#looseBlocks.length, 'one or two blocks')
    this.#looseBlocks.set(blocks)
    this.#hash([{ state, at: this.#looseBlocksAt }], blocks.length / MD5_BLOCK_BYTES)
  }

  #hash(lanes: readonly Md5Lane[], blocks: number): void {
    // One lane costs a fifth less in plain integers than in vectors; two cost a third less in vectors.
    const width = lanes.length === 1 ? 1 : lanes.length <= 4 ? 4 : MD5_LANES
    for (let i = 0; i < width; i++) {
      // An idle lane reads what the first reads, and its result is thrown away.
      const lane = lanes[i] ?? lanes[0]!
      this.#addresses[i] = this.#memoryStart + lane.at
      for (let word = 0; word < 4; word++) this.#states[stateIndex(i, word)] = lane.state[word]!
    }
    if (width === 1) this.#exports.md5x1(blocks)
    else if (width === 4) this.#exports.md5x4(blocks)
    else this.#exports.md5x8(blocks)
    for (const [i, { state }] of lanes.entries()) {
      for (let word = 0; word < 4; word++) state[word] = this.#states[stateIndex(i, word)]!
    }
  }
}

/** Four lanes share a vector, and a state is four vectors. */
function stateIndex(lane: number, word: number): number {
  return (lane >> 2) * 16 + word * 4 + (lane & 3)
}
