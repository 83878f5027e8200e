import fc from 'fast-check'
import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { ChunkError } from '../../src/base/faults.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { systemClock } from '../../src/base/system.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import { ReadMemory } from '../../src/engine/read-memory.ts'
import { readPart } from '../../src/engine/read-part.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'
import { claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryLocal } from '../support/memory-local.ts'
import { MemoryNodes, noCalls } from '../support/memory-nodes.ts'

const BLOCK = 4096
const STRIPE = 6 * BLOCK
/** More than two windows. */
const LARGE = 200 * STRIPE + 4711
const forever = new AbortController().signal

async function written(
  bytes: Buffer,
  servers = 8,
  here?: number[],
  prepare: (nodes: MemoryNodes, local: MemoryLocal) => void = () => {},
) {
  const nodes = new MemoryNodes(servers)
  const local = new MemoryLocal(nodes, here)
  prepare(nodes, local)
  const deps: EngineDeps = { ...(await engineOver(nodes)), localChunks: local }
  await using draft = await writePart(deps, { claims: claimsOf(bytes.length), label }, inPieces(bytes, 9_999), forever)
  draft.keep()
  nodes.calls = noCalls()
  return { nodes, local, deps, layout: draft.layout! }
}

async function read(
  deps: EngineDeps,
  layout: PartLayout,
  range = { first: 0, last: layout.sizeBytes - 1 },
): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readPart(deps, layout, range, forever)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

t.test('what lies on this host is read without a word to any node, whole and in ranges', async (t) => {
  for (const size of [1, 700, BLOCK, STRIPE, STRIPE + 1, 9 * STRIPE + 4711, LARGE]) {
    const bytes = patterned(size)
    const { nodes, deps, layout } = await written(bytes)
    for (const server of nodes.stored.keys()) nodes.down.add(server)
    t.ok((await read(deps, layout)).equals(bytes), `${size} bytes`)
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(size - 1), async (a, b) => {
        const range = { first: Math.min(a, b), last: Math.max(a, b) }
        return (await read(deps, layout, range)).equals(bytes.subarray(range.first, range.last + 1))
      }),
      { numRuns: 20 },
    )
    t.same(nodes.calls, noCalls())
    t.equal(deps.pool.lentBytes, 0)
  }
})

t.test('a range of one byte reads one block of one chunk', async (t) => {
  const { local, deps, layout } = await written(patterned(5 * STRIPE))
  await read(deps, layout, { first: STRIPE + 10, last: STRIPE + 10 })
  t.equal(local.reads, 1)
})

t.test('some servers are here, others are not: each chunk comes from where it can be had', async (t) => {
  const bytes = patterned(LARGE)
  const { nodes, local, deps, layout } = await written(bytes, 8, [1, 2, 3])
  t.ok((await read(deps, layout)).equals(bytes))
  const here = layout.servers.slice(0, 6).filter((server) => local.here.has(server)).length
  t.equal(nodes.calls.streamPayload, 6 - here, 'one stream for each chunk that is elsewhere')
})

t.test('a read that fails here, at any moment: the node is asked from there on, and only for that chunk', async (t) => {
  const bytes = patterned(LARGE)
  for (const failsAfter of [0, 1, 7, 13]) {
    const { nodes, local, deps, layout } = await written(bytes)
    const victim = layout.servers[2]!
    local.onRead = async (server) => {
      if (server === victim && local.reads > failsAfter) throw new ChunkError('failed', 'cannot be read here (EIO)')
    }
    t.ok((await read(deps, layout)).equals(bytes))
    t.ok(nodes.calls.streamPayload <= 1, 'one stream')
    t.equal(nodes.calls.getPayload, 0, 'nothing rebuilt')
    t.equal(deps.pool.lentBytes, 0)
  }
})

