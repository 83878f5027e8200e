import { createHash } from 'node:crypto'
import { StoreFault } from '../../src/base/faults.ts'
import { type AccountId, type BucketId, NULL_VERSION, type ObjectKey, type UploadId } from '../../src/base/ids.ts'
import type {
  AccessKey,
  Account,
  Bucket,
  BucketDocumentName,
  ObjectVersion,
  Upload,
  UploadedPart,
  WriteCondition,
} from '../../src/base/model.ts'
import { completeUpload } from '../../src/engine/complete-upload.ts'
import { checksumOf, startDigests } from '../../src/engine/digests.ts'
import { openContentKey, uploadRefusals } from '../../src/engine/encryption/data-keys.ts'
import type { BodyClaims, ByteStream, Engine, UploadRef } from '../../src/engine/engine.ts'
import { lifecycleRules } from '../../src/engine/lifecycle-rules.ts'
import type { Catalogue } from '../../src/engine/ports/catalogue.ts'
import { compareBytes } from '../sim/catalogue/compare-bytes.ts'
import { rollUp, rollUpSorted } from '../sim/catalogue/roll-up.ts'
import { sealed, sealing } from './key-ring.ts'

interface StoredUpload {
  upload: Upload
  parts: Map<number, UploadedPart & { bytes: Buffer }>
  result?: ObjectVersion
}

interface Held {
  bucket: Bucket
  objects: Map<string, { version: ObjectVersion; bytes: Buffer }>
  uploads: Map<UploadId, StoredUpload>
  documents: Map<BucketDocumentName, unknown>
}

export interface MemoryEngine extends Engine {
  readonly keys: Map<string, AccessKey>
  readonly buckets: Map<string, Held>
  /** Called before each method of the engine, to delay or to fail. */
  before: (method: string, signal: AbortSignal) => Promise<void>
  /** Called before each piece that readObject yields. */
  beforePiece: (offset: number) => Promise<void>
}

export function testAccount(name: string): Account {
  const id = createHash('sha256').update(name).digest('hex') as AccountId
  return { id, name, displayName: name, isRoot: name === 'root' }
}

export function testKey(name: string, account = testAccount(name), policy?: string): AccessKey {
  return { accessKeyId: `AK${name.toUpperCase()}`, secretAccessKey: `secret-of-${name}`, account, policy }
}

