import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, PutObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { eventually } from '../support/store.ts'

export interface Count {
  acknowledged: number
  lost: number
}

const BODY_BYTES = 4096
/** After a refusal. */
const REST_MS = 50

/**
 * Clients that write new keys, each once, until they are stopped. Nothing ever deletes or overwrites these, so an acknowledged
 * one that is not there is lost, whatever else was answered or not.
 */
export class CountedWrites {
  readonly #clients: readonly S3Client[]
  readonly #bucket: string
  readonly #acknowledged: string[] = []
  readonly #writing: Promise<unknown>
  #isStopped = false

  /** In a bucket of their own, through each of these clients in turn. */
  static async start(clients: readonly S3Client[], writers: number): Promise<CountedWrites> {
    const Bucket = `counted-${randomBytes(4).toString('hex')}`
    await clients[0]!.send(new CreateBucketCommand({ Bucket }))
    return new CountedWrites(clients, { bucket: Bucket, writers })
  }

  private constructor(clients: readonly S3Client[], { bucket, writers }: { bucket: string; writers: number }) {
    this.#clients = clients
    this.#bucket = bucket
    this.#writing = Promise.all(Array.from({ length: writers }, (_, writer) => this.#write(writer)))
  }

  /** An answer that comes after this does not count, though its write may have happened. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#writing
  }

  /** Once they are stopped. */
  async count(): Promise<Count> {
    const found = new Set<string>()
    await eventually('the list answers', 60_000, () => this.#list(found))
    const lost = this.#acknowledged.filter((key) => !found.has(key))
    return { acknowledged: this.#acknowledged.length, lost: lost.length }
  }

  async #write(writer: number): Promise<void> {
    const client = this.#clients[writer % this.#clients.length]!
    for (let n = 0; !this.#isStopped; n++) {
      const Key = `${writer}/${n}`
      try {
        await client.send(new PutObjectCommand({ Bucket: this.#bucket, Key, Body: randomBytes(BODY_BYTES) }))
        if (!this.#isStopped) this.#acknowledged.push(Key)
      } catch {
        await sleep(REST_MS)
      }
    }
  }

  async #list(found: Set<string>): Promise<boolean> {
    const pages = paginateListObjectsV2({ client: this.#clients[0]! }, { Bucket: this.#bucket })
    try {
      for await (const { Contents } of pages) {
        for (const { Key } of Contents ?? []) found.add(Key!)
      }
      return true
    } catch {
      return false
    }
  }
}
