import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { buildKernel, md5Kernel } from '../../scripts/build-kernel.ts'
import { StripeKernel } from '../../src/striping/kernel.ts'
import { MD5_LANES, Md5Kernel } from '../../src/striping/md5-kernel.ts'

const stripes = new StripeKernel(2 * 1024 * 1024)
const kernel = new Md5Kernel(stripes)

/** RFC 1321: the padding of a message of whole blocks is a block of its own. */
function lastBlock(blocks: number): Uint8Array {
  const block = Buffer.alloc(64)
  block[0] = 0x80
  block.writeUInt32LE(blocks * 512, 56)
  return block
}

const initial = () => Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)

function hex(state: Uint32Array): string {
  const digest = Buffer.alloc(16)
  for (const [i, word] of state.entries()) digest.writeUInt32LE(word, 4 * i)
  return digest.toString('hex')
}

t.before(() => {
  for (let i = 0, state = 1; i < stripes.memory.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    stripes.memory[i] = state >>> 24
  }
})

t.test('the committed kernel is what its source gives', async (t) => {
  t.equal(await readFile(md5Kernel.file, 'utf8'), await buildKernel(md5Kernel))
})

t.test('1 to 8 lanes, from any address, in one call or several: each as node:crypto has it', async (t) => {
  for (let count = 1; count <= MD5_LANES; count++) {
    for (const [blocks, firstBlocks] of [
      [1, 1],
      [7, 3],
      [200, 199],
    ] as const) {
      const lanes = Array.from({ length: count }, (_, i) => ({ state: initial(), at: 50_001 * i + count * blocks }))
      kernel.run(lanes, firstBlocks)
      const rest = lanes.map(({ state, at }) => ({ state, at: at + 64 * firstBlocks }))
      if (firstBlocks < blocks) kernel.run(rest.toReversed(), blocks - firstBlocks)
      for (const { state, at } of lanes) {
        kernel.runLoose(state, lastBlock(blocks))
        t.equal(
          hex(state),
          hash('md5', stripes.memory.subarray(at, at + 64 * blocks)),
          `${count} lanes, ${blocks} blocks`,
        )
      }
    }
  }
})

t.test('to the last byte of the memory, and no further', async (t) => {
  const at = stripes.memory.length - 128
  const lanes = [0, 1, 2, 3, 4].map(() => ({ state: initial(), at }))
  kernel.run(lanes, 2)
  for (const { state } of lanes) {
    kernel.runLoose(state, lastBlock(2))
    t.equal(hex(state), hash('md5', stripes.memory.subarray(at)))
  }
  t.throws(() => kernel.run([{ state: initial(), at }], 3), /lie in memory/)
  t.throws(() => kernel.run([{ state: initial(), at: -1 }], 1), /lie in memory/)
  t.throws(() => kernel.run([], 1), /0 lanes/)
  t.throws(() => kernel.run([...lanes, ...lanes], 1), /10 lanes/)
  t.throws(() => kernel.run(lanes, 0), /0 blocks/)
  t.throws(() => kernel.runLoose(initial(), Buffer.alloc(192)), /one or two blocks/)
})

t.test('MD5 and parity, on one memory, leave each other alone', async (t) => {
  const before = Buffer.from(stripes.memory)
  kernel.run([{ state: initial(), at: 0 }], 10)
  t.ok(before.equals(stripes.memory), 'nothing of the memory is written')
  const present = Array.from({ length: 8 }, (_, i) =>
    i === 0 ? undefined : before.subarray(i * 20_000, (i + 1) * 20_000),
  )
  const order = { blockBytes: 20_000, parityChunks: 2, present, wanted: [0] }
  const [rebuilt] = stripes.rebuild(order)
  kernel.runLoose(initial(), Buffer.alloc(128, 1))
  t.same(stripes.rebuild(order)[0], rebuilt)
  const state = initial()
  kernel.run([{ state, at: 0 }], 1)
  kernel.runLoose(state, lastBlock(1))
  t.equal(hex(state), hash('md5', before.subarray(0, 64)))
})
