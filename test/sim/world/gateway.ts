import { readSettings } from '../../../src/base/config.ts'
import { silentLog } from '../../../src/base/log.ts'
import { keepSession } from '../../../src/cli/processes/session-keeper.ts'
import { startUpkeep } from '../../../src/cli/processes/upkeep.ts'
import { ChunkCache } from '../../../src/engine/chunk-cache.ts'
import { createCompression } from '../../../src/engine/compression/compression.ts'
import { createEngine } from '../../../src/engine/create-engine.ts'
import type { EngineDeps } from '../../../src/engine/deps.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { Hedging } from '../../../src/engine/hedging.ts'
import { createLateServers } from '../../../src/engine/late-servers.ts'
import { createPlacer } from '../../../src/engine/placer.ts'
import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import type { ChunkStore } from '../../../src/engine/ports/chunk-store.ts'
import { noLocalChunks } from '../../../src/engine/ports/local-chunks.ts'
import { ReadMemory } from '../../../src/engine/read-memory.ts'
import { Slots } from '../../../src/engine/slots.ts'
import { SlowUploadBudget } from '../../../src/engine/stripe-filler.ts'
import type { Meta, WatchedCluster } from '../../../src/meta/connect.ts'
import { StripePool } from '../../../src/striping/stripe-pool.ts'
import { startDamageReports } from '../../../src/upkeep/damage-reports.ts'
import { testKeyRing } from '../../support/key-ring.ts'
import type { MemoryCatalogue } from '../catalogue/memory-catalogue.ts'
import type { Chance } from './chance.ts'
import { ChunkLine, type ChunkLineDeps, type NodeHost } from './chunk-line.ts'
import { chunkStore } from './chunk-store.ts'
import { SimClusterView } from './cluster-view.ts'
import { DatabaseLine, type DatabaseServer } from './database-line.ts'
import { Life, lifeClock } from './life.ts'
import type { Network } from './network.ts'
import type { Reach } from './steps.ts'
import type { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import type { Twist } from './twist.ts'

/** What a gateway is about when it reaches a step. */
export type Work = 'put' | 'read' | 'delete' | 'copy' | 'list' | 'upload part' | 'complete' | 'other' | 'upkeep'

export interface GatewayDeps {
  timeline: Timeline
  chance: Chance
  trace: Trace
  network: Network
  hosts: ReadonlyMap<string, NodeHost>
  database: DatabaseServer
  catalogue: MemoryCatalogue
  onGivenUp: ChunkLineDeps['onGivenUp']
  /** Whether the process dies at this step. */
  dies: (step: string) => boolean
  /** How far its clock is off. */
  skewMs: number
  /** What a test puts wrong. */
  twist: Twist
}

/*
 * All that is waited for is as short as what happens meanwhile allows: a run is mostly over when clients are done.
 */
export const SESSION_TTL_MS = 45_000
export const UPLOAD_TTL_MS = 75_000
/** Longer than an attempt at a repair takes. */
export const PLAN_MS = 120_000
const POOL_BYTES = 2 * 1024 * 1024
const LATE_REST_MS = 5_000
const HEDGING = { delayMsMin: 20, share: 0.1 }
/** So small that a run sees parts of all kinds: whole ones, and such of several stripes. */
const ENGINE_SETTINGS = {
  blockBytes: 512,
  parityChunks: { STANDARD: 2, REDUCED_REDUNDANCY: 1 },
  messageChunkBytesMax: 1024,
  stripesInFlightMax: 3,
  slowStripeMs: 500,
  lateChunkMs: 800,
  objectBytesMax: 1024 * 1024,
}
const DOOMED_GRACE_SECONDS = 40
const UPKEEP = {
  SEXTANT_SWEEP_INTERVAL_SECONDS: '10',
  SEXTANT_JOB_INTERVAL_SECONDS: '5',
  SEXTANT_REPAIR_GRACE_SECONDS: '35',
  SEXTANT_SCRUB_PERIOD_SECONDS: '600',
}

/** A gateway: the real engine and upkeep, wired as src/cli wires them, over simulated lines. */
export class SimGateway {
  readonly name: string
  readonly life = new Life()
  readonly view: SimClusterView
  readonly #deps: GatewayDeps
  readonly #database: DatabaseLine
  readonly #line: ChunkLine
  readonly #opened = new AsyncDisposableStack()
  #engineDeps: EngineDeps | undefined

  constructor(name: string, deps: GatewayDeps) {
    this.name = name
    this.#deps = deps
    this.#database = new DatabaseLine(deps.database, name, this.life)
    const servers = this.#database.port(deps.catalogue.cluster)
    this.view = new SimClusterView(() => servers.listServers())
    const { timeline, chance, trace, network, hosts } = deps
    const { life, view } = this
    const onGivenUp = deps.onGivenUp
    this.#line = new ChunkLine({ timeline, chance, network, trace, hosts, onGivenUp, cluster: view, name, life })
  }

  /** As startGateway in src/cli/processes/gateway.ts. Rejects when the database does not answer. */
  async start(): Promise<void> {
    const { chance, timeline, twist, catalogue, skewMs } = this.#deps
    const stop = new AbortController()
    const log = silentLog
    const clock = lifeClock(timeline, this.life, skewMs)
    await this.view.refresh()
    const opened = this.#opened
    opened.defer(() => stop.abort(new Error('the gateway stops')))
    const session = opened.use(await this.#keepSession(clock))
    const chunks = this.#chunksFor('upkeep')
    const pool = new StripePool({ bytesMax: POOL_BYTES })
    const late = createLateServers({ clock, restMs: LATE_REST_MS })
    const reach = this.#reachFor('upkeep')
    const repairs = this.#database.port(twist.repairs?.(catalogue.repairs, this.#deps) ?? catalogue.repairs, reach)
    this.#engineDeps = {
      catalogue: this.#catalogueFor('other'),
      chunks,
      localChunks: noLocalChunks,
      damage: opened.use(startDamageReports({ catalogue: repairs, clock, log })),
      placer: opened.use(createPlacer({ cluster: this.view, chunks, late })),
      late,
      hedging: new Hedging({ clock, late: late.reads, settings: HEDGING }),
      pool,
      readMemory: new ReadMemory(pool, clock),
      chunkCache: new ChunkCache({ bytesMax: chance.one([0, 16 * 1024]) }),
      slowUploads: new SlowUploadBudget(64 * 1024),
      sending: new Slots(4),
      streaming: new Slots(2),
      compression: createCompression({ byDefault: 'off', bytesMax: 4 * 1024 * 1024 }),
      keys: testKeyRing(),
      clock,
      random: chance,
      log,
      settings: {
        ...ENGINE_SETTINGS,
        get session() {
          return session.number
        },
      },
    }
    const sweeps = twist.sweeps?.(catalogue.sweeps, this.#deps) ?? catalogue.sweeps
    const upkeep = { ...this.#database.port(sweeps, reach), exclusively: this.#database.exclusively() }
    const census = this.#database.port(catalogue.census, reach)
    const meta = {
      upkeep,
      repairs,
      scrubs: repairs,
      census,
      reports: census,
      jobs: this.#database.port(catalogue.jobs, reach),
    }
    const view = this.view as unknown as WatchedCluster
    const env = {
      ...UPKEEP,
      SEXTANT_DOOMED_GRACE_SECONDS: String(twist.doomedGraceSeconds ?? DOOMED_GRACE_SECONDS),
    }
    const settings = readSettings({ env, readFile: () => '' })
    opened.use(startUpkeep({ meta: meta as unknown as Meta, cluster: view, engine: this.#engineDeps, settings }))
    void this.view.keepFresh(clock, stop.signal)
  }

  /** The engine, whose every step is named after what it is about. */
  engine(work: Work): Engine {
    return createEngine({ ...this.#engineDeps!, chunks: this.#chunksFor(work), catalogue: this.#catalogueFor(work) })
  }

  /** kill -9. */
  die(): void {
    if (this.life.isOver) return
    this.#deps.trace.note(`${this.name}: killed`)
    this.life.end()
  }

  /** SIGTERM: the session is closed. */
  async stop(): Promise<void> {
    await this.life.hear(this.#opened.disposeAsync())
    this.life.end()
  }

  #keepSession(clock: ReturnType<typeof lifeClock>) {
    const { sessions } = this.#deps.catalogue
    const line = this.#database.port(sessions)
    const meta = {
      openGatewaySession: async (options: { ttlMs: number }) => {
        const session = await line.openGatewaySession(options)
        return this.#database.port(session)
      },
    }
    return keepSession({ meta, clock, log: silentLog, ttlMs: SESSION_TTL_MS }, new AbortController().signal)
  }

  #chunksFor(work: Work): ChunkStore {
    const chunks = chunkStore(this.#line, this.#reachFor(work))
    return this.#deps.twist.chunks?.(chunks, this.#deps) ?? chunks
  }

  #catalogueFor(work: Work): Catalogue {
    const catalogue = this.#database.port(this.#deps.catalogue.catalogue, this.#reachFor(work)) as Catalogue
    return this.#deps.twist.catalogue?.(catalogue, this.#deps) ?? catalogue
  }

  #reachFor(work: Work): Reach {
    return async (step) => {
      if (!this.life.isOver && this.#deps.dies(`${work}: ${step}`)) this.die()
      if (this.life.isOver) await new Promise(() => {})
    }
  }
}
