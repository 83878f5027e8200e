import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../../src/base/log.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { prepareDatabase } from '../../../src/cli/processes/migrate.ts'
import { gone, kill, processesOn } from '../../support/up.ts'
import { clockEnv } from './clock.ts'
import type { Member } from './member.ts'
import { type Network, openLoopback, type Party } from './network.ts'
import { PostgresMember } from './postgres-member.ts'
import { ProcessMember, type ProcessPlan } from './process-member.ts'

export interface ChaosClusterOptions {
  gateways?: number
  nodes?: number
  /** Loopback, if none is given. */
  network?: Network
  /** Settings of all gateways and nodes, beside QUICK. */
  env?: Readonly<Record<string, string>>
  /** Of gateway `number`, from 1. */
  gatewayEnv?(number: number): Readonly<Record<string, string>>
  /** How far the clock of that party is ahead of the machine's; of gateways and storage nodes. */
  clockSkewMs?(party: Party): number
  /** Another data directory for storage node `number`. */
  nodeDirectory?(number: number): string | undefined
  postgresDirectory?: string
  /** The database, if it is not to be one of its own: where the network says. It may have been started. */
  postgres?: DatabaseMember
  /** Another version that it begins with; whatever is started anew is of this one. */
  beginsWith?: OtherVersion
}

interface OtherVersion {
  /** Its bin/sextant.js. */
  bin: string
  /** By its own migrate, with these settings. */
  prepare(env: Readonly<Record<string, string>>): Promise<unknown>
}

/** PostgreSQL, as this process reaches it. */
export interface DatabaseMember extends Member {
  readonly url: string
}

/** What happens every few minutes in a store that is well happens every few seconds here. */
const QUICK = {
  SEXTANT_LOG_LEVEL: 'error',
  SEXTANT_HEARTBEAT_SECONDS: '1',
  SEXTANT_RING_REFRESH_SECONDS: '5',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '2',
  SEXTANT_JOB_INTERVAL_SECONDS: '1',
  SEXTANT_DOOMED_GRACE_SECONDS: '20',
  SEXTANT_PUT_TTL_SECONDS: '20',
}

/** A gateway, and where clients find it. */
export interface GatewayMember extends Member {
  readonly endpoint: string
  readonly clockSkewMs: number
}

/** A whole store of single processes on this machine, each of which may be killed, stopped and started again. */
export class ChaosCluster implements AsyncDisposable {
  readonly directory: string
  readonly network: Network
  readonly rootKeys = { accessKeyId: 'ROOTOFCHAOS', secretAccessKey: randomBytes(16).toString('hex') }
  readonly clusterToken = randomBytes(16).toString('hex')
  readonly postgres: DatabaseMember
  readonly nodes: readonly Member[]
  readonly gateways: readonly GatewayMember[]
  readonly #sealingKey = randomBytes(32)
  readonly #beginsWith: OtherVersion | undefined

