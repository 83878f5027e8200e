import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execute } from '../support/postgres.ts'
import { eventually } from '../support/store.ts'
import { gone, kill, processesOn } from '../support/up.ts'
import { hostEnvironment, MetadataHost } from './metadata-host.ts'

const HAPROXY_CFG = fileURLToPath(new URL('../../deploy/ha/haproxy.cfg', import.meta.url))
const PASSWORD = 'of-the-test'
/** For a machine with two cores that is full of other processes. */
const START_MS_MAX = 120_000

/** A member as Patroni's `GET /cluster` tells. */
export interface ClusterMember {
  name: string
  role: string
  state: string
}

/**
 * The metadata service of deploy/ha, from its own files: three hosts, each on a loopback address of its own with the ports
 * that the files name, and the haproxy that stands beside gateways and nodes. `await using`.
 */
export class MetadataCluster implements AsyncDisposable {
  readonly directory: string
  readonly hosts: readonly MetadataHost[]
  /** Of haproxy: what gateways and nodes are given. */
  readonly url: string
  readonly #haproxyEnv: Readonly<Record<string, string>>
  #haproxy: ChildProcess | undefined

  static async start(): Promise<MetadataCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'sextant-ha-'))
    const cluster = new MetadataCluster(directory, await freeNetwork())
    try {
      await cluster.#startAll()
      return cluster
    } catch (error) {
      const said = cluster.hosts.map((host) => `${host.name}: ${host.lastLines()}`).join('\n')
      await cluster[Symbol.asyncDispose]()
      throw new Error(`the metadata cluster did not start\n${said}`, { cause: error })
    }
  }

  private constructor(directory: string, network: string) {
    this.directory = directory
    const addresses = { PG1: `${network}.1`, PG2: `${network}.2`, PG3: `${network}.3` }
    const passwords = { SUPERUSER_PASSWORD: PASSWORD, REPLICATION_PASSWORD: PASSWORD, RESTAPI_PASSWORD: PASSWORD }
    const planOf = (name: 'pg1' | 'pg2' | 'pg3', SELF: string) => ({
      name,
      directory: join(directory, name),
      blanks: { SELF, ...addresses, ...passwords },
    })
    const plans = [planOf('pg1', addresses.PG1), planOf('pg2', addresses.PG2), planOf('pg3', addresses.PG3)]
    this.hosts = plans.map((plan) => new MetadataHost(plan))
    const bind = `${network}.9:5000`
    this.#haproxyEnv = { ...hostEnvironment(plans[0]!), PG_BIND: bind }
    this.url = `postgresql://sextant:${PASSWORD}@${bind}/sextant`
  }

  /** The host that holds the lease and serves, by its own word and that of nobody else. */
  async primary(): Promise<MetadataHost | undefined> {
    const answers = await Promise.all(this.hosts.map((host) => host.ask('/primary')))
    return this.hosts.find((_, n) => answers[n]?.ok)
  }

  async etcdLeader(): Promise<MetadataHost | undefined> {
    const leads = await Promise.all(this.hosts.map((host) => host.leadsEtcd()))
    return this.hosts.find((_, n) => leads[n])
  }

  /** As any host tells it. */
  async members(): Promise<readonly ClusterMember[]> {
    for (const host of this.hosts) {
      const answer = await host.ask('/cluster')
      if (answer) return (answer.body as { members: ClusterMember[] }).members
    }
    return []
  }

  /** A primary and two standbys, both following it, one of them synchronously, or none where that is off. */
  async whole({ isSynchronous = true } = {}): Promise<void> {
    await eventually('three hosts, all in step', START_MS_MAX, async () => {
      const members = await this.members()
      const has = (role: string) => members.filter((member) => member.role === role).length
      const isInStep = members.length === 3 && members.every(({ state }) => /^(running|streaming)$/.test(state))
      const hasRoles = has('leader') === 1 && has('sync_standby') === (isSynchronous ? 1 : 0)
      return isInStep && hasRoles && (await this.#areStreaming())
    })
  }

  /** As the primary sees it: Patroni's word is some seconds old. */
  async #areStreaming(): Promise<boolean> {
    const primary = await this.primary()
    if (!primary) return false
    const rows = await this.asSuperuser('select state from pg_stat_replication', primary).catch(() => [])
    return rows.length === 2 && rows.every(({ state }) => state === 'streaming')
  }

  /** A primary answers behind haproxy. */
  async isServing(): Promise<boolean> {
    return await this.asSuperuser('select 1').then(
      () => true,
      () => false,
    )
  }

  /** One statement as the database's superuser; on that host, or through haproxy. */
  async asSuperuser(sql: string, host?: MetadataHost): Promise<Record<string, unknown>[]> {
    const url = new URL(this.url)
    url.username = 'postgres'
    url.pathname = '/postgres'
    if (host) url.host = `${host.address}:5432`
    return await execute(url.href, sql)
  }

  /** As `patronictl edit-config` does; resolves once the primary has it. */
  async configure(settings: Record<string, unknown>): Promise<void> {
    const primary = await this.primary()
    const answer = await fetch(`http://${primary!.address}:8008/config`, {
      method: 'PATCH',
      headers: { authorization: `Basic ${Buffer.from(`patroni:${PASSWORD}`).toString('base64')}` },
      body: JSON.stringify(settings),
    })
    if (!answer.ok) throw new Error(`Patroni did not take the settings: ${answer.status} ${await answer.text()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#haproxy?.kill('SIGKILL')
    for (const host of this.hosts) host.signal('SIGKILL')
    // What PostgreSQL started while it was being killed.
    for (const { pid } of await processesOn(this.directory)) kill(pid, 'SIGKILL')
    await gone(this.directory, 60_000)
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }

  async #startAll(): Promise<void> {
    await chmod(this.directory, 0o755)
    for (const host of this.hosts) {
      await mkdir(join(this.directory, host.name))
      await host.start()
    }
    this.#haproxy = spawn('haproxy', ['-db', '-f', HAPROXY_CFG], { env: this.#haproxyEnv, stdio: 'ignore' })
    this.#haproxy.on('error', () => {}) // not installed: nobody will get through
    await this.whole()
    await eventually('the way through haproxy', START_MS_MAX, () => this.isServing())
    // The two statements of deploy/ha/README.md.
    await this.asSuperuser(`create role sextant login password '${PASSWORD}'`)
    await this.asSuperuser('create database sextant owner sextant')
  }
}

/** `127.a.b`, all of which is this machine, where nobody listens on the ports that are needed. */
async function freeNetwork(): Promise<string> {
  for (let tries = 0; tries < 20; tries++) {
    const network = `127.${randomInt(2, 255)}.${randomInt(256)}`
    const ports = [2379, 2380, 5432, 8008]
    const used = await Promise.all(ports.map((port) => isListening(`${network}.1`, port)))
    if (!used.includes(true)) return network
  }
  throw new Error('the ports of etcd, PostgreSQL or Patroni are taken on every address of this machine')
}

async function isListening(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
