import { StoreFault } from '../../src/base/faults.ts'
import type { AccountId, ObjectKey, UploadId } from '../../src/base/ids.ts'
import type { Bucket, ObjectAttributes, WriteCondition } from '../../src/base/model.ts'
import type { ByteRange, Engine } from '../../src/engine/engine.ts'
import { type Answer, gone, left, meaningOf, type Outcome } from './answers.ts'
import { makeBody, makeBytes } from './bodies.ts'
import type { History } from './check/history.ts'
import type { Write } from './check/linearizable.ts'
import type { Chance } from './world/chance.ts'
import type { SimGateway, Work } from './world/gateway.ts'
import type { Timeline } from './world/timeline.ts'
import type { Trace } from './world/trace.ts'

export interface ClientDeps {
  timeline: Timeline
  chance: Chance
  trace: Trace
  history: History
  bucket: Bucket
  /** One that runs now, if any does. */
  gateway: () => SimGateway | undefined
  /** Told of what must never be. */
  violated: (what: string) => void
  /** Nothing is wrong in this run: nothing may fail. */
  isCalm: boolean
}

export interface Tally {
  ok: number
  refused: number
  failed: number
  unknown: number
}

const OWNER = 'f'.repeat(64) as AccountId
export const KEYS = ['a', 'b', 'c', 'd/1', 'd/2', 'e'] as ObjectKey[]
const UNCONDITIONAL: WriteCondition = {}
/** What a calm run may be told, besides that all is well. */
const CALM_REFUSALS = /BadDigest|IncompleteBody|PreconditionFailed|NoSuchKey|the client has left/

interface UploadRef {
  bucket: Bucket
  key: ObjectKey
  uploadId: UploadId
}

/** One client, which does one thing after another; several share the keys. */
export class Client {
  readonly #deps: ClientDeps
  readonly tally: Tally = { ok: 0, refused: 0, failed: 0, unknown: 0 }
  readonly #name: string
  /** Its own: what waits for it ends with the run. */
  readonly #never = new AbortController().signal
  #content = 0
  /** ETags that it has seen last, for conditions. */
  readonly #seen = new Map<ObjectKey, string>()

  constructor(name: string, deps: ClientDeps) {
    this.#name = name
    this.#deps = deps
  }

  async act(): Promise<void> {
    const { chance } = this.#deps
    const key = chance.one(KEYS)
    const what = chance.integer(100)
    if (what < 38) return await this.#put(key)
    if (what < 66) return void (await this.read(key))
    if (what < 78) return await this.#delete()
    if (what < 84) return await this.#copy(key)
    if (what < 88) return await this.#list()
    await this.#multipart(key)
  }

  /** Answers whether it was read, or found missing. */
  async read(key: ObjectKey, isWhole = false): Promise<boolean> {
    const startMs = this.#deps.timeline.nowMs
    const found = await this.#ask('read', (engine) =>
      engine.findObject({ bucket: this.#deps.bucket.name, key, versionId: undefined, withLayouts: true }, this.#never),
    )
    if (!('value' in found)) return false
    const { object } = found.value
    this.#note(key, startMs, { saw: object?.etag })
    if (!object) return true
    this.#seen.set(key, object.etag)
    const expected = this.#deps.history.content(object.etag)
    if (!expected || expected.length !== object.sizeBytes) {
      this.#deps.violated(`${key} is said to be ${object.etag} of ${object.sizeBytes} bytes, which nobody wrote`)
      return false
    }
    if (expected.length === 0) return true
    // As one who takes a long download's first bytes, and the rest later.
    if (this.#deps.chance.happens(0.3)) await this.#deps.timeline.pause(this.#deps.chance.between(0, 20_000))
    const range = isWhole ? { first: 0, last: expected.length - 1 } : this.#someRange(expected.length)
    const read = await this.#ask('read', (engine) =>
      this.#compare(engine.readObject({ ...found.value, object }, range, this.#never), expected, range),
    )
    return 'value' in read
  }

  /** Reads slowly at times; whatever comes has to be right. */
  async #compare(pieces: AsyncIterable<Uint8Array>, expected: Buffer, { first, last }: ByteRange): Promise<void> {
    const { chance, timeline } = this.#deps
    let at = first
    for await (const piece of pieces) {
      if (Buffer.compare(expected.subarray(at, Math.min(last + 1, at + piece.length)), piece) !== 0) {
        this.#deps.violated(`wrong bytes were served, from ${at} on, of ${expected.length}`)
      }
      at += piece.length
      if (chance.happens(0.1)) await timeline.pause(chance.between(0, 4_000))
    }
    if (at !== last + 1) this.#deps.violated(`${at - first} bytes were served, ${last + 1 - first} were asked for`)
  }

