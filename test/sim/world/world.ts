import { type AccountId, type BucketName, chunkIdBytes } from '../../../src/base/ids.ts'
import { limits } from '../../../src/base/limits.ts'
import type { Bucket, PartLayout } from '../../../src/base/model.ts'
import { loadRingHash } from '../../../src/placement/ring.ts'
import { type MemoryCatalogue, memoryCatalogue } from '../catalogue/memory-catalogue.ts'
import { MemoryDatabase } from '../catalogue/tables.ts'
import { Injuries } from '../check/injuries.ts'
import type { Chance } from './chance.ts'
import { DatabaseLine, DatabaseServer } from './database-line.ts'
import { PLAN_MS, SimGateway, UPLOAD_TTL_MS } from './gateway.ts'
import { Network } from './network.ts'
import { SimNode } from './node.ts'
import type { Steps } from './steps.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import type { Twist } from './twist.ts'
import { CALM, type Weather } from './weather.ts'

export interface WorldDeps {
  timeline: Timeline
  chance: Chance
  trace: Trace
  steps: Steps
  weather: Weather
  twist: Twist
  /** Told of what must never be. */
  violated: (what: string) => void
}

/** Simulated parts are small, too. S3's own limit is 5 MiB. */
const PART_BYTES_MIN = 0
const OWNER = 'f'.repeat(64) as AccountId
/** Some machines' clocks are an hour off. */
export const SKEWS_MS = [0, 0, 3_600_000, -3_600_000]
const GATEWAY_RESTART_MS = { min: 10, max: 3_000 }

/** One cluster: nodes, gateways, and the database between them. */
export class World {
  readonly deps: WorldDeps
  readonly database: DatabaseServer
  readonly catalogue: MemoryCatalogue
  readonly network: Network
  readonly injuries = new Injuries()
  /** `server/part/index` of chunks whose writer gave up waiting, or that the database has forgotten. */
  readonly givenUp = new Set<string>()
  readonly nodes: SimNode[] = []
  readonly hosts = new Map<string, SimNode>()
  /** Those that serve now. */
  readonly gateways = new Set<SimGateway>()
  #gatewayCount = 0
  #starting = 0
  /** Whether a gateway that died is started again. */
  #restarts = true
  /** One that was to follow a gateway of an earlier one does not come any more. */
  #generation = 0
  /** How far the clocks of those are off that follow; undefined: by chance. */
  #skewMs: number | undefined
  bucket!: Bucket

