import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { WriteCondition } from '../history/events.ts'
import { type Body, multipartBody, singleBody } from './bodies.ts'
import { type Failure, failureOf } from './failure.ts'
import type { Ledger } from './ledger.ts'

export interface ClientDeps {
  /** One for each gateway, without retries: what is unknown stays unknown. */
  gateways: readonly S3Client[]
  bucket: string
  ledger: Ledger
  /** 0 ≤ n < 1; the client's own choices. */
  random: () => number
  /** Names the bodies of this client, so that no two clients send the same. */
  name: string
  /** Of a single PUT; with one, there are no multipart uploads. */
  bytesMax?: number | undefined
}

/** Of a hundred operations, so many. */
const MIX = { put: 28, create: 8, replace: 10, multipart: 4, delete: 10, get: 22, range: 10, list: 8 }

/** One client: an operation at a time, each through any gateway, each noted with what it was told. */
export class ChaosClient {
  readonly #deps: ClientDeps
  #sent = 0

  constructor(deps: ClientDeps) {
    this.#deps = deps
  }

  async actOnce(): Promise<void> {
    const { ledger } = this.#deps
    const key = ledger.keys[this.#choose(ledger.keys.length)]!
    switch (this.#chooseAction()) {
      case 'put':
        return await this.#put(key, { kind: 'none' })
      case 'create':
        return await this.#put(key, { kind: 'absent' })
      case 'replace':
        return await this.#replace(key)
      case 'multipart':
        return await this.#multipart(key)
      case 'delete':
        return await this.delete(key)
      case 'get':
        return void (await this.read(key))
      case 'range':
        return void (await this.read(key, this.#range()))
      case 'list':
        return await this.list()
    }
  }

  /** A GET of all or of a range. Answers the ETag; undefined for nothing there, and for a failure, which is counted. */
  async read(key: string, range?: Range): Promise<string | undefined> {
    const { bucket, ledger } = this.#deps
    const what = range ? 'range' : 'get'
    const startMs = performance.now()
    try {
      const answer = await this.#gateway().send(
        new GetObjectCommand({ Bucket: bucket, Key: key, ...(range && { Range: headerOf(range) }) }),
      )
      const served = await answer.Body!.transformToByteArray()
      const found = unquoted(answer.ETag)
      ledger.note(key, { kind: 'read', startMs, endMs: performance.now(), found })
      ledger.checkBytes(key, found, { range, served })
      ledger.count(`${what}: done`)
      return found
    } catch (error) {
      const failure = failureOf(error)
      if (failure.status === 404) {
        ledger.note(key, { kind: 'read', startMs, endMs: performance.now(), found: undefined })
        ledger.count(`${what}: nothing there`)
      } else if (failure.status === 416) {
        ledger.count(`${what}: beyond the end`)
      } else this.#fail(what, failure)
      return undefined
    }
  }

  /** All keys in pages of any size; a page tells of every key that it could have held. */
  async list(): Promise<void> {
    const { bucket, ledger } = this.#deps
    const pageKeys = [3, 10, 1000][this.#choose(3)]!
    const gateway = this.#gateway()
    let after = ''
    for (;;) {
      const startMs = performance.now()
      const page = await gateway
        .send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: pageKeys, ...(after && { StartAfter: after }) }))
        .catch(failureOf)
      const endMs = performance.now()
      if ('isFailure' in page) return this.#fail('list', page)
      const found = new Map((page.Contents ?? []).map(({ Key, ETag }) => [Key!, unquoted(ETag)]))
      const last = page.IsTruncated ? page.Contents!.at(-1)!.Key! : undefined
      for (const key of ledger.keys) {
        if (key > after && (last === undefined || key <= last)) {
          ledger.note(key, { kind: 'read', startMs, endMs, found: found.get(key) })
        }
      }
      ledger.checkListed(page.Contents ?? [])
      ledger.count('list: done')
      if (last === undefined) return
      after = last
    }
  }

