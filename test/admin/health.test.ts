import t from 'tap'
import { createHealth, type HealthDeps } from '../../src/admin/health.ts'
import { startAdminServer } from '../../src/admin/server.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { ServerId, ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { StorageServer } from '../../src/engine/ports/cluster.ts'

/** Time stands still until it is told to go on. */
class StandingClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ atMs: number; run: () => void }>()
  nowMs = () => this.#nowMs
  sleep = () => Promise.reject(new Error('nobody sleeps here'))
  after(ms: number, run: () => void): Disposable {
    const timer = { atMs: this.#nowMs + ms, run }
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }
  advance(ms: number): void {
    this.#nowMs += ms
    for (const timer of this.#timers) if (timer.atMs <= this.#nowMs) timer.run()
  }
  get timers(): number {
    return this.#timers.size
  }
}

function server(number: number, changes: Partial<StorageServer> = {}): StorageServer {
  return {
    number: number as ServerNumber,
    id: `server-${number}` as ServerId,
    grpcAddress: `127.0.0.1:${number}`,
    socketPath: '',
    dataDirectory: '',
    zone: '',
    status: 'up',
    availableBytes: 1,
    capacityBytes: 2,
    lastHeartbeatAt: new Date(0),
    isStale: false,
    points: [],
    ...changes,
  }
}

const clockOf = () => new StandingClock()
const healthOf = (changes: Partial<HealthDeps> = {}) =>
  createHealth({
    ping: async () => {},
    servers: () => [server(2), server(1)],
    isReachable: () => true,
    clock: clockOf(),
    ...changes,
  })

t.test('health: all there is ok, in order of number', async (t) => {
  const report = await healthOf().report()
  t.match(report, { status: 'ok', database: { ok: true, latencyMs: 0 } })
  t.match(report.nodes, [
    { number: 1, address: '127.0.0.1:1', isReachable: true, isStale: false },
    { number: 2, lastHeartbeatAt: '1970-01-01T00:00:00.000Z' },
  ])
})

t.test('health: a server that is missing degrades; none left is unavailable; a removed one is forgotten', async (t) => {
  const with2 = (second: Partial<StorageServer>) => healthOf({ servers: () => [server(1), server(2, second)] }).report()
  t.match(await with2({ isStale: true }), { status: 'degraded' })
  t.match(await with2({ status: 'failed' }), { status: 'degraded' })
  const removed = await with2({ status: 'removed' })
  t.match(removed, { status: 'ok' })
  t.equal(removed.nodes.length, 1)
  t.match(await healthOf({ isReachable: ({ number }) => number === 1 }).report(), { status: 'degraded' })
  t.match(await healthOf({ isReachable: () => false }).report(), { status: 'unavailable' })
  t.match(await healthOf({ servers: () => [] }).report(), { status: 'unavailable', nodes: [] })
})

t.test('health: a database that is away, or that does not answer in 2 s, is unavailable', async (t) => {
  const away = healthOf({ ping: () => Promise.reject(new Error('away')) })
  t.match(await away.report(), { status: 'unavailable', database: { ok: false, latencyMs: null } })

  const clock = clockOf()
  const asked = healthOf({ ping: () => new Promise(() => {}), clock }).report()
  clock.advance(2000)
  t.match(await asked, { status: 'unavailable', database: { ok: false } })
  t.equal(clock.timers, 0, 'no timer is left')
})

t.test('health: many askers cost one ping, and an answer lasts 250 ms', async (t) => {
  let pings = 0
  const clock = clockOf()
  const health = healthOf({ ping: async () => void pings++, clock })
  await Promise.all(Array.from({ length: 100 }, () => health.report()))
  clock.advance(250)
  await health.report()
  t.equal(pings, 1)
  clock.advance(1)
  await health.report()
  t.equal(pings, 2)
})

t.test('admin: live always, ready by the report, everything else 404', async (t) => {
  let isReachable = true
  const clock = clockOf()
  const health = healthOf({ isReachable: () => isReachable, clock })
  await using admin = await startAdminServer({ health, log: silentLog, settings: { host: '127.0.0.1', port: 0 } })
  const get = (path: string) => fetch(`http://127.0.0.1:${admin.port}${path}`)
  t.equal((await get('/health/live')).status, 200)
  const ready = await get('/health/ready')
  t.equal(ready.status, 200)
  t.equal(ready.headers.get('cache-control'), 'no-store')
  t.match(await ready.json(), { status: 'ok', nodes: [{ number: 1 }, { number: 2 }] })
  isReachable = false
  clock.advance(1000)
  t.equal((await get('/health/ready')).status, 503)
  t.equal((await get('/health/live')).status, 200)
  t.equal((await get('/anything')).status, 404)
})
