import t from 'tap'
import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import type { StrayChunk } from '../../src/engine/ports/catalogue.ts'
import { readObject } from '../../src/engine/read-object.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { claimsOf, engineOver, foundObject, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'
import { HandClock, passTime } from '../support/moved-clock.ts'

const STRIPE = 6 * 4096
const LATE_MS = 2_000
const forever = new AbortController().signal
const all = (nodes: MemoryNodes) => [...nodes.stored.keys()]

async function open(servers: number) {
  const nodes = new MemoryNodes(servers)
  const clock = new HandClock()
  const strays: (StrayChunk & { partId: PartId })[] = []
  const noteStrays = async (partId: PartId, more: readonly StrayChunk[]) => {
    strays.push(...more.map((stray) => ({ ...stray, partId })))
  }
  const doomUncommitted = async () => {}
  const deps = await engineOver(nodes, { noteStrays, doomUncommitted }, { lateChunkMs: LATE_MS }, clock)
  const begin = async (bytes: Buffer) => {
    const order = { claims: claimsOf(bytes.length), label }
    const draft = await writePart(deps, order, inPieces(bytes, 5000), forever)
    draft.keep()
    return draft.layout!
  }
  const write = async (bytes: Buffer) => {
    const { outcome, tookMs } = await passTime(clock, begin(bytes))
    if (outcome.status === 'rejected') throw outcome.reason
    return { layout: outcome.value, tookMs }
  }
  return { nodes, clock, strays, deps, begin, write }
}

async function read(deps: EngineDeps, layout: PartLayout): Promise<Buffer> {
  const pieces: Buffer[] = []
  const range = { first: 0, last: layout.sizeBytes - 1 }
  for await (const piece of readObject(deps, foundObject(layout), range, forever)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

for (const [kind, sizeBytes] of [
  ['small', 1000],
  ['large', 20 * STRIPE],
] as const) {
  t.test(`a ${kind} upload, one of 6 nodes hung: done soon, whole, and the next ones do not wait at all`, async (t) => {
    for (const server of [1, 2, 3, 4, 5, 6] as ServerNumber[]) {
      const { nodes, deps, write } = await open(6)
      nodes.hang(server)
      const bytes = patterned(sizeBytes)
      // Few chunks on six servers: it need not be asked for one at once.
      while (!deps.late.writes.has(server)) {
        const { layout, tookMs } = await write(bytes)
        t.ok(tookMs <= LATE_MS + 100, `server ${server}: ${tookMs} ms`)
        t.notOk(layout.servers.includes(server))
        t.ok(layout.servers.filter((at) => at !== 0).length >= 7, 'k + 1 chunks are durable')
        t.ok((await read(deps, layout)).equals(bytes))
      }
      for (let n = 0; n < 3; n++) t.equal((await write(bytes)).tookMs, 0)
    }
  })

  t.test(`a ${kind} upload while one of 6 nodes dies under it: it succeeds with k + 1 chunks`, async (t) => {
    for (const server of [1, 2, 3, 4, 5, 6] as ServerNumber[]) {
      const { nodes, deps, write } = await open(6)
      nodes.failsAfterBytes.set(server, 9 * 4096)
      if (kind === 'small') {
        nodes.down.add(server)
        nodes.looksReachable.add(server)
      }
      const bytes = patterned(sizeBytes)
      const { layout, tookMs } = await write(bytes)
      t.equal(tookMs, 0)
      t.ok(layout.servers.filter((at) => at !== 0).length >= 7, `server ${server}: ${layout.servers}`)
      nodes.down.add(server)
      nodes.looksReachable.clear()
      t.ok((await read(deps, layout)).equals(bytes))
    }
  })
}

t.test('after its rest, one upload tries a hung node; when it is well again, all use it', async (t) => {
  const { nodes, clock, strays, begin, write } = await open(6)
  const hung = 3 as ServerNumber
  nodes.hang(hung)
  while (strays.length === 0) await write(patterned(1000))
  clock.advance(10_000)
  strays.length = 0
  await passTime(clock, Promise.all([1, 2, 3, 4].map((n) => begin(patterned(1000, n)))))
  t.equal(new Set(strays.map(({ partId }) => partId)).size, 1, 'one of four tries')
  nodes.resume(hung)
  /** Of eight chunks none may fall to a server; of those of twenty parts some do. */
  const used = async () => {
    const written = await Promise.all(Array.from({ length: 20 }, () => write(patterned(1000))))
    return written.filter(({ layout }) => layout.servers.includes(hung)).length
  }
  t.equal(await used(), 0, 'nobody knows yet')
  clock.advance(10_000)
  t.ok((await used()) > 0)
  t.ok((await used()) > 1, 'all use it')
})

t.test('a chunk that was given up may land yet: where it does, is told before the part is committed', async (t) => {
  const { nodes, strays, write } = await open(6)
  const hung = 3 as ServerNumber
  nodes.hang(hung)
  let { layout } = await write(patterned(1000))
  // Few chunks on many servers: it need not have been asked for one.
  while (strays.length === 0) layout = (await write(patterned(1000))).layout
  t.same([...new Set(strays.map(({ server }) => server))], [hung])
  nodes.resume(hung)
  await new Promise((resolve) => setImmediate(resolve))
  const landed = [...nodes.stored.get(hung)!.keys()].map((name) => Number(name.split('/')[1]))
  t.same(landed.sort(), strays.map(({ index }) => index).sort(), 'all that landed')
  t.ok(landed.every((index) => layout.servers[index] !== hung))
})

t.test('all nodes slow alike: nobody is given up, the upload waits', async (t) => {
  for (const sizeBytes of [1000, 20 * STRIPE]) {
    const { nodes, clock, deps, begin } = await open(8)
    for (const server of all(nodes)) nodes.hang(server)
    const writing = begin(patterned(sizeBytes))
    for (let step = 0; step < 10; step++) {
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(LATE_MS)
    }
    for (const server of all(nodes)) nodes.resume(server)
    const layout = await writing
    t.equal(layout.servers.filter((at) => at === 0).length, 0)
    t.notOk(all(nodes).some((server) => deps.late.writes.has(server)))
  }
})

t.test('two of 6 nodes down: written to the other four; three: a clean 503, and nothing is left', async (t) => {
  for (const sizeBytes of [1000, 20 * STRIPE]) {
    const { nodes, deps, write } = await open(6)
    for (const server of [2, 5] as ServerNumber[]) nodes.down.add(server)
    const bytes = patterned(sizeBytes)
    const { layout } = await write(bytes)
    t.equal(new Set(layout.servers).size, 4)
    t.ok((await read(deps, layout)).equals(bytes))
    nodes.down.add(1 as ServerNumber)
    const before = nodes.chunkCount()
    await t.rejects(write(bytes), { code: 'ServiceUnavailable' })
    t.equal(nodes.chunkCount(), before)
  }
})

t.test('nodes that refuse for lack of space: the others take the chunks; too many of them: 507', async (t) => {
  for (const sizeBytes of [1000, 20 * STRIPE]) {
    const { nodes, write } = await open(6)
    nodes.full.add(4 as ServerNumber)
    for (let n = 0; n < 3; n++) {
      const { layout } = await write(patterned(sizeBytes, n))
      t.notOk(layout.servers.includes(4 as ServerNumber))
    }
    for (const server of all(nodes)) nodes.full.add(server)
    const before = nodes.chunkCount()
    await t.rejects(write(patterned(sizeBytes)), { code: 'InsufficientStorage' })
    t.equal(nodes.chunkCount(), before)
  }
})
