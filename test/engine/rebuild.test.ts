import t from 'tap'
import type { PartLayout } from '../../src/base/model.ts'
import { copyChunks } from '../../src/engine/copy-chunks.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import { rebuildChunks } from '../../src/engine/rebuild-chunks.ts'
import { writePart } from '../../src/engine/write-part.ts'
import type { RebuildOrder } from '../../src/upkeep/ports/repair.ts'
import { refused } from '../storage-node/disk/chunks.ts'
import { claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const BLOCK = 4096
const STRIPE = 6 * BLOCK
const forever = new AbortController().signal
const SIZES = [1, 700, STRIPE, STRIPE + 1, 5 * STRIPE + 4711]
const unpaced: RebuildOrder['pace'] = async () => {}

async function write(deps: EngineDeps, bytes: Buffer, storageClass = 'STANDARD'): Promise<PartLayout> {
  const order = { claims: claimsOf(bytes.length), label: { ...label, storageClass } }
  await using draft = await writePart(deps, order, inPieces(bytes, 5000), forever)
  draft.keep()
  return draft.layout!
}

/** Twenty servers, so that there are some without a chunk of the part. */
async function store(size: number, storageClass?: string) {
  const nodes = new MemoryNodes(20)
  const deps = await engineOver(nodes)
  const layout = await write(deps, patterned(size), storageClass)
  const spares = [...nodes.stored.keys()].filter((server) => !layout.servers.includes(server))
  const chunk = (index: number) => ({ partId: layout.partId, index })
  const name = (index: number) => `${layout.partId}/${index}`
  const original = (index: number) => Buffer.from(nodes.stored.get(layout.servers[index]!)!.get(name(index))!)
  return { nodes, deps, layout, spares, chunk, name, original }
}

type Store = Awaited<ReturnType<typeof store>>

function rebuild({ deps, layout, spares }: Store, indexes: readonly number[], pace = unpaced): Promise<number[]> {
  const targets = new Map(indexes.map((index, n) => [index, spares[n]!]))
  return rebuildChunks(deps, { layout, targets, pace }, forever)
}

t.test('any two chunks are made anew, bit for bit, with what they say of themselves', async (t) => {
  for (const size of SIZES) {
    for (let a = 0; a < 8; a++) {
      for (let b = a + 1; b < 8; b++) {
        const one = await store(size)
        const { nodes, layout, spares, name } = one
        const originals = [a, b].map(one.original)
        const described = [a, b].map((index) => nodes.described.get(name(index)))
        for (const index of [a, b]) {
          nodes.down.add(layout.servers[index]!)
          nodes.described.delete(name(index))
        }
        t.same(await rebuild(one, [a, b]), [a, b])
        for (const [n, index] of [a, b].entries()) {
          const made = nodes.stored.get(spares[n]!)!.get(name(index))!
          t.ok(made.equals(originals[n]!), `chunk ${index} of ${size} bytes`)
          t.same(nodes.described.get(name(index)), described[n])
        }
      }
    }
  }
})

t.test('sources that are lost, rotten or silent are passed over, as long as six are left', async (t) => {
  const size = 5 * STRIPE + 4711
  for (const spoil of [
    ({ nodes, layout }: Store) => void nodes.down.add(layout.servers[2]!),
    ({ nodes, layout }: Store) => {
      nodes.down.add(layout.servers[2]!)
      nodes.looksReachable.add(layout.servers[2]!)
    },
    ({ nodes, layout, chunk }: Store) => nodes.damage(layout.servers[2]!, chunk(2), (p) => p.fill(7, 9000, 9001)),
    ({ nodes, layout, chunk }: Store) => nodes.damage(layout.servers[2]!, chunk(2), (p) => p.subarray(0, 9000)),
    ({ nodes, layout, name }: Store) => void nodes.stored.get(layout.servers[2]!)!.delete(name(2)),
  ]) {
    const one = await store(size)
    const original = one.original(0)
    one.nodes.stored.get(one.layout.servers[0]!)!.clear()
    spoil(one)
    t.same(await rebuild(one, [0]), [0])
    t.ok(one.nodes.stored.get(one.spares[0]!)!.get(one.name(0))!.equals(original))
  }
})

t.test('of three rotten chunks, rotten in different stripes, each block still counts', async (t) => {
  const one = await store(5 * STRIPE + 4711)
  const original = one.original(1)
  for (const [n, index] of [1, 4, 7].entries()) {
    one.nodes.damage(one.layout.servers[index]!, one.chunk(index), (payload) => {
      payload[n * (BLOCK + 4) + 10]! ^= 1
      return payload
    })
  }
  t.same(await rebuild(one, [1]), [1])
  t.ok(one.nodes.stored.get(one.spares[0]!)!.get(one.name(1))!.equals(original))
  t.same([...new Set(one.deps.damages.map(({ index }) => index))].sort(), [4, 7], 'and what was met is reported')
})

t.test('beyond saving: DataUnavailable, and nothing is written', async (t) => {
  for (const size of [700, 5 * STRIPE]) {
    const one = await store(size)
    for (const index of [0, 3, 6]) one.nodes.stored.get(one.layout.servers[index]!)!.clear()
    await t.rejects(rebuild(one, [0]), { code: 'DataUnavailable' })
    t.equal(one.nodes.stored.get(one.spares[0]!)!.size, 0)
  }
})

t.test('what was rebuilt and is not what the record says is not kept', async (t) => {
  for (const size of [700, 5 * STRIPE]) {
    const one = await store(size)
    one.layout.chunkHashes[3 * 32]! ^= 1
    await t.rejects(rebuild(one, [3]), refused('corrupt'))
    t.equal(one.nodes.stored.get(one.spares[0]!)!.size, 0)
  }
})

t.test('a target that fails does not hold the other one up', async (t) => {
  for (const size of [700, 20 * STRIPE]) {
    const one = await store(size)
    one.nodes.full.add(one.spares[0]!)
    t.same(await rebuild(one, [0, 1]), [1])
    one.nodes.full.add(one.spares[1]!)
    await t.rejects(rebuild(one, [0, 1]), refused('no-space'))
  }
})

t.test('every stripe asks for the bytes that it moves', async (t) => {
  const one = await store(5 * STRIPE)
  const asked: number[] = []
  await rebuild(one, [0, 6], async (bytes) => void asked.push(bytes))
  t.same(asked, Array(5).fill(8 * BLOCK))
})

t.test('without parity nothing is rebuilt, and with one parity chunk only one', async (t) => {
  const bare = await store(700, 'NONE')
  bare.nodes.stored.get(bare.layout.servers[0]!)!.clear()
  await t.rejects(rebuild(bare, [0]), { code: 'DataUnavailable' })
  const reduced = await store(5 * STRIPE, 'REDUCED_REDUNDANCY')
  const original = reduced.original(5)
  reduced.nodes.stored.get(reduced.layout.servers[5]!)!.clear()
  t.same(await rebuild(reduced, [5]), [5])
  t.ok(reduced.nodes.stored.get(reduced.spares[0]!)!.get(reduced.name(5))!.equals(original))
})

t.test('a copy: bit for bit, with twice the chunk moved; one that cannot be read to its end is left out', async (t) => {
  for (const size of [700, 5 * STRIPE + 4711]) {
    const one = await store(size)
    const original = one.original(2)
    const targets = new Map([2, 5].map((index, n) => [index, one.spares[n]!]))
    one.nodes.damage(one.layout.servers[5]!, one.chunk(5), (payload) => {
      payload[payload.length - 10]! ^= 1
      return payload
    })
    let moved = 0
    const pace = async (bytes: number) => {
      moved += bytes
    }
    t.same(await copyChunks(one.deps, { layout: one.layout, targets, pace }, forever), [2])
    t.ok(one.nodes.stored.get(one.spares[0]!)!.get(one.name(2))!.equals(original))
    t.equal(one.nodes.stored.get(one.spares[1]!)!.size, 0)
    t.ok(moved <= 4 * original.length, `${moved} bytes`)
    t.same(
      one.deps.damages.map(({ index }) => index),
      [5],
    )
  }
})