t.test('rotten blocks that are read here are rebuilt: one flipped byte, a zeroed run, any two chunks', async (t) => {
  const bytes = patterned(40 * STRIPE + 99)
  for (const how of [
    (p: Buffer) => {
      p[5000]! ^= 1
      return p
    },
    (p: Buffer) => p.fill(0, 9 * (BLOCK + 4), 12 * (BLOCK + 4)),
    (p: Buffer) => p.fill(0xff),
  ]) {
    for (const pair of [
      [0, 1],
      [1, 4],
      [5, 7],
    ]) {
      const { nodes, deps, layout } = await written(bytes)
      for (const index of pair) nodes.damage(layout.servers[index]!, { partId: layout.partId, index }, how)
      t.ok((await read(deps, layout)).equals(bytes), `chunks ${pair}`)
      t.equal(nodes.calls.streamPayload, 0, 'its node has the same disk: it is not asked')
    }
  }
})

const SMALL = 6 * BLOCK - 5
const places = { smallBytesMax: 2 * BLOCK, tellsPlaces: false }

async function writtenSmall({ smallBytesMax, tellsPlaces } = places) {
  const bytes = patterned(SMALL)
  const all = await written(bytes, 8, [1, 2, 3, 4, 5, 6, 7, 8], (nodes, local) => {
    local.smallBytesMax = smallBytesMax
    nodes.tellsPlaces = tellsPlaces
  })
  return { ...all, bytes }
}

t.test('small chunks: their nodes say where they lie, once; or they said so when they were put', async (t) => {
  for (const tellsPlaces of [false, true]) {
    const { nodes, deps, layout, bytes } = await writtenSmall({ ...places, tellsPlaces })
    for (const _ of [1, 2]) t.ok((await read(deps, layout)).equals(bytes))
    t.same(nodes.calls, { ...noCalls(), locateChunk: tellsPlaces ? 0 : 6 })
    t.ok((await read(deps, layout, { first: 9000, last: 9001 })).equals(bytes.subarray(9000, 9002)))
    t.equal(deps.pool.lentBytes, 0)
  }
})

t.test('small chunks that lie elsewhere by now come from their nodes, and are not taken for rotten', async (t) => {
  const { nodes, local, deps, layout, bytes } = await writtenSmall()
  await read(deps, layout)
  const moved = layout.servers[3]!
  local.onRead = async (server, targets) => {
    if (server !== moved) return
    for (const target of targets) target.fill(0xee)
    throw new ChunkError('not-found', 'no such segment')
  }
  nodes.calls = noCalls()
  t.ok((await read(deps, layout)).equals(bytes))
  t.same(nodes.calls, { ...noCalls(), getPayload: 1 })
})

t.test(
  'a small chunk whose place holds something else: its node is asked, and where it lies the next time',
  async (t) => {
    const { nodes, local, deps, layout, bytes } = await writtenSmall()
    await read(deps, layout)
    const index = 3
    const payload = nodes.stored.get(layout.servers[index]!)!
    const right = payload.get(`${layout.partId}/${index}`)!
    payload.set(`${layout.partId}/${index}`, Buffer.alloc(right.length))
    nodes.calls = noCalls()
    local.onRead = async () => {}
    // The node gives the right bytes: only the place was wrong.
    const { getPayload } = nodes
    nodes.getPayload = async (server, range, signal) => {
      payload.set(`${layout.partId}/${index}`, right)
      return await getPayload.call(nodes, server, range, signal)
    }
    t.ok((await read(deps, layout)).equals(bytes))
    t.same(nodes.calls, { ...noCalls(), getPayload: 1 })
    t.ok((await read(deps, layout)).equals(bytes))
    t.same(nodes.calls, { ...noCalls(), getPayload: 1, locateChunk: 1 })
  },
)

t.test(
  'small chunks whose nodes do not answer, or do not have them, are rebuilt, and not asked for twice',
  async (t) => {
    const { nodes, deps, layout, bytes } = await writtenSmall()
    nodes.down.add(layout.servers[1]!)
    nodes.looksReachable.add(layout.servers[1]!)
    nodes.stored.get(layout.servers[4]!)!.delete(`${layout.partId}/4`)
    t.ok((await read(deps, layout)).equals(bytes))
    t.same(nodes.calls, { ...noCalls(), locateChunk: 6, getPayload: 2 }, 'the two of parity')
  },
)

