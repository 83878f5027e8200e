import fc from 'fast-check'
import t from 'tap'
import {
  blockBytesOf,
  blockStart,
  blocksOfRange,
  type PartGeometry,
  payloadBytes,
  payloadOffset,
  runBytes,
  stripeBytes,
  stripeCount,
} from '../../src/striping/layout.ts'

/** The sizes around every edge of blocks and stripes of B bytes. */
function edges(B: number): number[] {
  const sizes = [0, 1, 5, 6, 7, B - 1, B, B + 1, 2 * B, 5 * B, 6 * B - 6, 6 * B - 5, 6 * B - 1, 6 * B, 6 * B + 1]
  sizes.push(6 * B + 5, 6 * B + 6, 6 * B + 7, 12 * B - 1, 12 * B, 12 * B + 1, 18 * B + 6, 60 * B + 1)
  return sizes.filter((size) => size >= 0)
}
const stripesOf = (g: PartGeometry) => Array.from({ length: stripeCount(g) }, (_, stripe) => stripe)

/** What is wrong with how a part of this size is cut; undefined when nothing is. */
function wrongCut(g: PartGeometry): string | undefined {
  const stripes = stripesOf(g)
  const sum = stripes.reduce((bytes, stripe) => bytes + stripeBytes(g, stripe), 0)
  if (sum !== g.sizeBytes) return `stripes hold ${sum} bytes`
  const payload = stripes.reduce((bytes, stripe) => bytes + blockBytesOf(g, stripe) + 4, 0)
  if (payload !== payloadBytes(g)) return `a payload of ${payloadBytes(g)}, not ${payload} bytes`
  for (const stripe of stripes) {
    const block = blockBytesOf(g, stripe)
    const padding = 6 * block - stripeBytes(g, stripe)
    if (block > g.blockBytes || padding < 0 || padding > 5) return `blocks of ${block} bytes in stripe ${stripe}`
    if (stripe < stripes.length - 1 && (block !== g.blockBytes || padding > 0)) return `stripe ${stripe} is not full`
    if (payloadOffset(g, stripe) !== stripe * (g.blockBytes + 4)) return `offset of stripe ${stripe}`
  }
  return undefined
}

t.test('every edge: stripes hold the part, blocks the stripes, and all but the last are full', async (t) => {
  for (const blockBytes of [1, 2, 5, 6, 7, 64, 4096, 131_072]) {
    for (const sizeBytes of edges(blockBytes)) {
      const wrong = wrongCut({ sizeBytes, blockBytes, parityChunks: 2 })
      if (wrong) t.fail(`B ${blockBytes}, size ${sizeBytes}: ${wrong}`)
    }
  }
  t.pass('all edges')
})

t.test('worked examples, B = 10', async (t) => {
  const of = (sizeBytes: number) => {
    const g = { sizeBytes, blockBytes: 10, parityChunks: 2 }
    return [stripeCount(g), payloadBytes(g), ...stripesOf(g).map((stripe) => blockBytesOf(g, stripe))]
  }
  t.same(of(0), [0, 0])
  t.same(of(1), [1, 5, 1])
  t.same(of(6), [1, 5, 1])
  t.same(of(7), [1, 6, 2])
  t.same(of(54), [1, 13, 9])
  t.same(of(55), [1, 14, 10])
  t.same(of(60), [1, 14, 10])
  t.same(of(61), [2, 19, 10, 1])
  t.same(of(120), [2, 28, 10, 10])
})

t.test('a range is given by its blocks, and touches no others', async () => {
  const arbitrary = fc
    .record({ blockBytes: fc.integer({ min: 1, max: 40 }), sizeBytes: fc.integer({ min: 1, max: 600 }) })
    .chain((g) =>
      fc.tuple(
        fc.constant({ ...g, parityChunks: 2 }),
        fc.nat({ max: g.sizeBytes - 1 }),
        fc.nat({ max: g.sizeBytes - 1 }),
      ),
    )
  fc.assert(
    fc.property(arbitrary, ([g, a, b]) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)]
      const run = blocksOfRange(g, first, last)
      const ends = (block: number) => blockStart(g, block) + blockBytesOf(g, Math.floor(block / 6))
      let at = blockStart(g, run.first)
      if (at > first || ends(run.first) <= first) return false
      for (let block = run.first; block <= run.last; block++) {
        if (blockStart(g, block) !== at) return false
        at = ends(block)
      }
      return blockStart(g, run.last) <= last && at > last && runBytes(g, run) === at - blockStart(g, run.first)
    }),
    { numRuns: 2_000 },
  )
})

t.test('a range of one byte reads one block', async (t) => {
  const g = { sizeBytes: 1_000_000, blockBytes: 4096, parityChunks: 2 }
  const run = blocksOfRange(g, 30_000, 30_000)
  t.same(run, { first: 7, last: 7 })
  t.equal(blockStart(g, 7), 7 * 4096)
  t.equal(runBytes(g, run), 4096)
})

t.test('what lies outside of the part is refused', async (t) => {
  const g = { sizeBytes: 60, blockBytes: 10, parityChunks: 2 }
  t.throws(() => stripeBytes(g, 1), /stripe 1 of 1/)
  t.throws(() => stripeBytes(g, -1), /stripe -1/)
  t.throws(() => blockBytesOf({ ...g, sizeBytes: 0 }, 0), /stripe 0 of 0/)
  t.throws(() => blocksOfRange(g, 0, 60), /range 0-60/)
  t.throws(() => blocksOfRange(g, 5, 4), /range 5-4/)
  t.throws(() => blocksOfRange(g, -1, 4), /range -1-4/)
})
