import { Chaos } from './chaos.ts'
import { History } from './check/history.ts'
import { wrongChunks, wrongReferences } from './check/soundness.ts'
import { Client, type ClientDeps, KEYS } from './clients.ts'
import { drawKills } from './named-steps.ts'
import { settle } from './settle.ts'
import { Chance } from './world/chance.ts'
import { releaseSignals } from './world/lost-signals.ts'
import { Steps } from './world/steps.ts'
import { Timeline } from './world/timeline.ts'
import { Trace } from './world/trace.ts'
import type { Twist } from './world/twist.ts'
import { CALM, drawWeather } from './world/weather.ts'
import { World } from './world/world.ts'

export interface SimulationOptions {
  seed: number
  /** What a test puts wrong. */
  twist?: Twist
  /** Every run, or none, without any trouble; if absent, some. */
  isCalm?: boolean
  show?: (line: string) => void
}

export interface SimulationReport {
  seed: number
  /** What must never be; none: all is well. */
  violations: string[]
  /** Of all that happened, in order. */
  traceHash: string
  steps: Steps
  calls: { ok: number; refused: number; failed: number; unknown: number }
  /** Moments of simulated time at which something happened. */
  moments: number
  simulatedMs: number
}

const EPOCH_MS = 1_700_000_000_000
const CALM_SHARE = 0.1
const CALLS_OF_A_CLIENT = 24
const THINK_MS = { min: 0, max: 2_500 }
/** No run is longer, in simulated time. */
const LIMIT_MS = 4 * 3_600_000
/** What clients ask for is answered long before, one way or the other. */
const WORK_MS_MAX = 1_200_000

/** One run of a cluster, all of it decided by the seed. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  using _signals = releaseSignals()
  const chance = new Chance(options.seed)
  const timeline = new Timeline(EPOCH_MS)
  const trace = new Trace(() => timeline.nowMs - EPOCH_MS, options.show)
  const drawn = chance.happens(CALM_SHARE)
  const isCalm = options.isCalm ?? drawn
  const weather = isCalm ? CALM : drawWeather(chance)
  const killing = chance.fork()
  const steps = new Steps(() => killing.happens(world.network.weather.death), isCalm ? [] : drawKills(killing))
  const violations: string[] = []
  const violated = (what: string) => {
    trace.note(`VIOLATED: ${what}`)
    violations.push(what)
  }
  const world: World = new World({ timeline, chance, trace, steps, weather, twist: options.twist ?? {}, violated })
  const history = new History()
  const calls = { ok: 0, refused: 0, failed: 0, unknown: 0 }
  try {
    await world.open(6 + chance.integer(4), 1 + chance.integer(2))
    const base = { timeline, chance, trace, history, bucket: world.bucket, violated, isCalm }
    const clients = await work(world, { ...base, gateway: () => world.anyGateway() })
    await settle(world, EPOCH_MS + LIMIT_MS)
    await lookAtAll(world, base)
    for (const { tally } of clients) for (const key of keysOf(calls)) calls[key] += tally[key]
    for (const wrong of await whatIsWrong(world, history)) violated(wrong)
  } catch (error) {
    violated(error instanceof Error ? (error.stack ?? String(error)) : String(error))
  }
  const simulatedMs = timeline.nowMs - EPOCH_MS
  return {
    seed: options.seed,
    violations,
    traceHash: trace.digest(),
    steps,
    calls,
    moments: timeline.passed,
    simulatedMs,
  }
}

function keysOf<T extends object>(of: T): (keyof T)[] {
  return Object.keys(of) as (keyof T)[]
}

async function work(world: World, deps: ClientDeps): Promise<Client[]> {
  const { timeline, chance } = world.deps
  const clients = Array.from({ length: 1 + chance.integer(4) }, (_, n) => new Client(`client-${n + 1}`, deps))
  let working = clients.length
  if (!deps.isCalm) void new Chaos(world, () => working === 0).run()
  for (const client of clients) {
    void (async () => {
      for (let n = 0; n < CALLS_OF_A_CLIENT; n++) {
        await client.act()
        await timeline.pause(chance.between(THINK_MS.min, THINK_MS.max))
      }
      working -= 1
    })()
  }
  await timeline.run(() => working === 0, EPOCH_MS + WORK_MS_MAX)
  return clients
}

/** Every key can be read, unless more of it was lost than its parity makes good. */
async function lookAtAll(world: World, base: Omit<ClientDeps, 'gateway'>): Promise<void> {
  const { timeline, injuries } = { ...world.deps, injuries: world.injuries }
  const reader = new Client('reader', { ...base, gateway: () => world.anyGateway(), isCalm: false })
  let left = KEYS.length
  void (async () => {
    for (const key of KEYS) {
      const isRead = await reader.read(key, true)
      const object = [...world.database.database.rows.objects.values()].flat().find((each) => each.key === key)
      const parts = (object?.parts ?? []).flatMap(({ partId }) => (partId ? [partId] : []))
      const layouts = parts.map((id) => world.database.database.rows.parts.get(id)!.layout)
      if (!isRead && layouts.every((layout) => injuries.wouldSurvive(layout))) {
        base.violated(`${key} cannot be read, though no more was lost of it than its parity makes good`)
      }
      left -= 1
    }
  })()
  await timeline.run(() => left === 0, EPOCH_MS + LIMIT_MS)
}

async function whatIsWrong(world: World, history: History): Promise<string[]> {
  const { rows } = world.database.database
  const disks = new Map(
    [...rows.servers.values()].flatMap(({ number, id }) => {
      const running = world.nodes.find((node) => node.running?.disk.serverId === id)?.running
      return running ? [[number, running.disk] as const] : []
    }),
  )
  const wrong = [...history.whatIsWrong(), ...wrongReferences(rows)]
  let chunks: string[] | undefined
  void wrongChunks({ rows, disks, injuries: world.injuries, givenUp: world.givenUp }).then((found) => {
    chunks = found
  })
  await world.deps.timeline.run(() => chunks !== undefined, EPOCH_MS + LIMIT_MS)
  return [...wrong, ...chunks!]
}
