import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import { buildKernel, stripeKernel } from '../../scripts/build-kernel.ts'
import { decodeRows, PARITY_MATRIX } from '../../src/striping/gf256.ts'
import { StripeKernel, toRuns } from '../../src/striping/kernel.ts'
import { coefficient, inverse, parityOf, times } from './kernel-twin.ts'

const kernel = new StripeKernel(2 * 1024 * 1024)

/** Bytes that look random, the same for the same seed. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

const stripe = (blockBytes: number, seed: number) =>
  Array.from({ length: 6 }, (_, j) => noise(blockBytes, seed * 6 + j))

/** Parity as the kernel makes it, in memory that is full of something else. */
function encode(data: readonly Uint8Array[], parityChunks: number, offset = 0): Buffer[] {
  const blockBytes = data[0]!.length
  const stride = toRuns(blockBytes + 4)
  kernel.memory.fill(0xa5, offset, offset + 12 * stride)
  for (const [j, block] of data.entries()) kernel.memory.set(block, offset + j * stride)
  kernel.encode(offset, stride, blockBytes, parityChunks)
  return Array.from({ length: parityChunks }, (_, r) => {
    const at = offset + (6 + r) * stride
    return Buffer.from(kernel.memory.subarray(at, at + blockBytes))
  })
}

/** All ways to choose `count` of 0 … n - 1. */
function* choices(n: number, count: number, from = 0): Generator<number[]> {
  if (count === 0) yield []
  for (let i = from; count > 0 && i <= n - count; i++)
    for (const rest of choices(n, count - 1, i + 1)) yield [i, ...rest]
}

const SIZES = [
  1, 2, 5, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 683, 2047, 2048, 2049, 4096, 16_383, 16_384, 16_385, 40_000,
]

t.test('the committed kernel is what its source gives', async (t) => {
  t.equal(await readFile(stripeKernel.file, 'utf8'), await buildKernel(stripeKernel))
})

t.test('the matrix: row 0 is XOR, row 1 the powers of 2, all as the twin has it; golden rows', async (t) => {
  t.same(PARITY_MATRIX[0], [1, 1, 1, 1, 1, 1])
  t.same(PARITY_MATRIX[1], [1, 2, 4, 8, 16, 32])
  t.same(
    PARITY_MATRIX,
    Array.from({ length: 6 }, (_, r) => Array.from({ length: 6 }, (_, j) => coefficient(r, j))),
  )
  t.same(PARITY_MATRIX.slice(2), [
    [244, 83, 78, 183, 118, 47],
    [142, 105, 146, 190, 120, 50],
    [167, 39, 213, 59, 153, 82],
    [71, 45, 248, 206, 10, 141],
  ])
})

t.test('the code is MDS: any six of twelve chunks give back the others, hence for every m', async (t) => {
  const generator = (index: number) =>
    Array.from({ length: 6 }, (_, j) => (index < 6 ? Number(index === j) : coefficient(index - 6, j)))
  let patterns = 0
  for (const from of choices(12, 6)) {
    const others = Array.from({ length: 12 }, (_, i) => i).filter((i) => !from.includes(i))
    // The sum of row × generator rows of `from` is the wanted one's generator row: what decodes any bytes.
    for (const [i, row] of decodeRows(from, others).entries()) {
      const sum = Array.from({ length: 6 }, (_, j) =>
        row.reduce((total, c, k) => total ^ times(c, generator(from[k]!)[j]!), 0),
      )
      if (sum.join() !== generator(others[i]!).join()) t.fail(`chunk ${others[i]} from ${from}`)
    }
    patterns += 1
  }
  t.equal(patterns, 924)
})

t.test('encode: equals the twin for every m and length, wherever the blocks lie', async (t) => {
  for (const [i, blockBytes] of SIZES.entries()) {
    const data = stripe(blockBytes, i)
    const expected = parityOf(data, 6)
    for (let m = 0; m <= 6; m++) {
      const made = encode(data, m, (i % 5) * 4160)
      for (const [r, block] of made.entries())
        if (!block.equals(expected[r]!)) t.fail(`${blockBytes} bytes, m ${m}, ${r}`)
    }
  }
  t.pass('all lengths')
})

