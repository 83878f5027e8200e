import t from 'tap'
import type { PartId, ServerId, ServerNumber } from '../../src/base/ids.ts'
import { createLateServers } from '../../src/engine/late-servers.ts'
import { createPlacer } from '../../src/engine/placer.ts'
import { loadRingHash, serversNeeded, virtualNodePoints } from '../../src/placement/ring.ts'
import { HandView } from '../support/chunk-cluster.ts'
import { HandClock } from '../support/moved-clock.ts'

await loadRingHash()
const STANDARD = 8

function open(servers: number) {
  const view = new HandView()
  const set = (number: number, more: Parameters<HandView['set']>[0] | object = {}) => {
    const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as ServerId
    const points = virtualNodePoints(id)
    view.set({ number: number as ServerNumber, id, grpcAddress: '', availableBytes: 1, points, ...more })
  }
  for (let n = 1; n <= servers; n++) set(n)
  const clock = new HandClock()
  const late = createLateServers({ clock, restMs: 10_000 })
  const placer = createPlacer({ cluster: view, chunks: { isReachable: () => true }, late })
  let parts = 0
  const used = (chunks = STANDARD) => {
    const placed = new Set<number>()
    for (let n = 0; n < 50; n++) {
      const partId = `01990000-0000-7000-8000-${String(parts++).padStart(12, '0')}` as PartId
      for (const server of placer.place(partId, chunks)) placed.add(server)
    }
    return [...placed].sort((a, b) => a - b)
  }
  return { set, used, placer, late, clock }
}

t.test('placer: passes over full, failed, cordoned, silent and late servers; each comes back', async (t) => {
  const { set, used, late, clock } = open(6)
  for (const more of [{ availableBytes: 0 }, { status: 'failed' }, { status: 'cordoned' }, { isStale: true }]) {
    set(3, more)
    t.same(used(), [1, 2, 4, 5, 6], JSON.stringify(more))
    set(3)
    t.same(used(), [1, 2, 3, 4, 5, 6])
  }
  for (const kind of ['reads', 'writes'] as const) {
    late[kind].add(3 as ServerNumber)
    t.same(used(), [1, 2, 4, 5, 6], kind)
    clock.advance(10_000)
    t.same(used(), [1, 2, 3, 4, 5, 6])
    late[kind].remove(3 as ServerNumber)
  }
})

t.test('placer: late servers are used all the same when the others do not suffice', async (t) => {
  const { used, late } = open(6)
  for (const server of [1, 2, 3]) late.writes.add(server as ServerNumber)
  t.same(used(), [1, 2, 3, 4, 5, 6])
})

t.test('placer: a chunk that has to move never makes more of a part lie on one server than may be lost', async (t) => {
  const { placer, late } = open(6)
  const numbers = (...of: number[]) => of as ServerNumber[]
  const moved = (failed: ServerNumber[]) => {
    const most = new Set<number | undefined>()
    for (let n = 0; n < 50; n++) {
      const partId = `01990000-0000-7000-8000-${String(n).padStart(12, '0')}` as PartId
      const placed = placer.place(partId, STANDARD)
      for (const [index, server] of placed.entries()) {
        if (!failed.includes(server)) continue
        placed[index] = placer.replace(partId, index, placed, new Set(failed)) ?? (0 as ServerNumber)
      }
      const left = placed.filter((server) => server !== 0)
      most.add(Math.max(...left.map((server) => left.filter((other) => other === server).length)))
    }
    return Math.max(...([...most] as number[]))
  }
  t.equal(moved(numbers(1)), 2)
  t.equal(moved(numbers(1, 2)), 2)
  t.equal(moved(numbers(1, 2, 3)), 2, 'with too few left it stays away')
  for (const server of numbers(1, 2, 3)) late.writes.add(server)
  t.equal(moved(numbers(4)), 2, 'rather to one that was late')
})

t.test('placer: more full than parity allows for: 507, and well again without more ado', async (t) => {
  const { set, used } = open(6)
  for (const n of [1, 2]) set(n, { availableBytes: 0 })
  t.same(used(), [3, 4, 5, 6])
  set(3, { availableBytes: 0 })
  t.throws(() => used(), { code: 'InsufficientStorage' })
  set(3, { status: 'failed' })
  t.throws(() => used(), { code: 'InsufficientStorage' }, 'one full server less would do')
  set(1)
  t.same(used(), [1, 4, 5, 6])
  for (const n of [1, 2, 3, 4, 5, 6]) set(n, { availableBytes: 0 })
  t.throws(() => used(), { code: 'InsufficientStorage' })
})

t.test('placer: more down than parity allows for: 503', async (t) => {
  const { set, used } = open(6)
  for (const n of [1, 2, 3]) set(n, { isStale: true })
  t.throws(() => used(), { code: 'ServiceUnavailable' })
  set(3, { status: 'removed' })
  t.same(used(), [4, 5, 6], 'an operator took it out for good: the others are all there are')
})

t.test('serversNeeded: small clusters are what they are; a large one promises what it can', async (t) => {
  const safe = (chunks: number, usable: number, members: number) =>
    usable >= serversNeeded({ chunks, parity: chunks - 6, members })
  t.ok(safe(8, 1, 1), 'one node for a start')
  t.ok(safe(8, 1, 3) && safe(8, 2, 3), 'three cannot promise more')
  t.notOk(safe(8, 0, 1))
  t.same(
    [6, 5, 4, 3, 2, 1].map((usable) => safe(8, usable, 6)),
    [true, true, true, false, false, false],
  )
  t.same(
    [20, 17, 4, 3].map((usable) => safe(8, usable, 20)),
    [true, true, true, false],
  )
  t.ok(safe(7, 6, 7) && !safe(7, 5, 7), 'one of parity, one down: on it goes')
  t.ok(safe(6, 1, 6), 'without parity nothing was promised')
})
