import { assert } from '../base/faults.ts'
import { DATA_CHUNKS, PARITY_CHUNKS_MAX } from '../base/limits.ts'
import { COEFFICIENT_TABLE_BYTES, decodeRows, PARITY_MATRIX, writeCoefficientTable } from './gf256.ts'
import { KERNEL_BASE64 } from './kernel-binary.ts'
import { type WasmMemory, WebAssembly } from './wasm.ts'

/** The kernel works on runs of this many bytes; whoever lays out blocks leaves room for it. */
export const RUN_BYTES = 64
const PAGE_BYTES = 65_536
/** Of a WebAssembly memory: 4 GiB. */
const PAGES_MAX = 65_536

const ROW_TABLE_BYTES = DATA_CHUNKS * COEFFICIENT_TABLE_BYTES
const ENCODE_TABLES = 0
const DECODE_TABLES = ENCODE_TABLES + (PARITY_CHUNKS_MAX - 2) * ROW_TABLE_BYTES
const WANTED_MAX = DATA_CHUNKS + PARITY_CHUNKS_MAX
/** Rebuilding goes in pieces of this many bytes of each block, that stay in the second-level cache. */
const REBUILD_BYTES = 16_384
/** One run more than the piece, so that the seven streams do not fall on the same cache sets. */
const REBUILD_STRIDE = REBUILD_BYTES + RUN_BYTES
const REBUILD_SCRATCH = toRuns(DECODE_TABLES + WANTED_MAX * ROW_TABLE_BYTES)
/** Room for another kernel that works on the same memory (md5-kernel.ts). */
const GUEST_SCRATCH = toRuns(REBUILD_SCRATCH + (DATA_CHUNKS + 1) * REBUILD_STRIDE)
export const GUEST_SCRATCH_BYTES = 1024
/** What the kernels keep for themselves at the start of their memory. */
const RESERVED_BYTES = Math.ceil((GUEST_SCRATCH + GUEST_SCRATCH_BYTES) / PAGE_BYTES) * PAGE_BYTES

/** As in wasm/stripe-kernel.wat. All lengths are multiples of RUN_BYTES, and not 0. */
interface KernelExports {
  xor6(src: number, stride: number, dst: number, length: number): void
  dot6(src: number, stride: number, dst: number, tables: number, length: number): void
  encode(base: number, stride: number, length: number, parityChunks: number, tables: number): void
}

const kernelModule = new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'))

export interface RebuildOrder {
  /** Of each block of the stripe, checksum not counted; 1 or more. */
  blockBytes: number
  /** 0 to 6. */
  parityChunks: number
  /** By chunk index: verified blocks, with or without their checksums behind them; at least six are there. */
  present: readonly (Uint8Array | undefined)[]
  /** Chunk indexes below 6 + parityChunks. */
  wanted: readonly number[]
}

/**
 * The erasure code on a memory of its own, which never grows: growing would detach every view of it. Fresh pages cost
 * nothing until they are touched, so the whole of it is asked for at once.
 */
export class StripeKernel {
  /** Where the caller's blocks may lie. */
  readonly memory: Buffer
  /** For a guest: the memory whole, and the address of its GUEST_SCRATCH_BYTES. `memory` begins at its byteOffset. */
  readonly wasm: { readonly memory: WasmMemory; readonly guestScratch: number }
  readonly #exports: KernelExports
  readonly #all: Uint8Array

  /** `bytes`: of the caller's memory, rounded up to 64 KiB; RangeError when that much address space cannot be had. */
  constructor(bytes: number) {
    const pages = Math.ceil((RESERVED_BYTES + bytes) / PAGE_BYTES)
    assert(bytes > 0 && pages <= PAGES_MAX, 'a kernel has 1 byte to almost 4 GiB of memory')
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    this.#exports = new WebAssembly.Instance(kernelModule, { env: { memory } }).exports as KernelExports
    this.#all = new Uint8Array(memory.buffer)
    this.memory = Buffer.from(memory.buffer, RESERVED_BYTES)
    this.wasm = { memory, guestScratch: GUEST_SCRATCH }
    for (const [row, coefficients] of PARITY_MATRIX.slice(2).entries()) {
      this.#writeTables(ENCODE_TABLES + row * ROW_TABLE_BYTES, coefficients)
    }
  }

