import { StoreFault } from '../../../src/base/faults.ts'
import type { BucketId } from '../../../src/base/ids.ts'
import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import { dropUploads } from './parts.ts'
import type { MemoryDatabase } from './tables.ts'

export function buckets(
  db: MemoryDatabase,
): Pick<Catalogue, 'createBucket' | 'findBucket' | 'deleteBucket' | 'setVersioning'> {
  const find = (wanted: string) => [...db.rows.buckets.values()].find(({ name }) => name === wanted)
  return {
    async createBucket({ name, ownerId, region, versioning = '', settings = {} }) {
      const there = find(name)
      if (there?.ownerId === ownerId) throw new StoreFault('BucketAlreadyOwnedByYou', { bucket: name })
      if (there) throw new StoreFault('BucketAlreadyExists', { bucket: name })
      const id = (Math.max(0, ...db.rows.buckets.keys()) + 1) as BucketId
      const bucket = { id, name, ownerId, region, createdAt: db.now(), versioning, settings }
      db.put('buckets', id, bucket)
      db.synced()
      return bucket
    },
    findBucket: async (name) => find(name),
    async setVersioning({ bucket, versioning }) {
      const row = db.rows.buckets.get(bucket.id)
      if (!row) throw new StoreFault('NoSuchBucket', { bucket: bucket.name })
      db.put('buckets', bucket.id, { ...row, versioning })
      db.synced()
    },
    async deleteBucket({ id, name }) {
      if (!db.rows.buckets.has(id)) throw new StoreFault('NoSuchBucket', { bucket: name })
      if ([...db.rows.objects.values()].flat().some(({ bucketId }) => bucketId === id)) {
        throw new StoreFault('BucketNotEmpty', { bucket: name })
      }
      dropUploads(
        db,
        [...db.rows.uploads.values()].filter(({ upload }) => upload.bucketId === id && upload.state === 'open'),
      )
      db.remove('buckets', [id])
      db.synced()
    },
  }
}