t.test('encode: writes no byte outside of the parity blocks and their run', async (t) => {
  const stride = toRuns(100 + 4)
  kernel.memory.fill(0x5a, 0, 100_000)
  const before = Buffer.from(kernel.memory.subarray(0, 100_000))
  kernel.encode(4160, stride, 100, 2)
  t.same(kernel.memory.subarray(0, 4160 + 6 * stride), before.subarray(0, 4160 + 6 * stride))
  t.same(kernel.memory.subarray(4160 + 8 * stride, 100_000), before.subarray(4160 + 8 * stride))
})

t.test('rebuild: every pattern of at most m lost chunks, every m, bit for bit', async (t) => {
  const blockBytes = 101
  const data = stripe(blockBytes, 77)
  const chunks = [...data, ...encode(data, 6)]
  let patterns = 0
  for (let m = 0; m <= 6; m++) {
    for (let lost = 0; lost <= m; lost++) {
      for (const wanted of choices(6 + m, lost)) {
        const present = chunks.slice(0, 6 + m).map((chunk, i) => (wanted.includes(i) ? undefined : chunk))
        const rebuilt = kernel.rebuild({ blockBytes, parityChunks: m, present, wanted })
        if (!wanted.every((index, i) => rebuilt[i]!.equals(chunks[index]!))) t.fail(`m ${m}, lost ${wanted}`)
        patterns += 1
      }
    }
  }
  t.equal(patterns, 1 + 8 + 37 + 130 + 386 + 1024 + 2510)
})

t.test('rebuild: blocks of every length, with or without their checksums, and no others are read', async () => {
  const arbitrary = fc.record({
    m: fc.integer({ min: 1, max: 6 }),
    blockBytes: fc.constantFrom(...SIZES),
    seed: fc.nat(1000),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { minLength: 12 }),
    trailing: fc.constantFrom(0, 4),
  })
  fc.assert(
    fc.property(arbitrary, ({ m, blockBytes, seed, order, trailing }) => {
      const data = stripe(blockBytes, seed)
      const chunks = [...data, ...encode(data, m)]
      const wanted = order.filter((index) => index < 6 + m).slice(0, m)
      const present = chunks.map((chunk, i) =>
        wanted.includes(i) ? undefined : Buffer.concat([chunk, Buffer.alloc(trailing, 0xee)]),
      )
      const rebuilt = kernel.rebuild({ blockBytes, parityChunks: m, present, wanted })
      return wanted.every((index, i) => rebuilt[i]!.equals(chunks[index]!))
    }),
    { numRuns: 60 },
  )
})

t.test('rebuild: results are copies; too few blocks, short ones and unknown chunks are refused', async (t) => {
  const data = stripe(64, 5)
  const present = [undefined, ...data.slice(1), ...encode(data, 2)]
  const first = kernel.rebuild({ blockBytes: 64, parityChunks: 2, present, wanted: [0] })
  kernel.rebuild({ blockBytes: 64, parityChunks: 2, present, wanted: [1, 7] })
  t.same(first[0], data[0])
  const order = { blockBytes: 64, parityChunks: 2, present, wanted: [0] }
  t.throws(() => kernel.rebuild({ ...order, present: present.slice(0, 6) }), /six blocks/)
  t.throws(() => kernel.rebuild({ ...order, blockBytes: 65 }), /64 bytes, not 65/)
  t.throws(() => kernel.rebuild({ ...order, wanted: [8] }), /wanted/)
  t.throws(() => kernel.rebuild({ ...order, parityChunks: 7 }), /7 parity/)
})

t.test('encode: blocks outside of the memory are refused', async (t) => {
  t.throws(() => kernel.encode(kernel.memory.length - 1000, 192, 128, 2), /lie in memory/)
  t.throws(() => kernel.encode(0, 64, 100, 2), /lie in memory/)
  t.throws(() => kernel.encode(0, 192, 128, 7), /7 parity/)
})

t.test('the twin: inverses are inverses', async (t) => {
  for (let a = 1; a < 256; a++) if (times(a, inverse(a)) !== 1) t.fail(`${a}`)
})
