import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { Balanced } from '../../support/balanced.ts'
import { Load } from '../../support/load.ts'
import { execute } from '../../support/postgres.ts'
import { isMissing } from '../../support/programs.ts'
import { eventually } from '../../support/store.ts'
import { mayMakeNamespaces, openNamespaces } from '../cluster/namespaces.ts'
import type { Network, Party } from '../cluster/network.ts'
import { PostgresMember } from '../cluster/postgres-member.ts'
import { sized } from '../form.ts'

const BIN = fileURLToPath(new URL('../../../bin/sextant.js', import.meta.url))
const Bucket = 'hosts'
const GATEWAYS = 2
/** How many of the nodes are restarted. */
const RESTARTED = sized({ short: 2, long: 7 })
const START_MS_MAX = 120_000

/** `sextant …` on a host of its own, by its settings alone, as docs/deploy.md has it started. */
class Host implements AsyncDisposable {
  readonly #command: readonly string[]
  readonly #env: Record<string, string>
  #child: ChildProcess | undefined

  constructor(prefix: readonly string[], args: readonly string[], env: Record<string, string>) {
    this.#command = [...prefix, process.execPath, BIN, ...args]
    this.#env = env
  }

  start(): void {
    const [command, ...args] = this.#command
    const env = { PATH: process.env.PATH, SEXTANT_LOG_LEVEL: 'error', ...this.#env }
    this.#child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'inherit'], env })
  }

  /** Its exit code. */
  async ended(): Promise<number | null> {
    const child = this.#child!
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    return child.exitCode
  }

  async stop(): Promise<number | null> {
    this.#child!.kill('SIGTERM')
    return await this.ended()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill('SIGKILL')
    if (this.#child) await this.ended()
  }
}

/** The settings that docs/deploy.md names, and no others. */
class Cluster implements AsyncDisposable {
  readonly network: Network
  readonly directory: string
  readonly root = { accessKeyId: 'AKIAOFHOSTS', secretAccessKey: randomBytes(20).toString('hex') }
  readonly #stack = new AsyncDisposableStack()
  readonly #sealingKey = randomBytes(32).toString('hex')

  static async open(): Promise<Cluster> {
    const network = await openNamespaces({ gateways: GATEWAYS, nodes: 7 })
    return new Cluster(network, await mkdtemp(join(tmpdir(), 'sextant-hosts-')))
  }

  private constructor(network: Network, directory: string) {
    this.network = network
    this.directory = directory
    this.#stack.use(network)
    this.#stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))
  }

  async startPostgres(): Promise<PostgresMember> {
    const postgres = new PostgresMember({ directory: join(this.directory, 'postgres'), ...this.network.postgres })
    this.#stack.defer(() => postgres.stop())
    await postgres.start()
    return postgres
  }

  /** One host's certificates each, by the addresses at which gateways reach them. */
  async makeCertificates(): Promise<number | null> {
    const nodes = [1, 2, 3, 4, 5, 6, 7].map((n) => `node-${n}+${this.network.nodeEnv(n).SEXTANT_NODE_HOST}`)
    const hosts = [...nodes, ...Array.from({ length: GATEWAYS }, (_, n) => `gateway-${n + 1}`)].join(',')
    const made = this.#stack.use(new Host([], ['cert', 'init', this.#certificates, '--hosts', hosts, '--json'], {}))
    made.start()
    return await made.ended()
  }

  async migrate(): Promise<number | null> {
    const { accessKeyId, secretAccessKey } = this.root
    const keys = { SEXTANT_ROOT_ACCESS_KEY_ID: accessKeyId, SEXTANT_ROOT_SECRET_ACCESS_KEY: secretAccessKey }
    const own = { SEXTANT_SEALING_KEY: this.#sealingKey, ...keys }
    const host = this.#host('gateway 1', ['migrate'], own)
    return await host.ended()
  }

  startNode(number: number): Host {
    const SEXTANT_DATA_DIR = join(this.directory, `node-${number}`)
    return this.#host(`storage node ${number}`, ['storage-node'], {
      SEXTANT_DATA_DIR,
      ...this.network.nodeEnv(number),
      ...this.#tls(`node-${number}`, 'storage-node'),
    })
  }

  startGateway(number: number): Host {
    const { host, port } = this.network.gatewayAddress(number)
    const listens = { SEXTANT_S3_HOST: host, SEXTANT_S3_PORT: String(port) }
    const own = { SEXTANT_SEALING_KEY: this.#sealingKey, ...this.#tls(`gateway-${number}`, 'gateway') }
    return this.#host(`gateway ${number}`, ['gateway'], { ...own, ...listens })
  }

  get #certificates(): string {
    return join(this.directory, 'certificates')
  }

  #tls(host: string, role: 'gateway' | 'storage-node'): Record<string, string> {
    const path = (name: string) => join(this.#certificates, host, name)
    return {
      SEXTANT_CLUSTER_TLS_CA: path('ca.crt'),
      SEXTANT_CLUSTER_TLS_CERT: path(`${role}.crt`),
      SEXTANT_CLUSTER_TLS_KEY: path(`${role}.key`),
    }
  }

  /** Waits until every gateway reaches so many nodes, and misses none. */
  async has(nodes: number): Promise<void> {
    for (let number = 1; number <= GATEWAYS; number++) {
      const { host, port } = this.network.gatewayAddress(number)
      await eventually(`gateway ${number} has ${nodes} nodes`, START_MS_MAX, async () => {
        const answer = await fetch(`http://${host}:${port}/health`).catch(() => undefined)
        const report = (await answer?.json()) as { status: string; nodes: unknown[] } | undefined
        return report?.status === 'ok' && report.nodes.length === nodes
      })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  #host(party: Party, args: readonly string[], own: Record<string, string>): Host {
    const { host, port } = this.network.databaseAddressOf(party)
    const shared = { DATABASE_URL: `postgresql://sextant@${host}:${port}/sextant` }
    const started = this.#stack.use(new Host(this.network.prefixOf(party), args, { ...shared, ...own }))
    started.start()
    return started
  }
}

t.test(
  'hosts: started by hand one by one they are a cluster; a seventh node joins; restarted one by one nothing fails',
  { skip: isMissing('haproxy') || !(await mayMakeNamespaces()) },
  async (t) => {
    await using cluster = await Cluster.open()
    t.equal(await cluster.makeCertificates(), 0)
    const postgres = await cluster.startPostgres()
    t.equal(await cluster.migrate(), 0)
    const nodes = [1, 2, 3, 4, 5, 6].map((number) => cluster.startNode(number))
    const gateways = [1, 2].map((number) => cluster.startGateway(number))
    await cluster.has(6)
    const [first, second] = [1, 2].map((number) => {
      const { host, port } = cluster.network.gatewayAddress(number)
      return `${host}:${port}`
    })
    await using front = await Balanced.start([first!, second!])
    const { endpoint } = front
    const where = { endpoint, region: 'us-east-1', forcePathStyle: true }
    const client = new S3Client({ ...where, credentials: cluster.root, maxAttempts: 1 })
    await client.send(new CreateBucketCommand({ Bucket }))
    const load = new Load({ client, Bucket, users: 4 })
    const goesOn = async () => {
      const { rounds } = load
      await eventually('requests go on', START_MS_MAX, async () => load.rounds > rounds + 8)
    }
    await goesOn()

    nodes.push(cluster.startNode(7))
    await cluster.has(7)
    for (let n = 0; n < 20; n++)
      await client.send(new PutObjectCommand({ Bucket, Key: `new/${n}`, Body: randomBytes(6_000) }))
    const [row] = await execute(
      postgres.url,
      'select count(*)::int as chunks from chunks join storage_servers s using (server_id) where s.grpc_address like $1',
      [`${cluster.network.nodeEnv(7).SEXTANT_NODE_HOST}:%`],
    )
    t.ok(Number(row!.chunks) > 0, `the seventh has ${row!.chunks} chunks`)

    for (const node of nodes.slice(0, RESTARTED)) {
      t.equal(await node.stop(), 0, 'a node ends in order')
      await goesOn()
      node.start()
      await cluster.has(7)
      await goesOn()
    }
    for (const [index, gateway] of gateways.entries()) {
      t.equal(await gateway.stop(), 0, 'a gateway ends in order')
      await goesOn()
      gateway.start()
      await front.uses(['gateway1', 'gateway2'])
      t.comment(`gateway ${index + 1} is back`)
    }
    await load.stop()
    t.same(load.failures, [], `no request of ${4 * load.rounds} failed, each sent once`)
  },
)
