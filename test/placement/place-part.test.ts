import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import { NOWHERE, type PartId, type ServerNumber } from '../../src/base/ids.ts'
import { buildRing, homeOf, loadRingHash, nextServer, placePart, type RingServer } from '../../src/placement/ring.ts'
import { chunkPoint } from '../../src/placement/ring-hash.ts'
import { cluster, partIds, tally, variation } from './cluster.ts'

await loadRingHash()
const ALL = () => true
const GOLDEN_PART = '0192f0c4-5d1e-7abc-8def-0123456789ab' as PartId

/** All servers clockwise from a point, each once, in the order in which they are met first: by BigInt, from the definition. */
function clockwise(all: readonly RingServer[], point: bigint): ServerNumber[] {
  const owned = all.flatMap(({ number, points }) =>
    points.map((p) => ({ number, distance: (p - point) & (2n ** 64n - 1n) })),
  )
  owned.sort((a, b) => (a.distance < b.distance ? -1 : a.distance > b.distance ? 1 : a.number - b.number))
  return [...new Set(owned.map(({ number }) => number))]
}

interface Case {
  all: RingServer[]
  partId: PartId
  chunks: number
  usable: Set<ServerNumber>
}

const parts = partIds(200)
/** Clusters with and without zones, some servers not usable, at least one usable. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    count: fc.integer({ min: 1, max: 16 }),
    seed: fc.nat(20),
    zones: fc.array(fc.constantFrom('', 'a', 'b', 'c', 'd'), { minLength: 16, maxLength: 16 }),
    hasZones: fc.boolean(),
    part: fc.nat(199),
    chunks: fc.integer({ min: 1, max: 12 }),
    down: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
    allUp: fc.boolean(),
  })
  .map(({ count, seed, zones, hasZones, part, chunks, down, allUp }) => {
    const all = cluster(count, seed, (number) => (hasZones ? zones[number - 1]! : ''))
    const up = all.map(({ number }) => number).filter((number) => allUp || !down[number - 1])
    return { all, partId: parts[part]!, chunks, usable: new Set(up.length > 0 ? up : [all[0]!.number]) }
  })

const place = ({ all, partId, chunks, usable }: Case) => placePart(buildRing(all), partId, chunks, (n) => usable.has(n))
const zoneOf = (all: readonly RingServer[], number: ServerNumber) =>
  all.find((server) => server.number === number)!.zone

/** The limits of a case, and whether that of the zones can be kept. */
function limitsOf({ all, chunks, usable }: Case) {
  const serverMax = Math.ceil(chunks / usable.size)
  const inZones = tally([...usable].map((number) => zoneOf(all, number)))
  const withoutZone = inZones.get('') ?? 0
  inZones.delete('')
  const zoneMax = inZones.size < 2 ? chunks : Math.ceil(chunks / inZones.size)
  const room = [...inZones.values()].reduce((sum, n) => sum + Math.min(zoneMax, n * serverMax), withoutZone * serverMax)
  return { serverMax, zoneMax, canKeepZones: room >= chunks }
}

t.test(
  'placePart: only usable servers, none with more than its share; zones likewise wherever that is possible',
  async () => {
    fc.assert(
      fc.property(cases, (c) => {
        const placed = place(c)
        const { serverMax, zoneMax, canKeepZones } = limitsOf(c)
        const inZones = tally(placed.map((number) => zoneOf(c.all, number)))
        inZones.delete('')
        return (
          placed.length === c.chunks &&
          placed.every((number) => c.usable.has(number)) &&
          Math.max(...tally(placed).values()) <= serverMax &&
          (!canKeepZones || Math.max(0, ...inZones.values()) <= zoneMax)
        )
      }),
      { numRuns: 1_000 },
    )
  },
)

t.test('placePart: each chunk is at the first server clockwise that has room, in the order of chunks', async () => {
  fc.assert(
    fc.property(cases, (c) => {
      const { serverMax, zoneMax, canKeepZones } = limitsOf(c)
      if (!canKeepZones) return true
      const placed: ServerNumber[] = []
      for (let index = 0; index < c.chunks; index++) {
        const hasRoom = (number: ServerNumber) => {
          const zone = zoneOf(c.all, number)
          const inZone = zone === '' ? 0 : placed.filter((other) => zoneOf(c.all, other) === zone).length
          return c.usable.has(number) && placed.filter((n) => n === number).length < serverMax && inZone < zoneMax
        }
        placed.push(clockwise(c.all, chunkPoint(c.partId, index)).find(hasRoom)!)
      }
      return placed.join() === place(c).join()
    }),
    { numRuns: 500 },
  )
})

t.test('placePart: 8 chunks on 6 servers: at most 2 on one; on 8 and more: all apart', async (t) => {
  for (const count of [6, 7, 8, 9, 12, 100]) {
    const ring = buildRing(cluster(count))
    const most = parts.map((id) => Math.max(...tally(placePart(ring, id, 8, ALL)).values()))
    t.equal(Math.max(...most), count < 8 ? 2 : 1, `${count} servers`)
  }
})

t.test('placePart: with one of six down, 8 chunks go to the other five, at most 2 on one', async (t) => {
  const ring = buildRing(cluster(6))
  for (const id of parts) {
    const placed = placePart(ring, id, 8, (number) => number !== 3)
    if (placed.includes(3 as ServerNumber) || Math.max(...tally(placed).values()) > 2) t.fail(id)
  }
  t.pass('all parts')
})

