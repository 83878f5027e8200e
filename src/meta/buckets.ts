import { assert, StoreFault } from '../base/faults.ts'
import type { BucketName } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Bucket } from '../base/model.ts'
import type { Catalogue } from '../engine/ports/catalogue.ts'
import { makeBatcher } from './batch.ts'
import type { Databases } from './databases.ts'
import { deleteBucketDocument, findBucketDocument, putBucketDocument } from './queries/bucket-documents.ts'
import {
  changeBucketSetting,
  createBucket,
  deleteBucket,
  findBuckets,
  listBuckets,
  lockBucket,
  setVersioning,
} from './queries/buckets.ts'
import { deleteLifecycle, putLifecycle } from './queries/lifecycle.ts'

type Buckets = Pick<
  Catalogue,
  | 'createBucket'
  | 'findBucket'
  | 'deleteBucket'
  | 'listBuckets'
  | 'setVersioning'
  | 'changeBucketSetting'
  | 'findBucketDocument'
  | 'putBucketDocument'
  | 'putLifecycle'
  | 'lockBucket'
>

export function buckets({ hot, general, clock, batched }: Databases): Buckets {
  const finder = makeBatcher<BucketName, Bucket | undefined>({
    lanesMax: 1,
    weightMax: 128,
    waitingMax: 10_000,
    run: findAll,
    onAbort: 'leave',
    clock,
    statement: findBuckets.name,
    told: batched,
  })

  /** Many ask for the same one. */
  async function findAll(names: readonly BucketName[]): Promise<(Bucket | undefined)[]> {
    const distinct = [...new Set(names)]
    const found = await hot.run(findBuckets, distinct, { repeatable: true })
    const byName = new Map(distinct.map((name, n) => [name, found[n]]))
    return names.map((name) => byName.get(name))
  }

  return {
    findBucket: (name, signal) => finder.submit(name, signal),
    async createBucket(wanted, signal) {
      const bucketsMax = limits.bucketsPerAccountMax
      const [row] = await general.run(createBucket, { ...wanted, bucketsMax }, { signal, repeatable: false })
      if (row?.outcome === 'too-many') throw new StoreFault('TooManyBuckets', {})
      assert(row?.bucket, 'a bucket that is there is found, unless it is deleted at this moment')
      if (row.outcome === 'ok') return row.bucket
      const isOwn = row.bucket.ownerId === wanted.ownerId
      throw new StoreFault(isOwn ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', { bucket: wanted.name })
    },
    async deleteBucket(bucket, signal) {
      const [outcome] = await general.run(deleteBucket, bucket.id, { signal, repeatable: false })
      if (outcome === 'no-bucket') throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
      if (outcome === 'not-empty') throw new StoreFault('BucketNotEmpty', { bucket: bucket.name })
    },
    async setVersioning({ bucket, versioning }, signal) {
      const change = { bucketId: bucket.id, versioning }
      const [isChanged] = await general.run(setVersioning, change, { signal, repeatable: true })
      if (isChanged === undefined) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
      if (!isChanged) throw new StoreFault('InvalidBucketState', { reason: LOCKED })
    },
    async lockBucket({ bucket, lock }, signal) {
      const [isChanged] = await general.run(lockBucket, { bucketId: bucket.id, lock }, { signal, repeatable: true })
      if (isChanged === undefined) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
      if (!isChanged) throw new StoreFault('InvalidBucketState', { reason: UNVERSIONED })
    },
    async changeBucketSetting({ bucket, ...change }, signal) {
      const changed = await general.run(
        changeBucketSetting,
        { ...change, bucketId: bucket.id },
        { signal, repeatable: true },
      )
      if (changed.length === 0) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
    },
    async findBucketDocument(query, signal) {
      const [document] = await general.run(findBucketDocument, query, { signal, repeatable: true })
      return document
    },
    async putBucketDocument({ bucket, name, document }, signal) {
      const change = { bucketId: bucket.id, name, document }
      const statement = document === undefined ? deleteBucketDocument : putBucketDocument
      const [isThere] = await general.run(statement, change, { signal, repeatable: true })
      if (!isThere) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
    },
    async putLifecycle({ bucket, lifecycle }, signal) {
      const options = { signal, repeatable: true }
      const [isThere] = lifecycle
        ? await general.run(putLifecycle, { bucketId: bucket.id, lifecycle }, options)
        : await general.run(deleteLifecycle, bucket.id, options)
      if (!isThere) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
    },
    listBuckets: (query, signal) => general.run(listBuckets, query, { signal, repeatable: true }),
  }
}

/** As S3 words it. */
const LOCKED = 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.'
const UNVERSIONED = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
