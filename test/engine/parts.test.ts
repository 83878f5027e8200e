import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import type { ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import { discardChunks } from '../../src/engine/discard.ts'
import { newPartId } from '../../src/engine/part-ids.ts'
import { readObject } from '../../src/engine/read-object.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { claimsOf, engineOver, foundObject, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const BLOCK = 4096
const STRIPE = 6 * BLOCK
const forever = new AbortController().signal
const sizes = [1, 5, 6, 7, BLOCK - 1, BLOCK, BLOCK + 1, STRIPE - 1, STRIPE, STRIPE + 1, 2 * STRIPE, 5 * STRIPE + 4711]

async function write(deps: EngineDeps, bytes: Buffer, storageClass = 'STANDARD'): Promise<PartLayout> {
  const order = { claims: claimsOf(bytes.length), label: { ...label, storageClass } }
  await using draft = await writePart(deps, order, inPieces(bytes, 5000), forever)
  draft.keep()
  return draft.layout!
}

async function read(deps: EngineDeps, layout: PartLayout, first = 0, last = layout.sizeBytes - 1): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readObject(deps, foundObject(layout), { first, last }, forever))
    pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

t.test('a part of any size is read back, whole and in ranges', async (t) => {
  const deps = await engineOver(new MemoryNodes(6))
  for (const size of sizes) {
    const bytes = patterned(size)
    const layout = await write(deps, bytes)
    t.equal(layout.servers.length, 8)
    t.ok((await read(deps, layout)).equals(bytes), `${size} bytes`)
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(size - 1), async (a, b) => {
        const [first, last] = a < b ? [a, b] : [b, a]
        return (await read(deps, layout, first, last)).equals(bytes.subarray(first, last + 1))
      }),
      { numRuns: 30 },
    )
  }
})

t.test('a body that may be shorter than its bound: cut as one of its true size, whatever the bound', async (t) => {
  for (const sizeBytesMax of [STRIPE - 7, 2 * STRIPE, 20 * STRIPE]) {
    for (const size of [0, ...sizes, sizeBytesMax].filter((each) => each <= sizeBytesMax)) {
      const deps = await engineOver(new MemoryNodes(6))
      const bytes = patterned(size)
      const claims = { ...claimsOf(sizeBytesMax), mayBeShorter: true, md5: createHash('md5').update(bytes).digest() }
      await using draft = await writePart(deps, { claims, label }, inPieces(bytes, 5000), forever)
      draft.keep()
      const what = `${size} of ${sizeBytesMax} bytes`
      t.equal(draft.layout?.sizeBytes ?? 0, size, what)
      if (draft.layout) t.ok((await read(deps, draft.layout)).equals(bytes), what)
    }
  }
  const deps = await engineOver(new MemoryNodes(6))
  const longer = writePart(
    deps,
    { claims: { ...claimsOf(9), mayBeShorter: true }, label },
    inPieces(patterned(10), 3),
    forever,
  )
  await t.rejects(longer, { code: 'IncompleteBody' })
  const wrong = { ...claimsOf(STRIPE), mayBeShorter: true, md5: Buffer.alloc(16) }
  for (const size of [0, 10, STRIPE]) {
    await t.rejects(writePart(deps, { claims: wrong, label }, inPieces(patterned(size), 5000), forever), {
      code: 'BadDigest',
    })
  }
})

t.test('a small range asks for no more chunks than it touches', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  const layout = await write(deps, patterned(5 * STRIPE))
  nodes.calls.getPayload = 0
  await read(deps, layout, STRIPE + 10, STRIPE + 20)
  t.equal(nodes.calls.getPayload, 1)
})

t.test('any two chunks lost: exact bytes, for every pair', async (t) => {
  for (const size of [700, STRIPE + 1, 5 * STRIPE + 4711]) {
    const bytes = patterned(size)
    for (let a = 0; a < 8; a++) {
      for (let b = a + 1; b < 8; b++) {
        const deps = await engineOver(new MemoryNodes(8))
        const layout = await write(deps, bytes)
        for (const index of [a, b]) (deps.chunks as MemoryNodes).down.add(layout.servers[index]!)
        if (b % 2) for (const index of [a, b]) (deps.chunks as MemoryNodes).looksReachable.add(layout.servers[index]!)
        t.ok((await read(deps, layout)).equals(bytes), `${size} bytes without chunks ${a} and ${b}`)
      }
    }
  }
})