  constructor(deps: WorldDeps) {
    this.deps = deps
    const { timeline, chance, trace, weather } = deps
    this.database = new DatabaseServer(
      new MemoryDatabase(() => Math.floor(timeline.nowMs)),
      { timeline, chance, trace },
      weather,
    )
    const notify = () => {
      for (const { view } of this.gateways)
        timeline.after(chance.between(0.2, 5), () => void view.refresh().catch(() => {}))
    }
    const onPart = (layout: PartLayout) => {
      this.injuries.noteCommitted(layout)
      for (const index of this.#missingOf(layout))
        deps.violated(`chunk ${index} of ${layout.partId} is committed, and not there`)
    }
    this.catalogue = memoryCatalogue(this.database.database, {
      uploadTtlMs: UPLOAD_TTL_MS,
      planMs: PLAN_MS,
      notify,
      onPart,
      onMoves: (partId, moves) => this.injuries.noteMoved(partId, moves),
    })
    this.network = new Network(timeline, chance, weather)
  }

  async open(nodeCount: number, gatewayCount: number): Promise<void> {
    await loadRingHash()
    Object.assign(limits, { partBytesMin: PART_BYTES_MIN })
    this.bucket = await this.catalogue.catalogue.createBucket(
      { name: 'bucket' as BucketName, ownerId: OWNER, region: 'us-east-1' },
      new AbortController().signal,
    )
    for (let n = 0; n < nodeCount; n++) this.addNode()
    const { timeline } = this.deps
    await timeline.run(() => this.database.database.rows.servers.size === nodeCount, timeline.nowMs + 60_000)
    for (let n = 0; n < gatewayCount; n++) void this.startGateway()
    await timeline.run(() => this.gateways.size === gatewayCount, timeline.nowMs + 60_000)
  }

  addNode(): SimNode {
    const { timeline, chance, trace, steps, twist } = this.deps
    const name = `node-${this.nodes.length + 1}`
    const node = new SimNode(name, {
      timeline,
      chance,
      trace,
      registry: (lineName, life) => new DatabaseLine(this.database, lineName, life).port(this.catalogue.cluster),
      dies: (step) => steps.reach(step),
      diskFailure: () => this.network.weather.diskFailure,
      forgets: twist.forgets ?? 'nothing',
    })
    this.nodes.push(node)
    this.hosts.set(name, node)
    node.start()
    return node
  }

  /** Tries until it serves. One that dies is followed by another one. */
  async startGateway(): Promise<SimGateway> {
    const skewMs = this.#skewMs ?? this.deps.chance.one(SKEWS_MS)
    const { timeline, chance, trace, steps, twist } = this.deps
    const { network, hosts, database, catalogue } = this
    for (this.#starting += 1; ; ) {
      this.#gatewayCount += 1
      const gateway = new SimGateway(`gateway-${this.#gatewayCount}`, {
        timeline,
        chance,
        trace,
        network,
        hosts,
        database,
        catalogue,
        onGivenUp: (server, { partId, index }) => void this.givenUp.add(`${server}/${partId}/${index}`),
        dies: (step) => steps.reach(step),
        skewMs,
        twist,
      })
      const { promise: died, reject } = Promise.withResolvers<never>()
      using _watch = gateway.life.onEnd(() => reject(new Error('it was killed')))
      try {
        await Promise.race([gateway.start(), died])
        this.#starting -= 1
        this.gateways.add(gateway)
        gateway.life.onEnd(() => this.#onGatewayEnd(gateway))
        return gateway
      } catch (error) {
        trace.note(`${gateway.name}: does not start: ${error}`)
        gateway.life.end()
        await timeline.pause(chance.between(GATEWAY_RESTART_MS.min, GATEWAY_RESTART_MS.max))
      }
    }
  }

  #onGatewayEnd(gateway: SimGateway): void {
    this.gateways.delete(gateway)
    const { timeline, chance } = this.deps
    if (!this.#restarts) return
    const generation = this.#generation
    timeline.after(chance.between(GATEWAY_RESTART_MS.min, GATEWAY_RESTART_MS.max), () => {
      if (this.#restarts && this.#generation === generation) void this.startGateway()
    })
  }

  anyGateway(): SimGateway | undefined {
    const all = [...this.gateways]
    return all.length === 0 ? undefined : this.deps.chance.one(all)
  }

  /** Chunks that a node which runs does not have, though a part's row says so. */
  #missingOf({ partId, servers }: PartLayout): number[] {
    return [...servers.keys()].filter((index) => {
      const id = this.database.database.rows.servers.get(servers[index]!)?.id
      const disk = this.nodes.find(({ running }) => running?.disk.serverId === id)?.running?.disk
      try {
        disk?.locate(chunkIdBytes(partId, index))
        return false
      } catch {
        return true
      }
    })
  }

  layouts(): PartLayout[] {
    return Array.from(this.database.database.rows.parts.values(), ({ layout }) => layout)
  }

  setWeather(weather: Weather): void {
    this.network.weather = weather
    this.database.weather = weather
  }

  /** Everything that was broken works from now on; what was lost stays lost. */
  heal(): void {
    this.deps.trace.note('all is well from now on')
    this.setWeather(CALM)
    this.network.healCuts()
    this.database.start()
    for (const node of this.nodes) node.recover()
  }

  /** Ends all gateways in order; then there is one, or whoever follows it, with a clock that is so far off. */
  async replaceGateways(skewMs: number): Promise<void> {
    this.#restarts = false
    this.#generation += 1
    while (this.#starting > 0) await this.deps.timeline.pause(1)
    await Promise.all([...this.gateways].map((gateway) => Promise.race([gateway.stop(), ended(gateway)])))
    this.#restarts = true
    this.#skewMs = skewMs
    await this.startGateway()
  }
}

function ended({ life }: SimGateway): Promise<void> {
  return new Promise((resolve) => {
    life.onEnd(resolve)
  })
}
