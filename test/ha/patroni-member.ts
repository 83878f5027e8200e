import type { Member } from '../chaos/cluster/member.ts'
import { eventually } from '../support/store.ts'
import type { MetadataCluster } from './metadata-cluster.ts'

const SERVING_MS_MAX = 120_000

/** The three hosts as one PostgreSQL: what gateways and nodes see of them. */
export class PatroniMember implements Member {
  readonly kind = 'PostgreSQL'
  readonly name = 'PostgreSQL'
  readonly pid = undefined
  readonly #metadata: MetadataCluster

  constructor(metadata: MetadataCluster) {
    this.#metadata = metadata
  }

  get url(): string {
    return this.#metadata.url
  }

  async serving(): Promise<void> {
    await eventually('a primary behind haproxy', SERVING_MS_MAX, () => this.#metadata.isServing())
  }

  signal(signal: NodeJS.Signals): void {
    for (const host of this.#metadata.hosts) host.signal(signal)
  }

  /** All three at once, as a power cut would. */
  async stop(): Promise<void> {
    this.signal('SIGKILL')
  }

  async start(): Promise<void> {
    for (const host of this.#metadata.hosts) await host.start()
    await this.#metadata.whole()
    await this.serving()
  }
}
