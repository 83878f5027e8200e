import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { randomFrom } from '../../../conformance/support/bytes.ts'
import type { ChaosCluster, GatewayMember } from '../cluster/cluster.ts'
import { ChaosClient } from './client.ts'
import { Ledger } from './ledger.ts'

export interface ClientsOptions {
  cluster: ChaosCluster
  bucket: string
  seed: number
  /** They stop once so many operations were answered, errors not counted … */
  operations: number
  /** … or after so many ms … */
  withinMs?: number
  /** … and not before this is done. */
  until?: Promise<unknown>
  clients?: number
  keys?: number
  /** Of a body, at most. */
  bytesMax?: number
}

/** A request without an answer is given up, its outcome unknown. */
const ANSWER_MS_MAX = 30_000
/** A client that was refused rests, so that an outage is not filled with thousands of refusals. */
const REST_MS = 25

/** Clients of one bucket, all at once on the same few keys. */
export class Clients implements Disposable {
  readonly ledger: Ledger
  readonly #options: ClientsOptions
  readonly #gateways: S3Client[]
  /** By number: one that runs again goes on with its choices and names. */
  readonly #clients = new Map<number, ChaosClient>()
  #isDisposed = false

  /** With a bucket of their own. */
  static async open(options: ClientsOptions): Promise<Clients> {
    const clients = new Clients(options)
    await clients.#gateways[0]!.send(new CreateBucketCommand({ Bucket: options.bucket }))
    return clients
  }

  private constructor(options: ClientsOptions) {
    this.#options = options
    this.ledger = new Ledger(Array.from({ length: options.keys ?? 24 }, (_, n) => `key/${String(n).padStart(3, '0')}`))
    this.#gateways = options.cluster.gateways.map((gateway) => s3Client(options.cluster, gateway))
  }

  /** May be called again once it has resolved. */
  async run(): Promise<void> {
    const { operations, withinMs = Number.POSITIVE_INFINITY, clients = 8, until = Promise.resolve() } = this.#options
    const deadlineMs = performance.now() + withinMs
    let isOver = false
    const over = until.finally(() => {
      isOver = true
    })
    const client = async (number: number) => {
      const own = this.#client(number)
      while (!this.#isDisposed && (!isOver || (this.ledger.answered < operations && performance.now() < deadlineMs))) {
        const failuresBefore = this.ledger.failures
        await own.actOnce()
        if (this.ledger.failures > failuresBefore) await sleep(REST_MS)
      }
    }
    await Promise.all([over, ...Array.from({ length: clients }, (_, n) => client(n + 1))])
  }

  /** Every key and the listing, read through every gateway; what fails is read again, until `ms` are over. */
  async readAll(ms: number, keys = this.ledger.keys): Promise<void> {
    const deadlineMs = performance.now() + ms
    for (const gateway of this.#gateways) {
      const reader = new ChaosClient({ ...this.#deps(0), gateways: [gateway] })
      for (const key of keys) {
        for (;;) {
          const before = this.ledger.failures
          await reader.read(key)
          if (this.ledger.failures === before) break
          if (performance.now() > deadlineMs) throw new Error(`${key} cannot be read`)
          await sleep(200)
        }
      }
      await reader.list()
    }
  }

  async delete(key: string): Promise<void> {
    await this.#client(0).delete(key)
  }

  /** Whoever runs ends: a scenario that failed half-way does not go on for ever. */
  [Symbol.dispose](): void {
    this.#isDisposed = true
    for (const gateway of this.#gateways) gateway.destroy()
  }

  #client(number: number): ChaosClient {
    const client = this.#clients.get(number) ?? new ChaosClient(this.#deps(number))
    this.#clients.set(number, client)
    return client
  }

  #deps(number: number) {
    const { bucket, seed, bytesMax } = this.#options
    const random = randomFrom(seed * 1000 + number)
    return { gateways: this.#gateways, bucket, ledger: this.ledger, random, name: `${seed}/${number}`, bytesMax }
  }
}

/** Without retries: what became of a request that failed is for the checker to find out. */
export function s3Client(
  { rootKeys: credentials }: Pick<ChaosCluster, 'rootKeys'>,
  { endpoint, clockSkewMs }: Pick<GatewayMember, 'endpoint' | 'clockSkewMs'>,
): S3Client {
  return new S3Client({
    endpoint,
    // A client whose clock is that of its gateway.
    systemClockOffset: clockSkewMs,
    region: 'us-east-1',
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: {
      requestTimeout: ANSWER_MS_MAX,
      throwOnRequestTimeout: true,
      socketTimeout: ANSWER_MS_MAX,
      connectionTimeout: 5_000,
    },
  })
}
