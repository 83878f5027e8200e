import fc from 'fast-check'
import t from 'tap'
import { makePartId, type ObjectKey, type PartId, type VersionId } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { ChunkCache } from '../../src/engine/chunk-cache.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import { putObject } from '../../src/engine/put-object.ts'
import { readPart } from '../../src/engine/read-part.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { bucket, claimsOf, engineOver, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'

const KIB = 1024
const MIB = 1024 * KIB
const forever = new AbortController().signal
const id = (n: number): PartId => makePartId(n, { a: 0, b: 0 }, 1)
const part = (n: number, sizeBytes: number) => ({ partId: id(n), sizeBytes })

/** What a reading does. Answers whether it was a hit. */
function reads(cache: ChunkCache, n: number, sizeBytes: number): boolean {
  if (cache.get(id(n))) return true
  if (cache.wantsRead(part(n, sizeBytes), false)) cache.keepRead(id(n), Buffer.alloc(sizeBytes, n))
  return false
}

function writes(cache: ChunkCache, n: number, sizeBytes: number): void {
  if (cache.wantsWritten(sizeBytes)) cache.keepWritten(id(n), Buffer.alloc(sizeBytes, n))
}

t.test('a part is kept when it is read again, a small one when it is written, a large one never', async (t) => {
  const cache = new ChunkCache({ bytesMax: 16 * MIB })
  const thrice = (n: number, sizeBytes: number) => [1, 2, 3].map(() => reads(cache, n, sizeBytes))
  t.same(thrice(1, 4 * KIB), [false, false, true])
  t.same(thrice(2, MIB), [false, false, true])
  t.same(thrice(3, 1.5 * MIB + 1), [false, false, false])
  writes(cache, 4, 4 * KIB)
  t.same(thrice(4, 4 * KIB), [true, true, true])
  writes(cache, 5, 64 * KIB + 1)
  t.same(thrice(5, 64 * KIB + 1), [false, false, true])
  t.equal(cache.get(id(4))?.[0], 4)
})

t.test('reading through many parts, or writing many, pushes out nothing that is read again and again', async (t) => {
  const cache = new ChunkCache({ bytesMax: 4 * MIB })
  const hot = Array.from({ length: 100 }, (_, n) => n)
  for (const _ of [1, 2]) for (const n of hot) reads(cache, n, 4 * KIB)
  for (let n = 1000; n < 6000; n++) {
    reads(cache, n, n % 2 ? 4 * KIB : 400 * KIB)
    writes(cache, 10_000 + n, 4 * KIB)
  }
  t.ok(hot.every((n) => reads(cache, n, 4 * KIB)))
})

t.test('what was written last is there when all that was written is read in order', async (t) => {
  const cache = new ChunkCache({ bytesMax: 4 * MIB })
  for (let n = 0; n < 1000; n++) writes(cache, n, 4 * KIB)
  const hits = Array.from({ length: 1000 }, (_, n) => reads(cache, n, 4 * KIB)).filter((isHit) => isHit).length
  t.ok(hits > 400, `${hits} of the 455 that fit a half`)
})

t.test('it never holds more than it may, and what it answers is what was kept', async () => {
  const reading = fc.record({
    n: fc.nat(300),
    sizeBytes: fc.constantFrom(1, 700, 4 * KIB, 64 * KIB, 65 * KIB, 120 * KIB),
  })
  fc.assert(
    fc.property(fc.array(reading, { minLength: 200, maxLength: 400 }), (readings) => {
      const cache = new ChunkCache({ bytesMax: MIB })
      return readings.every(({ n, sizeBytes }) => {
        if (sizeBytes % 2) writes(cache, n, sizeBytes)
        reads(cache, n, sizeBytes)
        const kept = cache.get(id(n))
        return cache.usedBytes <= MIB && (kept === undefined || kept.every((byte) => byte === n % 256))
      })
    }),
    { numRuns: 50 },
  )
})

t.test('of size 0 it keeps nothing', async (t) => {
  const cache = new ChunkCache({ bytesMax: 0 })
  t.same(
    [1, 2, 3].map(() => reads(cache, 1, 1)),
    [false, false, false],
  )
  writes(cache, 1, 1)
  t.equal(cache.get(id(1)), undefined)
  t.equal(cache.usedBytes, 0)
})

async function engine(nodes: MemoryNodes): Promise<EngineDeps> {
  const commitObject: EngineDeps['catalogue']['commitObject'] = async () => ({
    versionId: 'null' as VersionId,
    committedAt: new Date(0),
  })
  return { ...(await engineOver(nodes, { commitObject })), chunkCache: new ChunkCache({ bytesMax: 4 * MIB }) }
}

async function write(deps: EngineDeps, bytes: Buffer): Promise<PartLayout> {
  await using draft = await writePart(deps, { claims: claimsOf(bytes.length), label }, inPieces(bytes, 5000), forever)
  draft.keep()
  return draft.layout!
}

async function read(deps: EngineDeps, layout: PartLayout, first = 0, last = layout.sizeBytes - 1): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readPart(deps, layout, { first, last }, forever)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

t.test('a part that is kept is read without a word to any node, whole and in ranges', async (t) => {
  for (const size of [700, 24_576, 60_000, 200_000]) {
    const nodes = new MemoryNodes(8)
    const deps = await engine(nodes)
    const bytes = patterned(size)
    const layout = await write(deps, bytes)
    for (const _ of [1, 2]) {
      t.ok((await read(deps, layout, 5, 99)).equals(bytes.subarray(5, 100)), 'a range keeps nothing')
      t.ok((await read(deps, layout)).equals(bytes))
    }
    for (const server of nodes.stored.keys()) nodes.down.add(server)
    t.ok((await read(deps, layout)).equals(bytes))
    t.ok((await read(deps, layout, 5, 99)).equals(bytes.subarray(5, 100)))
    t.equal(deps.pool.lentBytes, 0)
  }
})

t.test('what is kept was verified: a rotten block is rebuilt first', async (t) => {
  const nodes = new MemoryNodes(8)
  const deps = await engine(nodes)
  const bytes = patterned(4000)
  const layout = await write(deps, bytes)
  nodes.damage(layout.servers[2]!, { partId: layout.partId, index: 2 }, (p) => p.fill(0, 0, 5))
  for (const _ of [1, 2]) t.ok((await read(deps, layout)).equals(bytes))
  for (const server of nodes.stored.keys()) nodes.down.add(server)
  t.ok((await read(deps, layout)).equals(bytes))
})

t.test('a small object that was written is kept once it is committed; not before, and not a larger one', async (t) => {
  for (const [size, isKept] of [
    [1, true],
    [40_000, true],
    [60_000, false],
    [70_000, false],
  ] as const) {
    const nodes = new MemoryNodes(8)
    const deps = await engine(nodes)
    const bytes = patterned(size)
    const commits: PartLayout[] = []
    deps.catalogue.commitObject = async ({ part }) => {
      t.equal(deps.chunkCache.usedBytes, 0)
      commits.push(part!)
      return { versionId: 'null' as VersionId, committedAt: new Date(0) }
    }
    const attributes = { headers: {}, userMetadata: {}, storageClass: 'STANDARD' }
    const input = { bucket, key: 'key' as ObjectKey, attributes, claims: claimsOf(size), condition: {} }
    await putObject(deps, input, inPieces(bytes, 5000), forever)
    for (const server of nodes.stored.keys()) nodes.down.add(server)
    if (isKept) t.ok((await read(deps, commits[0]!)).equals(bytes))
    else await t.rejects(read(deps, commits[0]!))
  }
})