  /**
   * Makes parity of six blocks at `offset` in memory, each `stride` bytes behind the other; parity follows at the same
   * stride. Blocks are taken to be a whole number of runs long: what lies behind a block's end, up to the next multiple of
   * 64, is overwritten in parity blocks and does not matter in data blocks.
   */
  encode(offset: number, stride: number, blockBytes: number, parityChunks: number): void {
    const length = toRuns(blockBytes)
    const end = offset + (DATA_CHUNKS - 1 + parityChunks) * stride + length
    assert(blockBytes > 0 && stride >= length && offset >= 0 && end <= this.memory.length, 'blocks lie in memory')
    assert(parityChunks >= 0 && parityChunks <= PARITY_CHUNKS_MAX, `${parityChunks} parity chunks`)
    if (parityChunks > 0) this.#exports.encode(RESERVED_BYTES + offset, stride, length, parityChunks, ENCODE_TABLES)
  }

  /** The wanted blocks, without checksums, in the order asked, each in a Buffer of its own. */
  rebuild(order: RebuildOrder): Buffer[] {
    const { blockBytes, present, wanted } = order
    const sources = sourcesOf(order)
    const rows = decodeRows(sources, wanted)
    for (const [i, row] of rows.entries()) this.#writeTables(DECODE_TABLES + i * ROW_TABLE_BYTES, row)
    const blocks = wanted.map(() => Buffer.allocUnsafe(blockBytes))
    const result = REBUILD_SCRATCH + DATA_CHUNKS * REBUILD_STRIDE
    for (let from = 0; from < blockBytes; from += REBUILD_BYTES) {
      const to = Math.min(blockBytes, from + REBUILD_BYTES)
      for (const [i, source] of sources.entries()) {
        this.#all.set(present[source]!.subarray(from, to), REBUILD_SCRATCH + i * REBUILD_STRIDE)
      }
      for (const [i, row] of rows.entries()) {
        this.#combine(row, DECODE_TABLES + i * ROW_TABLE_BYTES, result, toRuns(to - from))
        blocks[i]!.set(this.#all.subarray(result, result + to - from), from)
      }
    }
    return blocks
  }

  #combine(row: readonly number[], tables: number, result: number, length: number): void {
    if (row.every((coefficient) => coefficient === 1)) {
      this.#exports.xor6(REBUILD_SCRATCH, REBUILD_STRIDE, result, length)
    } else {
      this.#exports.dot6(REBUILD_SCRATCH, REBUILD_STRIDE, result, tables, length)
    }
  }

  #writeTables(offset: number, coefficients: readonly number[]): void {
    for (const [i, coefficient] of coefficients.entries()) {
      writeCoefficientTable(coefficient, this.#all, offset + i * COEFFICIENT_TABLE_BYTES)
    }
  }
}

/** Six chunks to rebuild from: data first, then P, so that one lost data chunk is a plain sum. */
function sourcesOf({ blockBytes, parityChunks, present, wanted }: RebuildOrder): number[] {
  const chunks = DATA_CHUNKS + parityChunks
  assert(parityChunks >= 0 && parityChunks <= PARITY_CHUNKS_MAX, `${parityChunks} parity chunks`)
  assert(wanted.length <= WANTED_MAX && wanted.every((index) => index >= 0 && index < chunks), 'wanted: chunk indexes')
  const sources: number[] = []
  for (let index = 0; index < chunks && sources.length < DATA_CHUNKS; index++) {
    const block = present[index]
    if (block === undefined) continue
    assert(block.length >= blockBytes && blockBytes > 0, `block ${index} has ${block.length} bytes, not ${blockBytes}`)
    sources.push(index)
  }
  assert(sources.length === DATA_CHUNKS, `six blocks rebuild the others, ${sources.length} are there`)
  return sources
}

/** Bytes rounded up to whole runs. */
export function toRuns(bytes: number): number {
  return Math.ceil(bytes / RUN_BYTES) * RUN_BYTES
}
