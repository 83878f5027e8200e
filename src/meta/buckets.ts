import { assert, StoreFault } from '../base/faults.ts'
import type { BucketName } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Bucket } from '../base/model.ts'
import type { Catalogue } from '../engine/ports/catalogue.ts'
import { makeBatcher } from './batch.ts'
import type { Databases } from './databases.ts'
import { createBucket, deleteBucket, findBuckets, listBuckets } from './queries/buckets.ts'

type Buckets = Pick<Catalogue, 'createBucket' | 'findBucket' | 'deleteBucket' | 'listBuckets'>

export function buckets({ hot, general, clock }: Databases): Buckets {
  const finder = makeBatcher<BucketName, Bucket | undefined>({
    lanesMax: 1,
    weightMax: 128,
    waitingMax: 10_000,
    run: findAll,
    onAbort: 'leave',
    clock,
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
    listBuckets: (query, signal) => general.run(listBuckets, query, { signal, repeatable: true }),
  }
}