t.test('more chunks lost than parity rebuilds: DataUnavailable, and no byte', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  const layout = await write(deps, patterned(STRIPE + 1))
  for (const index of [0, 3, 6]) nodes.down.add(layout.servers[index]!)
  await t.rejects(read(deps, layout), { code: 'DataUnavailable' })
})

t.test('rotten blocks are never served: flipped, shortened, swapped', async (t) => {
  const bytes = patterned(3 * STRIPE + 99)
  for (const how of [
    (p: Buffer) => {
      p[5000]! ^= 1
      return p
    },
    (p: Buffer) => p.subarray(0, p.length - 10),
    (p: Buffer) => Buffer.alloc(p.length),
    (p: Buffer) =>
      Buffer.concat([p.subarray(BLOCK + 4, 2 * BLOCK + 8), p.subarray(0, BLOCK + 4), p.subarray(2 * BLOCK + 8)]),
  ]) {
    const nodes = new MemoryNodes(8)
    const deps = await engineOver(nodes)
    const layout = await write(deps, bytes)
    for (const index of [1, 4]) nodes.damage(layout.servers[index]!, { partId: layout.partId, index }, how)
    t.ok((await read(deps, layout)).equals(bytes))
    nodes.damage(layout.servers[2]!, { partId: layout.partId, index: 2 }, how)
    await t.rejects(read(deps, layout), { code: 'DataUnavailable' })
  }
})

t.test('a node that dies in the middle of an upload: the part is whole but for its chunk', async (t) => {
  const bytes = patterned(20 * STRIPE)
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  nodes.failsAfterBytes.set(3 as ServerNumber, 9 * BLOCK)
  const layout = await write(deps, bytes)
  t.equal(layout.servers.filter((server) => server === 0).length, 1)
  t.ok((await read(deps, layout)).equals(bytes))
})

t.test('two nodes that die in the middle of an upload: their chunks are made anew elsewhere', async (t) => {
  const bytes = patterned(20 * STRIPE)
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  for (const server of [3, 5]) nodes.failsAfterBytes.set(server as ServerNumber, 9 * BLOCK)
  const layout = await write(deps, bytes)
  t.notOk(layout.servers.some((server) => server === 0 || server === 3 || server === 5))
  t.ok((await read(deps, layout)).equals(bytes))
  t.equal(nodes.chunkCount(), 8)
})

t.test('three nodes that die in the middle of an upload: refused, and nothing stays', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  for (const server of [3, 5, 7]) nodes.failsAfterBytes.set(server as ServerNumber, 9 * BLOCK)
  await t.rejects(write(deps, patterned(20 * STRIPE)), { code: 'ServiceUnavailable' })
  t.equal(nodes.chunkCount(), 0)
  t.equal(deps.pool.usedBytes, 0)
})

t.test('small parts go to other servers when theirs fail', async (t) => {
  const nodes = new MemoryNodes(10)
  const deps = await engineOver(nodes)
  for (const server of [1, 2]) {
    nodes.down.add(server as ServerNumber)
    nodes.looksReachable.add(server as ServerNumber)
  }
  for (let n = 0; n < 20; n++) {
    const bytes = patterned(1000, n)
    const layout = await write(deps, bytes)
    t.notOk(layout.servers.some((server) => server === 0 || server === 1 || server === 2))
    t.equal(new Set(layout.servers).size, 8)
    t.ok((await read(deps, layout)).equals(bytes))
  }
})

t.test('full nodes: InsufficientStorage', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engineOver(nodes)
  for (const server of nodes.stored.keys()) nodes.full.add(server)
  await t.rejects(write(deps, patterned(1000)), { code: 'InsufficientStorage' })
  await t.rejects(write(deps, patterned(20 * STRIPE)), { code: 'InsufficientStorage' })
})

