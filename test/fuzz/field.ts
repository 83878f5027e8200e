import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { deliver } from './deliver.ts'
import { requestOf } from './grammar/intents.ts'
import { signingOf } from './grammar/sign-intent.ts'
import { bytesOf, withHeader } from './request.ts'
import { type Key, sha256, signInHeader } from './sign.ts'
import { type Case, MADE, type World } from './world.ts'

/** What the fuzzer is aimed at. */
export interface Target {
  endpoint: URL
  region: string
  owner: Key
  stranger: Key
}

const CANARY = 'what was here before'
const UPLOAD_KEY = 'f/upload'

/** The store's state as clients see it: made ready, held against what may be, and cleared. */
export class Field implements Disposable {
  readonly #client: S3Client
  readonly #stranger: S3Client
  readonly #target: Target
  readonly #secret: string
  #world: World | undefined

  constructor(target: Target, secret: string) {
    const { endpoint, region } = target
    const clientOf = (credentials: Key) =>
      new S3Client({ endpoint: endpoint.href, region, credentials, forcePathStyle: true, maxAttempts: 1 })
    this.#target = target
    this.#secret = secret
    this.#client = clientOf(target.owner)
    this.#stranger = clientOf(target.stranger)
  }

  [Symbol.dispose](): void {
    this.#client.destroy()
    this.#stranger.destroy()
  }

  /** Makes the buckets and what lies in them, as far as they are not there; and a new upload. */
  async prepare(): Promise<World> {
    const { endpoint, region, owner, stranger } = this.#target
    const names = { vault: 'vault', treasure: 'treasure', field: 'field' }
    const isThere = await this.#client.send(new HeadBucketCommand({ Bucket: names.vault })).catch(() => undefined)
    if (!isThere) {
      for (const Bucket of [names.vault, names.field]) await this.#client.send(new CreateBucketCommand({ Bucket }))
      for (const Key of [names.treasure, `hidden-${this.#secret}`])
        await this.#put(names.vault, Key, `the ${this.#secret}`)
      await this.#put(names.field, this.#canary, CANARY)
    }
    const { UploadId: id } = await this.#client.send(
      new CreateMultipartUploadCommand({ Bucket: names.field, Key: UPLOAD_KEY }),
    )
    const parts = await Promise.all([1, 2].map((number) => this.#putPart(names.field, id!, number)))
    const place = { host: endpoint.host, port: Number(endpoint.port), region, owner, stranger, secret: this.#secret }
    this.#world = { ...place, ...names, upload: { key: UPLOAD_KEY, id: id!, parts }, nowMs: Date.now }
    return this.#world
  }

  /** What is not as it may be after these cases, in words. */
  async check(cases: readonly Pick<Case, 'sets'>[]): Promise<string[]> {
    const { vault, field, treasure } = this.#made
    const wrong: string[] = []
    const expected = [vault, field]
    for (const name of await bucketsOf(this.#client)) {
      if (!expected.includes(name) && !name.startsWith(MADE)) wrong.push(`a bucket that nobody may have made: ${name}`)
    }
    for (const name of await bucketsOf(this.#stranger)) wrong.push(`a bucket of the stranger: ${name}`)
    const inVault = (await this.#list(vault)).map(({ key }) => key)
    if (inVault.join() !== [`hidden-${this.#secret}`, treasure].join()) wrong.push(`in the vault: ${inVault.join()}`)
    else if ((await this.#read(vault, treasure)) !== `the ${this.#secret}`) wrong.push('the treasure was changed')
    if ((await this.#uploads(vault)).length > 0) wrong.push('an upload in the vault')
    if ((await this.#read(field, this.#canary)) !== CANARY) wrong.push('what was in the field was changed')
    const allowed = Map.groupBy(
      cases.flatMap(({ sets }) => sets),
      ({ key }) => key,
    )
    for (const { key, etag } of await this.#list(field)) {
      if (key === this.#canary) continue
      const may = allowed.get(key)
      if (!may) wrong.push(`a key that nobody may have set: ${JSON.stringify(key)}`)
      else if (!may.some((set) => set.etag === undefined || set.etag === etag))
        wrong.push(`other bytes in ${JSON.stringify(key)}`)
    }
    return wrong
  }

  /** Takes away what cases left behind, one by one, for no list of awkward keys travels well in XML. */
  async clear(): Promise<void> {
    const { field } = this.#made
    for (const { key, id } of await this.#uploads(field)) {
      await this.#client
        .send(new AbortMultipartUploadCommand({ Bucket: field, Key: key, UploadId: id }))
        .catch(() => {})
    }
    const keys = (await this.#list(field)).map(({ key }) => key).filter((key) => key !== this.#canary)
    while (keys.length > 0) await Promise.all(keys.splice(0, 32).map((key) => this.#delete(key)))
    for (const name of await bucketsOf(this.#client)) {
      if (name.startsWith(MADE)) await this.#client.send(new DeleteBucketCommand({ Bucket: name })).catch(() => {})
    }
  }

  get #made(): World {
    if (!this.#world) throw new Error('the field was never prepared')
    return this.#world
  }

  get #canary(): string {
    return `canary-${this.#secret}`
  }

  async #put(Bucket: string, Key: string, Body: string): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket, Key, Body }))
  }

  async #putPart(Bucket: string, UploadId: string, number: number): Promise<{ number: number; etag: string }> {
    const part = { Bucket, Key: UPLOAD_KEY, UploadId, PartNumber: number, Body: `part ${number}` }
    return { number, etag: (await this.#client.send(new UploadPartCommand(part))).ETag! }
  }

  async #read(Bucket: string, Key: string): Promise<string | undefined> {
    const got = await this.#client.send(new GetObjectCommand({ Bucket, Key })).catch(() => undefined)
    return await got?.Body?.transformToString()
  }

  async #delete(key: string): Promise<void> {
    const world = this.#made
    const intent = {
      operation: '',
      method: 'DELETE',
      bucket: world.field,
      key,
      query: [],
      headers: [],
      body: Buffer.alloc(0),
    }
    const request = withHeader(requestOf(intent, world), 'User-Agent', 'field')
    const signed = signInHeader(request, { ...signingOf(world), payload: sha256('') })
    const { status } = await deliver(
      { host: '127.0.0.1', port: world.port },
      { pieces: [bytesOf(signed)], isWhole: true },
    )
    if (status !== 204) throw new Error(`DELETE of ${JSON.stringify(key)}: ${status}`)
  }

  async #list(Bucket: string): Promise<{ key: string; etag: string }[]> {
    const found: { key: string; etag: string }[] = []
    let token: string | undefined
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket, EncodingType: 'url', ContinuationToken: token }),
      )
      for (const { Key, ETag } of page.Contents ?? []) {
        found.push({ key: decodeURIComponent(Key!.replaceAll('+', ' ')), etag: ETag!.replaceAll('"', '') })
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
    return found
  }

  async #uploads(Bucket: string): Promise<{ key: string; id: string }[]> {
    const { Uploads = [] } = await this.#client.send(new ListMultipartUploadsCommand({ Bucket, EncodingType: 'url' }))
    return Uploads.map(({ Key, UploadId }) => ({ key: decodeURIComponent(Key!.replaceAll('+', ' ')), id: UploadId! }))
  }
}

async function bucketsOf(client: S3Client): Promise<string[]> {
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}))
  return Buckets.map(({ Name }) => Name!)
}