  async #put(key: string, condition: WriteCondition): Promise<void> {
    const body = singleBody(this.#nextSeed(), this.#choose, this.#deps.bytesMax)
    const what = { none: 'put', absent: 'put if absent', matches: 'put if it matches' }[condition.kind]
    await this.#write(what, { key, condition, body }, () =>
      this.#gateway().send(
        new PutObjectCommand({
          Bucket: this.#deps.bucket,
          Key: key,
          Body: body.parts()[0]!,
          ...(condition.kind === 'absent' && { IfNoneMatch: '*' }),
          ...(condition.kind === 'matches' && { IfMatch: `"${condition.etag}"` }),
        }),
      ),
    )
  }

  /** Reads, then replaces what it read, if nobody was quicker. */
  async #replace(key: string): Promise<void> {
    const etag = await this.read(key, { first: 0, last: 15 })
    if (etag !== undefined) await this.#put(key, { kind: 'matches', etag })
  }

  async #multipart(key: string): Promise<void> {
    const { bucket, ledger } = this.#deps
    if (this.#deps.bytesMax !== undefined) return await this.#put(key, { kind: 'none' })
    const body = multipartBody(this.#nextSeed(), this.#choose)
    const target = { Bucket: bucket, Key: key }
    try {
      const { UploadId } = await this.#gateway().send(new CreateMultipartUploadCommand(target))
      const Parts: { PartNumber: number; ETag: string }[] = []
      for (const [index, Body] of body.parts().entries()) {
        const part = { ...target, UploadId, PartNumber: index + 1 }
        const { ETag } = await this.#gateway().send(new UploadPartCommand({ ...part, Body }))
        Parts.push({ PartNumber: part.PartNumber, ETag: ETag! })
      }
      ledger.count('upload: done')
      await this.#write('complete', { key, condition: { kind: 'none' }, body }, () =>
        this.#gateway().send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } })),
      )
    } catch (error) {
      // Never completed, so never visible; what it left is for the sweep.
      this.#fail('upload', failureOf(error))
    }
  }

  async #write(
    what: string,
    { key, condition, body }: { key: string; condition: WriteCondition; body: Body },
    send: () => Promise<{ ETag?: string | undefined }>,
  ): Promise<void> {
    const { ledger } = this.#deps
    ledger.expect(body)
    const startMs = performance.now()
    const note = (outcome: 'done' | 'refused' | 'missing' | 'unknown') =>
      ledger.note(key, { kind: 'write', startMs, endMs: performance.now(), etag: body.etag, condition, outcome })
    const answer = await send().catch(failureOf)
    if (!('isFailure' in answer)) {
      note('done')
      ledger.count(`${what}: done`)
      if (unquoted(answer.ETag) !== body.etag)
        ledger.faults.push(`${key}: ${body.etag} was acknowledged as ${answer.ETag}`)
      return
    }
    if (answer.wasSent) {
      if (condition.kind !== 'none' && answer.status === 412) note('refused')
      else if (condition.kind === 'matches' && answer.status === 404) note('missing')
      else note('unknown')
    }
    if (condition.kind !== 'none' && (answer.status === 412 || answer.status === 404)) ledger.count(`${what}: refused`)
    else this.#fail(what, answer)
  }

  async delete(key: string): Promise<void> {
    const { bucket, ledger } = this.#deps
    const startMs = performance.now()
    const answer = await this.#gateway()
      .send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      .catch(failureOf)
    const isDone = !('isFailure' in answer)
    if (isDone || answer.wasSent) {
      ledger.note(key, { kind: 'delete', startMs, endMs: performance.now(), outcome: isDone ? 'done' : 'unknown' })
    }
    if (isDone) ledger.count('delete: done')
    else this.#fail('delete', answer)
  }

  /** Whatever befalls the store, it may fail; it may not call a good request bad. */
  #fail(what: string, { status, code, wasSent }: Failure): void {
    const { ledger } = this.#deps
    ledger.count(wasSent ? `${what}: failed` : `${what}: nobody there`)
    if (status === undefined) ledger.unanswered += 1
    else ledger.failureStatuses.add(status)
    if (status !== undefined && status < 500 && status !== 409)
      ledger.faults.push(`${what} was answered ${status} ${code}`)
  }

  #gateway(): S3Client {
    const { gateways } = this.#deps
    return gateways[this.#choose(gateways.length)]!
  }

  readonly #choose = (count: number): number => Math.floor(this.#deps.random() * count)

  #chooseAction(): keyof typeof MIX {
    let left = this.#choose(100)
    for (const [action, share] of Object.entries(MIX)) {
      if (left < share) return action as keyof typeof MIX
      left -= share
    }
    return 'get'
  }

  #range(): Range {
    const first = this.#choose(200_000)
    return this.#choose(2) === 0
      ? { first, last: first + this.#choose(1_500_000) }
      : { first: this.#choose(100), last: 199 }
  }

  #nextSeed(): string {
    return `${this.#deps.name}/${++this.#sent}`
  }
}

export interface Range {
  first: number
  /** Inclusive; may be beyond the end. */
  last: number
}

function headerOf({ first, last }: Range): string {
  return `bytes=${first}-${last}`
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}
