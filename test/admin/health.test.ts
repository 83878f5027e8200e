import t from 'tap'
import { createClusterHealth, type KnownTolerance } from '../../src/admin/cluster-health.ts'
import { createHealth, type HealthDeps, isReady } from '../../src/admin/health.ts'
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
    isStopping: () => false,
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

t.test('health: a gateway that was told to stop says so at once, whatever it said within 250 ms', async (t) => {
  let isStopping = false
  const health = healthOf({ isStopping: () => isStopping })
  t.ok(isReady(await health.report()))
  isStopping = true
  const report = await health.report()
  t.match(report, { status: 'stopping', database: { ok: true } })
  t.notOk(isReady(report))
})

t.test('admin: live always, ready by the report, everything else 404', async (t) => {
  let isReachable = true
  const clock = clockOf()
  const health = healthOf({ isReachable: () => isReachable, clock })
  let canWrite = true
  const takesParts = () => canWrite
  const cluster = createClusterHealth({ health, readTolerance: async () => ({ tolerance: 1, gone: [] }), takesParts })
  const settings = { host: '127.0.0.1', port: 0 }
  const metrics = async () => 'a 1\n'
  await using admin = await startAdminServer({ gateway: { health, cluster }, metrics, log: silentLog, settings })
  const get = (path: string) => fetch(`http://127.0.0.1:${admin.port}${path}`)
  t.equal((await get('/health/live')).status, 200)
  const ready = await get('/health/ready')
  t.equal(ready.status, 200)
  t.equal(ready.headers.get('cache-control'), 'no-store')
  t.match(await ready.json(), { status: 'ok', nodes: [{ number: 1 }, { number: 2 }] })
  const whole = await get('/health/cluster')
  t.equal(whole.status, 200)
  t.match(await whole.json(), { status: 'ok', canRead: true, canWrite: true, survives: 1, nodes: [{ number: 1 }] })
  canWrite = false
  t.equal((await get('/health/cluster')).status, 503)
  const page = await get('/metrics')
  t.equal(page.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(await page.text(), 'a 1\n')
  isReachable = false
  clock.advance(1000)
  t.equal((await get('/health/ready')).status, 503)
  t.equal((await get('/health/live')).status, 200)
  t.equal((await get('/anything')).status, 404)
})

t.test('admin: a process that serves no S3 tells metrics and that it lives, and nothing of readiness', async (t) => {
  const settings = { host: '127.0.0.1', port: 0 }
  await using admin = await startAdminServer({ metrics: async () => '', log: silentLog, settings })
  const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${admin.port}${path}`)).status
  t.equal(await statusOf('/health/live'), 200)
  t.equal(await statusOf('/metrics'), 200)
  t.equal(await statusOf('/health/ready'), 404)
})

t.test('cluster health: what the report counted, less what went since; unknown stays unknown', async (t) => {
  const nodes = [server(1), server(2), server(3)]
  const of = (known: KnownTolerance | undefined, changes: Partial<HealthDeps> = {}) =>
    createClusterHealth({
      health: healthOf({ servers: () => nodes, ...changes }),
      readTolerance: async () => known,
      takesParts: () => true,
    })()
  const without = (...gone: number[]) => ({ isReachable: ({ number }: StorageServer) => !gone.includes(number) })
  t.match(await of({ tolerance: 2, gone: [] }), { canRead: true, canWrite: true, survives: 2 })
  t.match(await of({ tolerance: 2, gone: [] }, without(1, 2)), { status: 'degraded', canRead: true, survives: 0 })
  t.match(
    await of({ tolerance: 1, gone: [1] }, without(1)),
    { canRead: true, survives: 1 },
    'it was counted without it',
  )
  t.match(await of({ tolerance: 0, gone: [1] }, without(1, 2)), { canRead: false, survives: -1 })
  t.match(await of({ tolerance: -1, gone: [] }), { canRead: false, survives: -1 })
  t.match(await of({ tolerance: null, gone: [] }), { canRead: null, survives: null })
  t.match(await of(undefined), { canRead: null, canWrite: true, survives: null })
  const away = await of({ tolerance: 2, gone: [] }, { ping: () => Promise.reject(new Error('away')) })
  t.match(away, { status: 'unavailable', canRead: false, canWrite: false, survives: null })
})