  #someRange(sizeBytes: number): ByteRange {
    const { chance } = this.#deps
    if (chance.happens(0.6)) return { first: 0, last: sizeBytes - 1 }
    const first = chance.integer(sizeBytes)
    return { first, last: first + chance.integer(sizeBytes - first) }
  }

  async #put(key: ObjectKey): Promise<void> {
    const { chance, timeline, bucket } = this.#deps
    const { bytes, etag } = this.#newContent()
    const condition = this.#someCondition(key)
    const startMs = timeline.nowMs
    const { body, claims, isHonest } = makeBody(this.#deps, bytes)
    const outcome = await this.#ask('put', (engine) =>
      engine.putObject(
        { bucket, key, attributes: this.#someAttributes(), claims, condition },
        body,
        chance.happens(0.02) ? this.#leavesSoon() : this.#never,
      ),
    )
    if ('value' in outcome && (!isHonest || outcome.value.etag !== etag)) {
      this.#deps.violated(`a body that was not what it was said to be was taken as ${outcome.value.etag}`)
    }
    this.#noteWrite(key, startMs, { etag, condition }, this.#conclude(outcome))
  }

  async #delete(): Promise<void> {
    const { chance, timeline, bucket } = this.#deps
    const keys = chance.shuffled(KEYS).slice(0, chance.one([1, 1, 2]))
    const startMs = timeline.nowMs
    const outcome = await this.#ask('delete', (engine) =>
      engine.deleteObjects(
        bucket,
        keys.map((key) => ({ key })),
        this.#never,
      ),
    )
    const concluded = this.#conclude(outcome)
    for (const key of keys) {
      this.#noteWrite(key, startMs, { etag: undefined, condition: UNCONDITIONAL }, concluded)
    }
  }

  async #copy(key: ObjectKey): Promise<void> {
    const { chance, timeline, bucket } = this.#deps
    const from = chance.one(KEYS)
    const lookedMs = timeline.nowMs
    const found = await this.#ask('copy', (engine) =>
      engine.findObject({ bucket: bucket.name, key: from, versionId: undefined }, this.#never),
    )
    if (!('value' in found)) return
    const { object: source } = found.value
    this.#note(from, lookedMs, { saw: source?.etag })
    if (!source) return
    const condition: WriteCondition = chance.happens(0.2) ? { ifNoneMatch: '*' } : UNCONDITIONAL
    const startMs = timeline.nowMs
    const { attributes } = source
    const outcome = await this.#ask('copy', (engine) =>
      engine.copyObject({ source, bucket, key, attributes, condition }, this.#never),
    )
    const isOfSource = 'error' in outcome && /copy-source|NoSuchKey/.test(String(outcome.error))
    this.#noteWrite(key, startMs, { etag: source.etag, condition }, isOfSource ? 'failed' : this.#conclude(outcome))
  }

  async #list(): Promise<void> {
    const { timeline, bucket } = this.#deps
    const startMs = timeline.nowMs
    const query = { bucketId: bucket.id, prefix: '', delimiter: '', after: '', rowsMax: 1000 }
    const outcome = await this.#ask('list', (engine) => engine.catalogue.listObjects(query, this.#never))
    if (!('value' in outcome)) return
    const listed = new Map(outcome.value.objects.map(({ key, etag }) => [key, etag]))
    for (const key of KEYS) this.#note(key, startMs, { saw: listed.get(key) })
  }

  async #multipart(key: ObjectKey): Promise<void> {
    const { chance, bucket } = this.#deps
    const attributes = this.#someAttributes()
    const about = { bucket, key, initiatorId: OWNER, attributes, checksumAlgorithm: undefined, checksumType: undefined }
    const made = await this.#ask('other', (engine) => engine.createUpload(about, this.#never))
    if (!('value' in made)) return
    const ref = { bucket, key, uploadId: made.value.uploadId }
    const numbers = Array.from({ length: 1 + chance.integer(3) }, (_, n) => 2 * n + 1)
    const uploaded = new Map<number, string>()
    for (const number of numbers) await this.#uploadPart(ref, number, uploaded)
    if (chance.happens(0.2)) await this.#uploadPart(ref, chance.one(numbers), uploaded)
    if (uploaded.size === 0 || chance.happens(0.1)) {
      await this.#ask('other', (engine) => engine.abortUpload(ref, this.#never))
      return
    }
    // One that is left to expire.
    if (chance.happens(0.1)) return
    await this.#complete(ref, uploaded)
  }

  async #uploadPart(ref: UploadRef, number: number, uploaded: Map<number, string>): Promise<void> {
    const { bytes } = this.#newContent()
    const { body, claims } = makeBody(this.#deps, bytes)
    const outcome = await this.#ask('upload part', (engine) =>
      engine.uploadPart({ ...ref, number, claims }, body, this.#never),
    )
    if ('value' in outcome) uploaded.set(number, outcome.value.etag)
    else uploaded.delete(number)
  }

  /** Asks again, at another gateway perhaps, when it does not know what became of it. */
  async #complete(ref: UploadRef, uploaded: ReadonlyMap<number, string>): Promise<void> {
    const { timeline, history } = this.#deps
    const listed = [...uploaded].sort(([a], [b]) => a - b)
    const etag = history.noteMultipart(listed.map(([, each]) => each))
    const parts = listed.map(([number, each]) => ({ number, etag: each, checksum: undefined }))
    const condition = this.#someCondition(ref.key)
    const about = { ...ref, parts, condition, checksum: undefined, checksumType: undefined, sizeBytes: undefined }
    const startMs = timeline.nowMs
    let isUnknown = false
    let outcome: Outcome = 'unknown'
    for (let tries = 0; tries < 3 && outcome === 'unknown'; tries++) {
      const answer = await this.#ask('complete', (engine) => engine.completeUpload(about, this.#never))
      outcome = this.#conclude(answer)
      isUnknown ||= outcome === 'unknown'
      if ('value' in answer && answer.value.etag !== etag) {
        this.#deps.violated(`an upload was completed as ${answer.value.etag}, not as ${etag}`)
      }
    }
    this.#noteWrite(ref.key, startMs, { etag, condition }, isUnknown && outcome !== 'ok' ? 'unknown' : outcome)
  }

  #newContent(): { bytes: Buffer; etag: string } {
    const { chance, history } = this.#deps
    this.#content += 1
    const bytes = makeBytes(chance, `${this.#name}/${this.#content}`)
    return { bytes, etag: history.noteContent(bytes) }
  }

  #someAttributes(): ObjectAttributes {
    const storageClass = this.#deps.chance.happens(0.2) ? 'REDUCED_REDUNDANCY' : 'STANDARD'
    return { headers: { 'content-type': 'text/plain' }, userMetadata: {}, storageClass }
  }

  #someCondition(key: ObjectKey): WriteCondition {
    const { chance } = this.#deps
    const etag = this.#seen.get(key)
    const what = chance.integer(10)
    if (what === 0) return { ifNoneMatch: '*' }
    if (what === 1) return { ifMatch: '*' }
    return what === 2 && etag !== undefined ? { ifMatch: etag } : UNCONDITIONAL
  }

  #leavesSoon(): AbortSignal {
    const { chance, timeline } = this.#deps
    const leave = new AbortController()
    timeline.after(chance.between(0, 20), () => leave.abort(left))
    return leave.signal
  }

  /** Of a gateway that dies, nothing more is heard. */
  async #ask<T>(work: Work, call: (engine: Engine) => Promise<T>): Promise<Answer<T>> {
    const { trace } = this.#deps
    const gateway = this.#deps.gateway()
    if (!gateway) return { error: new StoreFault('ServiceUnavailable', { reason: 'no gateway runs' }) }
    trace.note(`${this.#name} > ${gateway.name}: ${work}`)
    const { promise: died, resolve } = Promise.withResolvers<Answer<T>>()
    using _watch = gateway.life.onEnd(() => resolve({ error: gone }))
    const answered = call(gateway.engine(work)).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    )
    const answer = await Promise.race([answered, died])
    const word = 'error' in answer ? String(answer.error) : 'ok'
    trace.note(`${this.#name} < ${gateway.name}: ${work} ${word}`)
    this.#judge(answer, word)
    return answer
  }

  #judge(answer: Answer<unknown>, word: string): void {
    const outcome = 'error' in answer ? meaningOf(answer.error) : 'ok'
    if (outcome === 'unforeseen') this.#deps.violated(`an error that is no refusal: ${word}`)
    else if (this.#deps.isCalm && word !== 'ok' && !CALM_REFUSALS.test(word)) {
      this.#deps.violated(`nothing is wrong, and yet: ${word}`)
    }
    if (outcome === 'ok' || outcome === 'failed' || outcome === 'unknown') this.tally[outcome] += 1
    else this.tally.refused += 1
  }

  #conclude(answer: Answer<unknown>): Outcome {
    const outcome = 'error' in answer ? meaningOf(answer.error) : 'ok'
    return outcome === 'unforeseen' ? 'unknown' : outcome
  }

  #note(key: ObjectKey, startMs: number, call: { saw: string | undefined }): void {
    this.#deps.history.note(key, { startMs, endMs: this.#deps.timeline.nowMs, call })
  }

  #noteWrite(
    key: ObjectKey,
    startMs: number,
    { etag, condition }: Pick<Write, 'etag' | 'condition'>,
    outcome: Outcome,
  ): void {
    if (outcome === 'failed') return
    const endMs = outcome === 'unknown' ? Number.POSITIVE_INFINITY : this.#deps.timeline.nowMs
    this.#deps.history.note(key, { startMs, endMs, call: { etag, condition, outcome } })
  }
}