/** The store's behaviour on a Map: faults and conditions as the real one gives them, no nodes, no database. */
export function createMemoryEngine(keys: readonly AccessKey[], now: () => Date = () => new Date()): MemoryEngine {
  const buckets = new Map<string, Held>()
  let serial = 0
  const held = (bucket: Pick<Bucket, 'name'>): Held => {
    const found = buckets.get(bucket.name)
    if (!found) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
    return found
  }
  const upload = ({ bucket, key, uploadId }: UploadRef): StoredUpload => {
    const found = held(bucket).uploads.get(uploadId)
    if (!found || found.upload.key !== key) throw new StoreFault('NoSuchUpload', { uploadId })
    return found
  }
  const open = (ref: UploadRef): StoredUpload => {
    const found = upload(ref)
    if (found.upload.state !== 'open') throw new StoreFault('NoSuchUpload', { uploadId: ref.uploadId })
    return found
  }
  const commit = (bucket: Bucket, version: ObjectVersion, bytes: Buffer, condition: WriteCondition): void => {
    judge(held(bucket).objects.get(version.key)?.version, version.key, condition)
    held(bucket).objects.set(version.key, { version, bytes })
  }
  const catalogue = catalogueOf(buckets, keys, held)

  return {
    keys: new Map(keys.map((key) => [key.accessKeyId, key])),
    buckets,
    before: async () => {},
    beforePiece: async () => {},
    catalogue,
    lifecycleRules: lifecycleRules({ catalogue }),
    async findBucket(name, signal) {
      await this.before('findBucket', signal)
      return held({ name }).bucket
    },
    async putObject({ bucket, key, attributes, claims, condition, ...more }, body, signal) {
      await this.before('putObject', signal)
      const kept = await sealed(more, signal)
      const { bytes, ...sums } = await receive(claims, body)
      const version: ObjectVersion = {
        bucketId: bucket.id,
        key,
        versionId: NULL_VERSION,
        sizeBytes: bytes.length,
        committedAt: now(),
        attributes,
        isMultipart: false,
        parts: [{ number: 1, partId: undefined, sizeBytes: bytes.length, checksum: sums.checksum?.value }],
        ...sums,
        ...kept,
      }
      commit(bucket, version, bytes, condition)
      return { ...version, encryption: kept.extras.encryption }
    },
    async findObject({ bucket: name, key, versionId }, signal) {
      await this.before('findObject', signal)
      const { bucket, objects } = held({ name })
      const isKnown = versionId === undefined || versionId === NULL_VERSION
      return { bucket, object: isKnown ? objects.get(key)?.version : undefined, layouts: [] }
    },
    async *readObject({ bucket, object }, { first, last }, signal) {
      await this.before('readObject', signal)
      const { bytes } = held(bucket).objects.get(object.key)!
      // One piece of memory for all: whoever keeps a piece beyond its time sends garbage.
      const memory = Buffer.alloc(64 * 1024)
      for (let at = first; at <= last; at += memory.length) {
        await this.beforePiece(at)
        yield memory.subarray(0, bytes.copy(memory, 0, at, last + 1))
        memory.fill(0xee)
      }
    },
    unlock: ({ extras }, customerKey) => openContentKey(sealing.keys, extras?.encryption, customerKey)?.dataKey,
    async checkKmsKey(keyId, signal) {
      await sealing.keys.current(keyId, signal)
    },
    async copyObject({ source, bucket, key, attributes, condition, ...more }, signal) {
      await this.before('copyObject', signal)
      const kept = await sealed(more, signal)
      const from = [...buckets.values()].find((each) => each.bucket.id === source.bucketId)
      const bytes = from?.objects.get(source.key)?.bytes ?? Buffer.alloc(0)
      const version = { ...source, bucketId: bucket.id, key, attributes, committedAt: now(), ...kept }
      commit(bucket, version, bytes, condition)
      return { ...version, encryption: kept.extras.encryption }
    },
    async deleteObjects(bucket, targets, signal) {
      await this.before('deleteObjects', signal)
      return targets.map(({ key, versionId, condition }) => {
        const { objects } = held(bucket)
        try {
          judge(objects.get(key)?.version, key, condition?.etag === undefined ? {} : { ifMatch: condition.etag })
        } catch (refusal) {
          return refusal as StoreFault
        }
        objects.delete(key)
        return { versionId, isDeleteMarker: false }
      })
    },
    async createUpload({ bucket, encryption, ...rest }, signal) {
      await this.before('createUpload', signal)
      const kept = await sealed({ ...rest, encryption }, signal)
      serial += 1
      const uploadId = `00000000-0000-7000-8000-${String(serial).padStart(12, '0')}` as UploadId
      const made: Upload = { ...rest, ...kept, bucketId: bucket.id, uploadId, initiatedAt: now(), state: 'open' }
      held(bucket).uploads.set(uploadId, { upload: made, parts: new Map() })
      return { uploadId, encryption: kept.extras.encryption }
    },
    findUpload: async (ref) => upload(ref).upload,
    async uploadPart({ number, claims, customerKey, ...ref }, body, signal) {
      await this.before('uploadPart', signal)
      const { parts, upload } = open(ref)
      const { encryption } = upload.extras ?? {}
      openContentKey(sealing.keys, encryption, customerKey, uploadRefusals)
      const algorithm = upload.checksumAlgorithm
      const checksum = claims.checksum ?? (algorithm && { algorithm, expected: () => undefined })
      const { bytes, ...sums } = await receive({ ...claims, checksum }, body)
      const part = { number, partId: undefined, sizeBytes: bytes.length, modifiedAt: now(), bytes, ...sums }
      parts.set(number, part)
      return { ...part, encryption }
    },
    async uploadPartCopy({ number, source, range, ...ref }, signal) {
      await this.before('uploadPartCopy', signal)
      const { bytes } = held(source.bucket).objects.get(source.object.key)!
      const piece = range ? bytes.subarray(range.first, range.last + 1) : bytes
      const claims = { sizeBytes: piece.length, md5: undefined, checksum: undefined }
      const body = (async function* () {
        yield piece
      })()
      const part = await this.uploadPart({ ...ref, number, claims }, body, signal)
      return { ...part, modifiedAt: now() }
    },
    async completeUpload(input, signal) {
      await this.before('completeUpload', signal)
      const stored = upload(input)
      const port: Partial<Catalogue> = {
        findUpload: async () => stored.upload,
        findCompletion: async () => stored.result,
        listParts: async ({ after, rowsMax }) => pageOf(stored, after, rowsMax),
        completeUpload: async ({ sizeBytes, etag, checksum, parts, condition }) => {
          const { key, attributes, extras } = stored.upload
          const bytes = Buffer.concat(parts.map(({ number }) => stored.parts.get(number)!.bytes))
          const base = {
            bucketId: input.bucket.id,
            key,
            versionId: NULL_VERSION,
            committedAt: now(),
            attributes,
            extras,
          }
          const version: ObjectVersion = { ...base, sizeBytes, etag, checksum, isMultipart: true, parts }
          commit(input.bucket, version, bytes, condition)
          stored.upload.state = 'completed'
          stored.result = version
          return { object: version }
        },
      }
      const deps = { catalogue: port as Catalogue, settings: { objectBytesMax: 2 ** 40 } }
      return await completeUpload(deps as Parameters<typeof completeUpload>[0], input, signal)
    },
    async abortUpload(ref) {
      open(ref)
      held(ref.bucket).uploads.delete(ref.uploadId)
    },
    async listParts({ after, rowsMax, ...ref }) {
      const stored = open(ref)
      return { upload: stored.upload, page: pageOf(stored, after, rowsMax) }
    },
    async listUploads({ bucket, prefix, delimiter, afterKey, afterUploadId, rowsMax }) {
      const all = [...held(bucket).uploads.values()].map((each) => each.upload).filter((each) => each.state === 'open')
      const sorted = all.sort((a, b) => compareBytes(a.key, b.key) || compareBytes(a.uploadId, b.uploadId))
      const isLater = (each: Upload) =>
        compareBytes(each.key, afterKey) > 0 ||
        (each.key === afterKey && afterUploadId !== '' && each.uploadId > afterUploadId)
      const found = sorted.filter((each) => each.key.startsWith(prefix) && isLater(each))
      const rolled = rollUpSorted(found, { prefix, delimiter, after: afterKey, rowsMax })
      const last = rolled.rows.at(-1)
      return {
        uploads: rolled.rows,
        commonPrefixes: rolled.prefixes,
        isTruncated: rolled.isTruncated,
        nextKey: rolled.next,
        nextUploadId: last?.key === rolled.next ? last?.uploadId : undefined,
      }
    },
  }
}