  static async start(options: ChaosClusterOptions = {}): Promise<ChaosCluster> {
    const network = options.network ?? (await openLoopback({ gateways: options.gateways ?? 3 }))
    const directory = await mkdtemp(join(tmpdir(), 'sextant-chaos-'))
    const cluster = new ChaosCluster({ ...options, network, directory })
    try {
      await cluster.#startAll()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(options: ChaosClusterOptions & { network: Network; directory: string }) {
    const { network, directory, env, nodes = 6, gateways = 3 } = options
    this.directory = directory
    this.network = network
    this.#beginsWith = options.beginsWith
    const { host, port } = network.postgres
    this.postgres =
      options.postgres ??
      new PostgresMember({
        directory: options.postgresDirectory ?? join(directory, 'postgres'),
        host,
        port,
      })
    const skewOf = (party: Party) => options.clockSkewMs?.(party) ?? 0
    const plan = (kind: ProcessPlan['kind'], number: number, own: Record<string, string>): ProcessPlan => {
      const party = `${kind} ${number}`
      const shared = {
        SEXTANT_CLUSTER_TOKEN: this.clusterToken,
        SEXTANT_ALLOW_TOKEN_OVER_NETWORK: 'true',
        DATABASE_URL: this.#databaseUrlOf(party),
      }
      const clock = clockEnv(skewOf(party))
      const whole = { ...environment(), ...QUICK, ...env, ...shared, ...own, ...clock }
      return { kind, number, prefix: network.prefixOf(party), env: whole }
    }
    this.nodes = numbers(nodes).map((number) => {
      const data = options.nodeDirectory?.(number) ?? join(directory, `node-${number}`)
      return new ProcessMember(plan('storage node', number, { SEXTANT_DATA_DIR: data, ...network.nodeEnv(number) }))
    })
    this.gateways = numbers(gateways).map((number) => {
      const address = network.gatewayAddress(number)
      const listens = { SEXTANT_S3_HOST: address.host, SEXTANT_S3_PORT: String(address.port), SEXTANT_ADMIN_PORT: '0' }
      const secrets = { SEXTANT_SEALING_KEY: this.#sealingKey.toString('hex') }
      const member = new ProcessMember(
        plan('gateway', number, { ...listens, ...secrets, ...options.gatewayEnv?.(number) }),
      )
      const endpoint = `http://${address.host}:${address.port}`
      return Object.assign(member, { endpoint, clockSkewMs: skewOf(member.name) })
    })
  }

  get members(): readonly Member[] {
    return [this.postgres, ...this.nodes, ...this.gateways]
  }

  /** As this process reaches PostgreSQL, whatever is cut between the others. */
  get databaseUrl(): string {
    return this.postgres.url
  }

  /** What commands, and processes beside these, need to be told. */
  commandEnv(): Record<string, string> {
    return {
      DATABASE_URL: this.databaseUrl,
      SEXTANT_CLUSTER_TOKEN: this.clusterToken,
      SEXTANT_ALLOW_TOKEN_OVER_NETWORK: 'true',
      SEXTANT_SEALING_KEY: this.#sealingKey.toString('hex'),
      SEXTANT_ROOT_ACCESS_KEY_ID: this.rootKeys.accessKeyId,
      SEXTANT_ROOT_SECRET_ACCESS_KEY: this.rootKeys.secretAccessKey,
    }
  }

  nodeDirectory(number: number): string {
    return join(this.directory, `node-${number}`)
  }

  /** Resolves once every process serves. */
  async serving(): Promise<void> {
    await Promise.all(this.members.map((member) => member.serving()))
  }

  /** kill -9 of everything, as a power cut would, then everything again. */
  async restart(env?: Readonly<Record<string, string>>): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()))
    await this.postgres.start()
    await Promise.all([...this.nodes, ...this.gateways].map((member) => member.start(env)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop().catch(() => {}))) // some may never have been started
    for (const { pid } of await processesOn(this.directory)) kill(pid, 'SIGKILL')
    await gone(this.directory, 60_000)
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    await this.network[Symbol.asyncDispose]()
  }

  async #startAll(): Promise<void> {
    await this.postgres.start()
    await this.#prepare()
    const env = this.#beginsWith && { TEST_BIN: this.#beginsWith.bin }
    await Promise.all(this.nodes.map((node) => node.start(env)))
    await Promise.all(this.gateways.map((gateway) => gateway.start(env)))
  }

  async #prepare(): Promise<void> {
    if (this.#beginsWith) return void (await this.#beginsWith.prepare(this.commandEnv()))
    const deps = { clock: systemClock, random: systemRandom, log: silentLog }
    const keys = { root: this.rootKeys, sealingKey: this.#sealingKey }
    await prepareDatabase(deps, { url: this.databaseUrl, keys }, new AbortController().signal)
  }

  #databaseUrlOf(party: string): string {
    const { host, port } = this.network.databaseAddressOf(party)
    return `postgresql://sextant@${host}:${port}/sextant`
  }
}

/** Ours, without any settings of ours. */
function environment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !/^(SEXTANT_|DATABASE_URL|PG|npm_|NODE_|TAP)/.test(entry[0]),
  )
  return Object.fromEntries(own)
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
