import fc from 'fast-check'
import t from 'tap'
import { makePartId, type PartId, type ServerId, type ServerNumber } from '../../src/base/ids.ts'
import { buildRing, loadRingHash, placePart, virtualNodePoints } from '../../src/placement/ring.ts'
import { faultTolerance } from '../../src/upkeep/census/fault-tolerance.ts'
import { type Aim, planMoves } from '../../src/upkeep/rebalance/plan-moves.ts'

await loadRingHash()

const CHUNKS = 8
const numbers = (count: number) => Array.from({ length: count }, (_, n) => (n + 1) as ServerNumber)

function aimOf(servers: readonly ServerNumber[], more: Partial<Aim> = {}): Aim {
  const zone = more.zone ?? (() => '')
  const ring = buildRing(
    servers.map((number) => ({
      number,
      zone: zone(number),
      points: virtualNodePoints(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as ServerId),
    })),
  )
  return { ring, gives: () => true, takes: () => true, zone, ...more }
}

const partIdOf = (n: number): PartId => makePartId(1000 + n, { a: n % 4096, b: n * 7 }, 1)
const placed = ({ ring }: Aim, partId: PartId) => placePart(ring, partId, CHUNKS, () => true)
const sorted = (servers: readonly number[]) => [...servers].sort((a, b) => a - b)

function carryOut(servers: readonly ServerNumber[], moves: ReturnType<typeof planMoves>): ServerNumber[] {
  const after = [...servers]
  for (const { index, server } of moves) after[index] = server
  return after
}

/** Chunks that are surplus on their server: no plan that ends where the ring has the part moves fewer. */
function surplus(servers: readonly ServerNumber[], home: readonly ServerNumber[]): number {
  const left = [...home]
  return servers.filter((server) => {
    const at = left.indexOf(server)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  }).length
}

t.test(
  'a server more: it gets its share, and about 1/N of all is moved, hardly any between the old ones',
  async (t) => {
    for (const [before, after] of [
      [6, 7],
      [8, 9],
      [12, 13],
      [12, 14],
    ] as const) {
      const old = aimOf(numbers(before))
      const now = aimOf(numbers(after))
      let moved = 0
      let toNew = 0
      let elsewhere = 0
      const parts = 3000
      for (let n = 0; n < parts; n++) {
        const partId = partIdOf(n)
        const servers = placed(old, partId)
        const moves = planMoves(now, { partId, servers })
        moved += moves.length
        toNew += moves.filter(({ server }) => server > before).length
        const ends = carryOut(servers, moves)
        elsewhere += sorted(ends).join() === sorted(placed(now, partId)).join() ? 0 : 1
      }
      const share = (after - before) / after
      t.equal(elsewhere, 0, 'every part ends where the ring has it')
      t.ok(moved / toNew < 1.1, `${before} to ${after}: ${toNew} of ${moved} moves are to new servers`)
      const part = moved / (parts * CHUNKS)
      t.ok(part > 0.85 * share && part < 1.15 * share, `${part.toFixed(3)} of all is moved, ${share.toFixed(3)} is 1/N`)
    }
  },
)

t.test(
  'whatever is where: it moves just what is surplus, never makes a part less safe, and twice is once',
  async () => {
    const where = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 7, maxLength: 9 })
    fc.assert(
      fc.property(where, fc.nat(100_000), (list, n) => {
        const aim = aimOf(numbers(12))
        const servers = list as ServerNumber[]
        const partId = partIdOf(n)
        const moves = planMoves(aim, { partId, servers })
        const after = carryOut(servers, moves)
        const home = placePart(aim.ring, partId, servers.length, () => true)
        return (
          moves.length === surplus(servers, home) &&
          faultTolerance(after) >= faultTolerance(servers) &&
          planMoves(aim, { partId, servers: after }).length === 0
        )
      }),
      { numRuns: 300 },
    )
  },
)

t.test('a server that takes nothing gets nothing, one that keeps what it has gives nothing', async () => {
  const full = new Set([3, 7])
  const cordoned = new Set([5, 7])
  const aim = aimOf(numbers(9), { takes: (s) => !full.has(s) && !cordoned.has(s), gives: (s) => !cordoned.has(s) })
  const where = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: CHUNKS, maxLength: CHUNKS })
  fc.assert(
    fc.property(where, fc.nat(100_000), (list, n) => {
      const servers = list as ServerNumber[]
      const moves = planMoves(aim, { partId: partIdOf(n), servers })
      return moves.every(
        ({ index, server }) => !full.has(server) && !cordoned.has(server) && !cordoned.has(servers[index]!),
      )
    }),
    { numRuns: 300 },
  )
})

t.test('zones: no part survives fewer zones than before', async () => {
  const zone = (server: ServerNumber) => (server > 8 ? '' : `z${server % 3}`)
  const zoneTolerance = (servers: readonly ServerNumber[]) =>
    faultTolerance(servers.map((server) => (server > 8 ? 100 + server : server % 3)))
  const aim = aimOf(numbers(10), { zone, takes: (server) => server !== 2 })
  const where = fc.array(fc.integer({ min: 1, max: 10 }), { minLength: CHUNKS, maxLength: CHUNKS })
  fc.assert(
    fc.property(where, fc.nat(100_000), (list, n) => {
      const servers = list as ServerNumber[]
      const after = carryOut(servers, planMoves(aim, { partId: partIdOf(n), servers }))
      return zoneTolerance(after) >= zoneTolerance(servers) && faultTolerance(after) >= faultTolerance(servers)
    }),
    { numRuns: 1000 },
  )
})