function catalogueOf(
  buckets: Map<string, Held>,
  keys: readonly AccessKey[],
  held: (bucket: Pick<Bucket, 'name'>) => Held,
): Engine['catalogue'] {
  return {
    findAccessKey: async (id) => keys.find((key) => key.accessKeyId === id),
    findAccount: async (id) => keys.find((key) => key.account.id === id)?.account,
    findAccountByEmail: async (email) => keys.find(({ account }) => `${account.name}@example.com` === email)?.account,
    findBucket: async (name) => buckets.get(name)?.bucket,
    async createBucket({ name, ownerId, region, versioning = '', settings = {}, documents = {} }) {
      const there = buckets.get(name)
      if (there?.bucket.ownerId === ownerId) throw new StoreFault('BucketAlreadyOwnedByYou', { bucket: name })
      if (there) throw new StoreFault('BucketAlreadyExists', { bucket: name })
      const bucket = {
        id: (buckets.size + 1) as BucketId,
        name,
        ownerId,
        region,
        createdAt: new Date(),
        versioning,
        settings,
      }
      buckets.set(name, {
        bucket,
        objects: new Map(),
        uploads: new Map(),
        documents: new Map(Object.entries(documents) as [BucketDocumentName, unknown][]),
      })
      return bucket
    },
    async setVersioning({ bucket, versioning }) {
      held(bucket).bucket.versioning = versioning
    },
    async changeBucketSetting({ bucket, name, value }) {
      const there = held(bucket)
      const { [name]: _, ...others } = there.bucket.settings
      there.bucket.settings = value === undefined ? others : { ...others, [name]: value }
    },
    async findBucketDocument({ bucketId, name }) {
      return [...buckets.values()].find(({ bucket }) => bucket.id === bucketId)?.documents.get(name)
    },
    async putBucketDocument({ bucket, name, document }) {
      const { documents } = held(bucket)
      if (document === undefined) documents.delete(name)
      else documents.set(name, document)
    },
    async tagObject({ bucketId, key, tags }) {
      const there = [...buckets.values()].find(({ bucket }) => bucket.id === bucketId)?.objects.get(key)
      if (!there) throw new StoreFault('NoSuchKey', { key })
      there.version.extras = { ...there.version.extras, tags }
      return there.version
    },
    async setObjectAccess({ bucketId, key, access }) {
      const there = [...buckets.values()].find(({ bucket }) => bucket.id === bucketId)?.objects.get(key)
      if (!there) throw new StoreFault('NoSuchKey', { key })
      const { access: _, ...others } = there.version.extras ?? {}
      there.version.extras = access === undefined ? others : { ...others, access }
      return there.version
    },
    async lockBucket() {
      throw new StoreFault('InvalidBucketState', { reason: 'no versions are kept in memory' })
    },
    async renameObject({ source, key }) {
      const { objects } = [...buckets.values()].find(({ bucket }) => bucket.id === source.bucketId)!
      objects.set(key, { ...objects.get(source.key)!, version: { ...source, key } })
      objects.delete(source.key)
      return source
    },
    findRename: async () => undefined,
    findOwners: async ({ versions }) => versions.map(() => undefined),
    retainObject: leftOut,
    holdObject: leftOut,
    async putLifecycle({ bucket, lifecycle }, signal) {
      await this.putBucketDocument({ bucket, name: 'lifecycle', document: lifecycle }, signal)
      await this.changeBucketSetting({ bucket, name: 'lifecycle', value: lifecycle?.revision }, signal)
    },
    async deleteBucket(bucket) {
      if (held(bucket).objects.size > 0) throw new StoreFault('BucketNotEmpty', { bucket: bucket.name })
      buckets.delete(bucket.name)
    },
    async listBuckets({ ownerId, prefix, after, rowsMax }) {
      const own = [...buckets.values()].map((each) => each.bucket).filter((each) => each.ownerId === ownerId)
      const found = own.filter((each) => each.name.startsWith(prefix) && each.name > after)
      return found.sort((a, b) => compareBytes(a.name, b.name)).slice(0, rowsMax)
    },
    async listVersions({ bucketId, prefix, delimiter, afterKey, rowsMax }) {
      const page = await this.listObjects({ bucketId, prefix, delimiter, after: afterKey, rowsMax }, unheard)
      const each = { versionId: NULL_VERSION, isLatest: true, isDeleteMarker: false }
      const { objects, commonPrefixes, isTruncated, next } = page
      const versions = objects.map((object) => ({ ...object, ...each }))
      return {
        versions,
        commonPrefixes,
        isTruncated,
        nextKey: next,
        nextVersionId: isTruncated ? NULL_VERSION : undefined,
      }
    },
    async listObjects({ bucketId, prefix, delimiter, after, rowsMax }) {
      const { objects } = [...buckets.values()].find((each) => each.bucket.id === bucketId)!
      const versions = Array.from(objects.values(), ({ version }) => version)
      const rolled = rollUp(versions, { prefix, delimiter, after, rowsMax })
      const listed = rolled.rows.map(({ key, sizeBytes, etag, committedAt, attributes, checksum }) => ({
        key,
        sizeBytes,
        etag,
        committedAt,
        storageClass: attributes.storageClass,
        checksumAlgorithm: checksum?.algorithm,
        checksumType: checksum?.type,
      }))
      return { objects: listed, commonPrefixes: rolled.prefixes, isTruncated: rolled.isTruncated, next: rolled.next }
    },
  }
}

