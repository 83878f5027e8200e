import type { ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { SimNode } from './world/node.ts'
import { type Rot, rotChunk } from './world/rot.ts'
import type { World } from './world/world.ts'

/** Between two troubles, ms. */
const PAUSE_MS = { min: 200, max: 8_000 }
/** Long enough for a server to count as lost. */
const LONG_DOWN_MS = 80_000
const CUT_MS = 15_000
const STALL_MS = 20_000
const OUTAGE_MS = 6_000
/** With fewer servers than chunks of a part, some hold two. */
const SERVERS_MIN = 6
const SERVERS_MAX = 10

type Trouble = () => void

/** Breaks something every now and then, of the kinds that this run is about. */
export class Chaos {
  readonly #world: World
  readonly #isOver: () => boolean
  readonly #troubles: Trouble[]

  constructor(world: World, isOver: () => boolean) {
    this.#world = world
    this.#isOver = isOver
    const { chance } = world.deps
    const all: Trouble[] = [
      () => this.#killGateway(),
      () => this.#killNode(),
      () => this.#killNode(),
      () => this.#downNode(),
      () => this.#stallNode(),
      () => this.#cutLine(),
      () => this.#crashDatabase(),
      () => this.#rot(),
      () => this.#rot(),
      () => this.#loseDisk(),
      () => this.#join(),
      () => this.#drain(),
      () => this.#rebalance(),
    ]
    this.#troubles = all.filter(() => chance.happens(0.5))
  }

  async run(): Promise<void> {
    const { timeline, chance } = this.#world.deps
    if (this.#troubles.length === 0) return
    while (!this.#isOver()) {
      await timeline.pause(chance.between(PAUSE_MS.min, PAUSE_MS.max))
      if (!this.#isOver()) chance.one(this.#troubles)()
    }
  }

  #killGateway(): void {
    this.#world.anyGateway()?.die()
  }

  #killNode(): void {
    const { chance } = this.#world.deps
    this.#someNode()?.die({ power: chance.happens(0.5) })
  }

  #downNode(): void {
    const { chance } = this.#world.deps
    this.#someNode()?.die({ power: chance.happens(0.3), downMs: chance.between(10_000, LONG_DOWN_MS) })
  }

  #stallNode(): void {
    this.#someNode()?.stall(this.#world.deps.chance.between(100, STALL_MS))
  }

  #cutLine(): void {
    const { network, deps } = this.#world
    const node = this.#someNode()
    const gateway = this.#world.anyGateway()
    if (!node || !gateway) return
    const ways = deps.chance.one([[0], [1], [0, 1]])
    if (ways.includes(0)) network.cut(gateway.name, node.name)
    if (ways.includes(1)) network.cut(node.name, gateway.name)
    deps.trace.note(`${gateway.name} and ${node.name} are cut off: ${ways}`)
    deps.timeline.after(deps.chance.between(100, CUT_MS), () => network.healCuts())
  }

  #crashDatabase(): void {
    const { database, deps } = this.#world
    if (!database.isUp) return
    // What a repair has just written, and its note was not synced: left to the search for orphans.
    for (const { server, partId, index } of database.crash(deps.chance.happens(0.7))) {
      this.#world.givenUp.add(`${server}/${partId}/${index}`)
    }
    deps.timeline.after(deps.chance.between(50, OUTAGE_MS), () => database.start())
  }

  /** Never more than a part survives. */
  #rot(): void {
    const { injuries, deps } = this.#world
    const { chance } = deps
    const layout = this.#somePart()
    if (!layout) return
    const index = chance.integer(layout.servers.length)
    if (!injuries.wouldSurvive(layout, [index])) return
    const node = this.#nodeOf(layout.servers[index]!)
    const how = chance.one<Rot>(['flip', 'zero', 'truncate', 'swap'])
    if (node && rotChunk(node, { partId: layout.partId, index }, how, chance)) {
      injuries.injure(layout.partId, index)
      deps.trace.note(`${node.name}: ${how} ${layout.partId}/${index}`)
    }
  }

  #loseDisk(): void {
    const { injuries } = this.#world
    const node = this.#someNode()
    const server = node && this.#numberOf(node)
    if (!node || !server) return
    const layouts = this.#world.layouts()
    const lives = (layout: PartLayout) => injuries.wouldSurvive(layout, chunksOn(layout, server))
    if (!layouts.every(lives)) return
    injuries.loseServer(server, layouts)
    node.replaceDisk()
  }

  #join(): void {
    if (this.#world.nodes.length < SERVERS_MAX) this.#world.addNode()
  }

  #drain(): void {
    const { catalogue, deps } = this.#world
    const up = [...this.#world.database.database.rows.servers.values()].filter(({ status }) => status === 'up')
    if (up.length <= SERVERS_MIN || !this.#world.database.isUp) return
    const { number: server } = deps.chance.one(up)
    deps.trace.note(`server ${server} is to be drained`)
    void catalogue.cluster.setServerStatus({ server, status: 'draining' }, new AbortController().signal)
  }

  #rebalance(): void {
    const { catalogue, database } = this.#world
    if (database.isUp) void catalogue.jobs.wakeJob('rebalance', new AbortController().signal)
  }

  #someNode(): SimNode | undefined {
    const running = this.#world.nodes.filter((node) => node.running)
    return running.length === 0 ? undefined : this.#world.deps.chance.one(running)
  }

  #somePart(): PartLayout | undefined {
    const layouts = this.#world.layouts()
    return layouts.length === 0 ? undefined : this.#world.deps.chance.one(layouts)
  }

  #numberOf(node: SimNode): ServerNumber | undefined {
    const servers = this.#world.database.database.rows.servers
    return [...servers.values()].find(({ id }) => id === node.running?.disk.serverId)?.number
  }

  #nodeOf(server: ServerNumber): SimNode | undefined {
    const id = this.#world.database.database.rows.servers.get(server)?.id
    return this.#world.nodes.find(({ running }) => running?.disk.serverId === id)
  }
}

function chunksOn({ servers }: PartLayout, server: ServerNumber): number[] {
  return servers.flatMap((holder, index) => (holder === server ? [index] : []))
}