t.test('placePart: a chunk whose home has room is at home', async (t) => {
  const ring = buildRing(cluster(100))
  const atHome = parts.map(
    (id) => placePart(ring, id, 8, ALL).filter((n, i) => n === homeOf(ring, chunkPoint(id, i))).length,
  )
  t.ok(atHome.every((count) => count >= 4) && atHome.some((count) => count === 8))
  t.ok(parts.every((id) => placePart(ring, id, 8, ALL)[0] === homeOf(ring, chunkPoint(id, 0))))
})

t.test('placePart: three zones of two servers hold 3, 3 and 2 of 8 chunks', async (t) => {
  const all = cluster(6, 0, (number) => ['east', 'west', 'north'][number % 3]!)
  const ring = buildRing(all)
  for (const id of parts) {
    const counts = [...tally(placePart(ring, id, 8, ALL).map((n) => zoneOf(all, n))).values()].sort()
    if (counts.join() !== '2,3,3') t.fail(`${id}: ${counts}`)
  }
  t.pass('all parts')
})

t.test('placePart: a zone too small for its share is filled, and the others share the rest evenly', async (t) => {
  const all = cluster(21, 0, (number) => (number === 1 ? 'small' : number <= 11 ? 'a' : 'b'))
  const ring = buildRing(all)
  for (const id of parts) {
    const counts = tally(placePart(ring, id, 12, ALL).map((n) => zoneOf(all, n)))
    if (counts.get('small') !== 1 || Math.max(...counts.values()) > 6) t.fail(`${id}: ${[...counts]}`)
  }
  t.pass('all parts')
})

t.test('placePart: ServiceUnavailable when no server is usable, or there is none', async (t) => {
  for (const [ring, usable] of [
    [buildRing(cluster(6)), false],
    [buildRing([]), true],
  ] as const) {
    try {
      placePart(ring, GOLDEN_PART, 8, () => usable)
      t.fail('refused')
    } catch (error) {
      t.ok(isFault(error, 'ServiceUnavailable'))
    }
  }
})

t.test('placePart: golden placements', async (t) => {
  t.same(placePart(buildRing(cluster(6)), GOLDEN_PART, 8, ALL), [1, 5, 6, 3, 2, 4, 1, 4])
  t.same(placePart(buildRing(cluster(12)), GOLDEN_PART, 8, ALL), [10, 5, 6, 3, 12, 9, 1, 4])
  t.same(placePart(buildRing(cluster(100)), GOLDEN_PART, 12, ALL), [73, 49, 90, 3, 12, 85, 68, 4, 46, 14, 94, 29])
})

t.test(
  'placePart: balance: servers’ shares of chunks vary by at most 8 % (6), 6 % (12), 12 % (100 servers)',
  async (t) => {
    // Of the 12 %, 6.5 are chance: 240 chunks a server. The spread limit evens out small clusters.
    const many = partIds(3_000, 1)
    for (const [count, max] of [
      [6, 0.08],
      [12, 0.06],
      [100, 0.12],
    ] as const) {
      for (const seed of [0, 1, 2, 3, 4]) {
        const ring = buildRing(cluster(count, seed))
        const share = variation([...tally(many.flatMap((id) => placePart(ring, id, 8, ALL))).values()])
        t.ok(share <= max, `${count} servers, cluster ${seed}: ${share}`)
      }
    }
  },
)

t.test('nextServer: a usable one, and nobody gets more than a share, whichever chunk fails', async () => {
  fc.assert(
    fc.property(cases, fc.nat(11), (c, which) => {
      const placed = place(c)
      const index = which % c.chunks
      const failed = placed[index]!
      const left = new Set([...c.usable].filter((number) => number !== failed))
      const next = nextServer(buildRing(c.all), c.partId, index, placed, (number) => left.has(number))
      if (left.size === 0) return next === undefined
      const others = placed.filter((number, i) => i !== index && number === next).length
      return left.has(next!) && others < Math.ceil(c.chunks / left.size)
    }),
    { numRuns: 1_000 },
  )
})

t.test('nextServer: goes on clockwise, past those that failed and those that have their share', async (t) => {
  const all = cluster(12)
  const ring = buildRing(all)
  for (const id of parts) {
    const placed = placePart(ring, id, 8, ALL)
    const failed = new Set<ServerNumber>()
    for (let round = 0; round < 4; round++) {
      failed.add(placed[2]!)
      const free = clockwise(all, chunkPoint(id, 2)).filter((n) => !failed.has(n) && !placed.includes(n))
      const next = nextServer(ring, id, 2, placed, (number) => !failed.has(number))
      if (next !== free[0]) t.fail(`${id}: ${next}, not ${free[0]}`)
      placed[2] = next!
    }
  }
  t.pass('all parts')
})

t.test('nextServer: keeps zones apart where it can; chunks that are nowhere do not count', async (t) => {
  const all = cluster(6, 0, (number) => ['east', 'west', 'north'][number % 3]!)
  const ring = buildRing(all)
  for (const id of parts) {
    const placed = placePart(ring, id, 6, ALL)
    const failed = placed[4]!
    const next = nextServer(ring, id, 4, placed, (number) => number !== failed)!
    const counts = tally([...placed.filter((_, i) => i !== 4), next].map((n) => zoneOf(all, n)))
    if (Math.max(...counts.values()) > 2) t.fail(`${id}: ${[...counts]}`)
  }
  const nowhere = [NOWHERE, NOWHERE, NOWHERE]
  t.equal(nextServer(ring, GOLDEN_PART, 1, nowhere, ALL), homeOf(ring, chunkPoint(GOLDEN_PART, 1)))
  t.throws(() => nextServer(ring, GOLDEN_PART, 3, nowhere, ALL), /of the part/)
})