/** Only a database judges it. */
async function leftOut(): Promise<never> {
  throw new Error('not in memory')
}

const unheard = new AbortController().signal

function judge(there: ObjectVersion | undefined, key: ObjectKey, { ifMatch, ifNoneMatch }: WriteCondition): void {
  if (ifNoneMatch && there) throw new StoreFault('PreconditionFailed', { condition: 'If-None-Match' })
  if (ifMatch === undefined) return
  if (!there) throw new StoreFault('NoSuchKey', { key })
  if (ifMatch !== '*' && ifMatch !== there.etag) throw new StoreFault('PreconditionFailed', { condition: 'If-Match' })
}

async function receive(claims: BodyClaims, body: ByteStream) {
  const digests = startDigests(claims)
  const pieces: Uint8Array[] = []
  for await (const piece of body) {
    digests.update(piece)
    pieces.push(piece)
  }
  const bytes = Buffer.concat(pieces)
  if (bytes.length > claims.sizeBytes || (bytes.length < claims.sizeBytes && !claims.mayBeShorter)) {
    throw new StoreFault('IncompleteBody', { sizeBytes: bytes.length, expectedBytes: claims.sizeBytes })
  }
  const sums = await digests.finish()
  return { bytes, etag: sums.etag, checksum: checksumOf(claims.checksum?.algorithm, sums) }
}

function pageOf(stored: StoredUpload, after: number, rowsMax: number) {
  const later = [...stored.parts.values()].sort((a, b) => a.number - b.number).filter((part) => part.number > after)
  const parts = later.slice(0, rowsMax)
  return { parts, isTruncated: later.length > rowsMax && rowsMax > 0, nextNumber: parts.at(-1)?.number ?? after }
}