t.test('more rotten than parity rebuilds: DataUnavailable, and no byte', async (t) => {
  const { nodes, deps, layout } = await written(patterned(40 * STRIPE))
  for (const index of [0, 3, 6])
    nodes.damage(layout.servers[index]!, { partId: layout.partId, index }, (p) => p.fill(7, 0, 10))
  await t.rejects(read(deps, layout), { code: 'DataUnavailable' })
  t.equal(deps.pool.lentBytes, 0)
})

t.test('with parity on this host and all nodes down, lost and rotten chunks are rebuilt all the same', async (t) => {
  const bytes = patterned(40 * STRIPE + 99)
  const { nodes, local, deps, layout } = await written(bytes)
  for (const server of nodes.stored.keys()) nodes.down.add(server)
  local.here.delete(layout.servers[3]!)
  nodes.damage(layout.servers[1]!, { partId: layout.partId, index: 1 }, (p) => p.fill(7, 0, 10))
  t.ok((await read(deps, layout)).equals(bytes))
})

t.test('a disk that hangs is not waited for, and what it writes at last disturbs nobody', async (t) => {
  const bytes = patterned(LARGE)
  const { nodes, local, deps, layout } = await written(bytes)
  const hung = layout.servers[4]!
  const released = Promise.withResolvers<void>()
  local.onRead = async (server, targets) => {
    if (server !== hung) return
    await released.promise
    for (const target of targets) target.fill(0xee)
    throw new ChunkError('failed', 'cannot be read here (EIO)')
  }
  const pieces: Buffer[] = []
  const range = { first: 0, last: layout.sizeBytes - 1 }
  for await (const piece of readPart({ ...deps, clock: quickClock }, layout, range, forever)) {
    if (pieces.length === 0) {
      t.ok(deps.pool.lentBytes > 0)
      released.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    }
    pieces.push(Buffer.from(piece))
  }
  t.ok(Buffer.concat(pieces).equals(bytes))
  t.equal(nodes.calls.streamPayload, 1, 'that chunk came from its node')
  t.equal(deps.pool.lentBytes, 0)
})

/** What is waited for takes no time. */
const quickClock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 100, run) }

t.test('memory comes back: after a reader that leaves, one that is aborted, one that fails', async (t) => {
  const { deps, layout } = await written(patterned(LARGE))
  const range = { first: 0, last: layout.sizeBytes - 1 }
  for await (const _ of readPart(deps, layout, range, forever)) break
  const gone = new AbortController()
  const aborted = async () => {
    for await (const _ of readPart(deps, layout, range, gone.signal)) gone.abort(new Error('gone'))
  }
  await t.rejects(aborted(), /gone/)
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(deps.pool.lentBytes, 0)
})

t.test(
  'clients that stop reading hold nobody up, and keep what they hold, however little memory there is',
  async (t) => {
    const bytes = patterned(60 * STRIPE + 5)
    const { deps, layout } = await written(bytes)
    const pool = new StripePool({ bytesMax: 512 * 1024 })
    const range = { first: 0, last: bytes.length - 1 }
    const reading = { ...deps, pool, readMemory: new ReadMemory(pool, deps.clock) }
    const stalled = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const pieces = readPart(reading, layout, range, forever)
        const first = await pieces.next()
        return { pieces, first: first.value as Uint8Array }
      }),
    )
    t.ok(stalled.some(({ first }) => first.length > BLOCK) && stalled.some(({ first }) => first.length === BLOCK))
    const all = await Promise.all(Array.from({ length: 20 }, () => read(reading, layout)))
    t.ok(all.every((each) => each.equals(bytes)))
    for (const { pieces, first } of stalled) {
      t.ok(bytes.subarray(0, first.length).equals(first))
      await pieces.return(undefined)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    t.equal(pool.lentBytes, 0)
  },
)
