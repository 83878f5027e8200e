import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { saveResult } from '../support/reliability.ts'
import type { StoreUnderTest } from '../support/store.ts'
import type { Target } from './field.ts'
import { bystand, p99, SMALL } from './flood/bystander.ts'
import { BUCKET, type FloodName, floods, LARGE, type Scale } from './flood/floods.ts'
import { gatewayUsage, median } from './gateway-usage.ts'
import { isWhole, openTarget } from './open-target.ts'
import { askAsOwner } from './owner-client.ts'

/** Quiet and flooded by turns, so that what else the machine does falls on both. */
const ROUNDS = isWhole ? 3 : 1
const WINDOW_MS = isWhole ? 1_000 : 150
const SCALE: Scale = isWhole ? { connections: 2_000, rate: 10 } : { connections: 50, rate: 20 }
const GROWTH_MIB_MAX = 64
const CLIENTS = 2
/** What two cores that are shared with the flood itself may add, whatever the gateway does. */
const NOISE_MS = 15
/** In short, where a process of the test is the gateway, nobody may be kept waiting longer. */
const WAIT_MS_MAX = 5_000
const MAIN = fileURLToPath(new URL('./flood/flood.main.ts', import.meta.url))
const MIB = 1024 * 1024

interface Measured {
  quietMs: number
  floodedMs: number
  growthMiB: number
}

/**
 * p99 of bystanders: without the flood the median of the rounds; with it the best, for a gateway that is held up is so in
 * all of them, and a busy machine is not. And what the gateway's memory grew by at most.
 */
async function measure(name: FloodName, target: Target, store: StoreUnderTest | undefined): Promise<Measured> {
  const windows = { clients: CLIENTS, ms: WINDOW_MS }
  const quiet: number[] = []
  const flooded: number[] = []
  let growthMiB = 0
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(p99(await bystand(target, windows)))
    const before = store ? gatewayUsage(store).rssMiB : 0
    const flood = spawn(process.execPath, [MAIN, JSON.stringify({ name, target, scale: SCALE })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = once(flood, 'exit')
    // Until the connections are there, it is their coming that is measured.
    await once(flood.stdout, 'data')
    using watch = watching(() => {
      if (store) growthMiB = Math.max(growthMiB, gatewayUsage(store).rssMiB - before)
    })
    flooded.push(p99(await bystand(target, windows)))
    watch.look()
    flood.stdin.end()
    await ended
    await sleep(WINDOW_MS / 2)
  }
  return { quietMs: median(quiet), floodedMs: Math.min(...flooded), growthMiB }
}

function watching(look: () => void): Disposable & { look: () => void } {
  const timer = setInterval(look, 100)
  return { look, [Symbol.dispose]: () => clearInterval(timer) }
}

const opened = await openTarget()
const { target, store } = opened
t.teardown(() => opened[Symbol.asyncDispose]())
for (const [key, body] of [
  [undefined, Buffer.alloc(0)],
  [SMALL, Buffer.alloc(4096)],
  [LARGE, Buffer.alloc(16 * MIB)],
] as const) {
  const { status } = await askAsOwner(target, {
    method: 'PUT',
    bucket: BUCKET,
    ...(key !== undefined && { key }),
    body,
  })
  if (status !== 200) throw new Error(`PUT ${key}: ${status}`)
}
// The memory of a gateway that has done nothing yet says nothing.
await bystand(target, { clients: 8, ms: 3 * WINDOW_MS })
const pids = store && gatewayUsage(store).pids
const told: string[] = []

for (const name of Object.keys(floods) as FloodName[]) {
  t.test(`flood: ${name}: others are served, memory is bounded`, async (t) => {
    const { quietMs, floodedMs, growthMiB } = await measure(name, target, store)
    const said = `p99 ${quietMs.toFixed(1)} ms, flooded ${floodedMs.toFixed(1)} ms; gateway + ${growthMiB} MiB`
    t.comment(said)
    told.push(`${name}: + ${growthMiB} MiB, p99 ${quietMs.toFixed(0)} to ${floodedMs.toFixed(0)} ms`)
    if (!store) return void t.ok(floodedMs < WAIT_MS_MAX, said)
    t.ok(floodedMs < Math.max(2 * quietMs, quietMs + NOISE_MS), said)
    t.ok(growthMiB < GROWTH_MIB_MAX, said)
    t.equal(gatewayUsage(store).pids, pids, 'the gateway lives')
  })
}

t.test('floods: what was measured is kept', { skip: !store }, async () => {
  await saveResult({
    name: 'floods',
    promise: `Whatever ${SCALE.connections} clients send or do not read, the gateway grows by less than ${GROWTH_MIB_MAX} MiB, and others wait at most twice as long`,
    test: 'test/fuzz/floods.test.ts',
    passed: t.passing(),
    runs: `${Object.keys(floods).length} floods of ${SCALE.connections} connections, or ${SCALE.rate} requests a second; ${ROUNDS} rounds each`,
    result: told.join('; '),
  })
})
