import fc from 'fast-check'
import t from 'tap'
import type { PartId, ServerId, ServerNumber } from '../../src/base/ids.ts'
import { buildRing, homeOf, loadRingHash, type RingServer, virtualNodePoints } from '../../src/placement/ring.ts'
import { chunkPoint, chunkPoints } from '../../src/placement/ring-hash.ts'
import { cluster, partIds, tally, variation } from './cluster.ts'
import { xxh64 } from './xxh64-twin.ts'

const ID = '0192f0c4-5d1e-7abc-8def-0123456789ab'
await loadRingHash()
await loadRingHash()

t.test('the twin of xxh64 gives the published values', async (t) => {
  t.equal(xxh64(Buffer.alloc(0)), 0xef46db3751d8e999n)
  t.equal(xxh64(Buffer.from('abc')), 0x44bc2cf5ad770999n)
  t.equal(xxh64(Buffer.from('Nobody inspects the spammish repetition')), 0xfbcea83c8a378bf1n)
})

t.test('golden points of a server: of its id as text and the index, little endian', async (t) => {
  const points = virtualNodePoints(ID as ServerId)
  t.equal(points.length, 150)
  t.equal(points[0], 0xa2bd11fcb0638208n)
  t.equal(points[1], 0xb41d1d699a554d98n)
  t.equal(points[149], 0x0eaef05e66c9270an)
  for (const [index, point] of points.entries()) {
    t.equal(point, xxh64(Buffer.concat([Buffer.from(ID), Buffer.from([index, 0, 0, 0])])), `point ${index}`)
  }
})

t.test('golden points of chunks: of their 17-byte ids', async (t) => {
  t.equal(chunkPoint(ID as PartId, 0), 0x5bd0b1e9dee3dae3n)
  t.equal(chunkPoint(ID as PartId, 7), 0x09dc69551f651912n)
  const twin = Array.from({ length: 12 }, (_, i) =>
    xxh64(Buffer.from(`0192f0c45d1e7abc8def0123456789ab${i.toString(16).padStart(2, '0')}`, 'hex')),
  )
  t.same(chunkPoints(ID as PartId, 12), twin)
})

/** Few distinct points, so that they collide and look-ups hit them; and the ends of the ring. */
const point = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)
const servers = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 12 }).chain((numbers) =>
  fc.tuple(
    ...numbers.map((number) =>
      fc.record({
        number: fc.constant(number as ServerNumber),
        zone: fc.constant(''),
        points: fc.array(point, { minLength: 1, maxLength: 6 }),
      }),
    ),
  ),
)

/** The first point clockwise, from the definition: linear, in BigInt. */
function naiveHome(all: readonly RingServer[], at: bigint): ServerNumber {
  const owned = all.flatMap(({ number, points }) =>
    points.map((p) => ({ number, distance: (p - at) & (2n ** 64n - 1n) })),
  )
  return owned.reduce((best, next) =>
    next.distance < best.distance || (next.distance === best.distance && next.number < best.number) ? next : best,
  ).number
}

t.test(
  'homeOf: the first server clockwise; equal points belong to the lower number; order of servers does not matter',
  async () => {
    fc.assert(
      fc.property(servers, point, fc.nat(), (all, at, turn) => {
        const turned = all.map((_, i) => all[(i + turn) % all.length]!)
        const expected = naiveHome(all, at)
        return homeOf(buildRing(all), at) === expected && homeOf(buildRing(turned), at) === expected
      }),
      { numRuns: 2_000 },
    )
  },
)

t.test('homeOf: undefined on an empty ring; a server without points takes no part', async (t) => {
  t.equal(homeOf(buildRing([]), 5n), undefined)
  t.same(buildRing([{ number: 4 as ServerNumber, zone: 'a', points: [] }]).servers, [])
})

const SAMPLES = partIds(3_000).flatMap((id) => chunkPoints(id, 8))

t.test('adding a server moves only what it takes over, about 1 / (N + 1)', async (t) => {
  for (const count of [1, 6, 12, 100]) {
    const all = cluster(count + 1)
    const before = buildRing(all.slice(0, count))
    const after = buildRing(all)
    const joined = all[count]!.number
    const moved = SAMPLES.filter((at) => homeOf(before, at) !== homeOf(after, at))
    t.ok(moved.every((at) => homeOf(after, at) === joined))
    const share = moved.length / SAMPLES.length
    t.ok(share > 0.7 / (count + 1) && share < 1.3 / (count + 1), `${count} servers: ${share}`)
  }
})

t.test('removing a server moves only what it held', async (t) => {
  for (const count of [2, 6, 12, 100]) {
    const all = cluster(count)
    const before = buildRing(all)
    for (const gone of [all[0]!, all[count - 1]!]) {
      const after = buildRing(all.filter((server) => server !== gone))
      t.ok(SAMPLES.every((at) => homeOf(before, at) === gone.number || homeOf(before, at) === homeOf(after, at)))
      t.ok(SAMPLES.every((at) => homeOf(after, at) !== gone.number))
    }
  }
})

t.test(
  'balance: a server’s share of the ring varies by about 1/√150, 8 %; at most 15 % for any of 20 clusters',
  async (t) => {
    const evenly = Array.from({ length: 2 ** 14 }, (_, i) => BigInt(i) << 50n)
    for (const count of [6, 12, 100]) {
      const variations = Array.from({ length: 20 }, (_, seed) => {
        const ring = buildRing(cluster(count, seed))
        return variation([...tally(evenly.map((at) => homeOf(ring, at))).values()])
      })
      const mean = variations.reduce((sum, v) => sum + v, 0) / variations.length
      t.ok(
        mean < 0.1 && Math.max(...variations) < 0.15,
        `${count} servers: mean ${mean}, max ${Math.max(...variations)}`,
      )
    }
  },
)