t.test('a body shorter or longer than promised is refused and leaves nothing', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  for (const promised of [1, 700, STRIPE, 9 * STRIPE]) {
    for (const sent of [0, promised - 1, promised + 1, promised + STRIPE]) {
      const order = { claims: claimsOf(promised), label }
      const refused = await writePart(deps, order, inPieces(patterned(sent), 999), forever).catch((error) => error)
      t.ok(isFault(refused, 'IncompleteBody'), `${sent} of ${promised}`)
    }
  }
  t.equal(nodes.chunkCount(), 0)
  t.equal(deps.pool.usedBytes, 0)
})

t.test('a body that fails, or a client that goes, leaves nothing', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  async function* failing() {
    yield* inPieces(patterned(5 * STRIPE), 3000)
    throw new Error('the client went away')
  }
  const order = { claims: claimsOf(9 * STRIPE), label }
  await t.rejects(writePart(deps, order, failing(), forever), /went away/)
  const gone = new AbortController()
  async function* aborting() {
    yield* inPieces(patterned(5 * STRIPE), 3000)
    gone.abort(new Error('gone'))
    yield* inPieces(patterned(4 * STRIPE), 3000)
  }
  await t.rejects(writePart(deps, order, aborting(), gone.signal))
  t.equal(nodes.chunkCount(), 0)
  t.equal(deps.pool.usedBytes, 0)
})

t.test('a draft that is not kept deletes its chunks', async (t) => {
  const nodes = new MemoryNodes(6)
  const deps = await engineOver(nodes)
  {
    await using draft = await writePart(
      deps,
      { claims: claimsOf(1000), label },
      inPieces(patterned(1000), 999),
      forever,
    )
    t.equal(nodes.chunkCount(), 8)
    t.ok(draft.layout)
  }
  t.equal(nodes.chunkCount(), 0)
})

t.test('chunks that a failed upload cannot delete are handed to the sweep', async (t) => {
  const nodes = new MemoryNodes(8)
  const doomed: PartLayout[] = []
  const deps = await engineOver(nodes, { doomUncommitted: async (layouts) => void doomed.push(...layouts) })
  const order = { claims: claimsOf(1000), label }
  const draft = await writePart(deps, order, inPieces(patterned(1000), 999), forever)
  const server = draft.layout!.servers[4]!
  nodes.down.add(server)
  await draft[Symbol.asyncDispose]()
  t.same(
    doomed.map((layout) => layout.servers),
    [[0, 0, 0, 0, server, 0, 0, 0]],
  )
})

t.test('a chunk that may lie on two servers that cannot be reached is handed to the sweep on both', async (t) => {
  const nodes = new MemoryNodes(8)
  const handedOver: unknown[] = []
  const deps = await engineOver(nodes, {
    doomUncommitted: async ([layout]) => void handedOver.push(layout!.servers),
    noteStrays: async (partId, strays) => void handedOver.push(partId, strays),
  })
  const [one, other, third] = [1, 2, 3].map((n) => n as ServerNumber)
  for (const server of [one!, other!]) nodes.down.add(server)
  const partId = newPartId(deps)
  const servers = new Map([
    [one!, [0, 5]],
    [other!, [1, 5]],
    [third!, [5]],
  ])
  await discardChunks(deps, { partId, geometry: { sizeBytes: 1000, blockBytes: BLOCK, parityChunks: 2 }, servers })
  t.same(handedOver, [[one, other, 0, 0, 0, one, 0, 0], partId, [{ index: 5, server: other }]])
})

t.test(
  'a client that leaves while its last stripe is on its way: it is told that, not that chunks were lost',
  async (t) => {
    const nodes = new MemoryNodes(6)
    const deps = await engineOver(nodes)
    const gone = new AbortController()
    const hangs = () =>
      new Promise<never>((_, reject) => gone.signal.addEventListener('abort', () => reject(new Error('cut off'))))
    nodes.openChunk = () => {
      setImmediate(() => gone.abort(new Error('the client has left')))
      return { write: hangs, finish: hangs, abort() {} }
    }
    const order = { claims: claimsOf(STRIPE * 2), label }
    const written = writePart(deps, order, inPieces(patterned(STRIPE * 2), STRIPE), gone.signal)
    await t.rejects(written, { message: 'the client has left' })
  },
)
