import { randomBytes } from 'node:crypto'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'

/** Of both kinds: what goes in one message, and what is streamed. */
const SIZES = [700, 100_000, 1_500_001]

/** Clients that write, and read what they wrote, without a pause, until they are stopped. */
export class Load {
  readonly failures: unknown[] = []
  /** Rounds of a put, a head, a get and a listing. */
  rounds = 0
  readonly #stop = new AbortController()
  readonly #users: Promise<unknown>

  constructor({ client, Bucket, users }: { client: S3Client; Bucket: string; users: number }) {
    this.#users = Promise.all(Array.from({ length: users }, (_, user) => this.#use(client, Bucket, `user-${user}`)))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#users
  }

  async #use(client: S3Client, Bucket: string, user: string): Promise<void> {
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const Key = `${user}/${n % 10}`
      const Body = randomBytes(SIZES[n % SIZES.length]!)
      try {
        const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body }))
        const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
        const { Body: read } = await client.send(new GetObjectCommand({ Bucket, Key }))
        const isSame = Body.equals(await read!.transformToByteArray())
        if (!isSame || head.ETag !== ETag) throw new Error(`${Key} is not what was written`)
        const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key, MaxKeys: 1 }))
        if (Contents?.[0]?.ETag !== ETag) throw new Error(`${Key} is not listed as written`)
        this.rounds += 1
      } catch (error) {
        this.failures.push(error)
      }
    }
  }
}
