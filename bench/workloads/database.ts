import { randomBytes } from 'node:crypto'
import type { BucketId, BucketName, ObjectKey } from '../../src/base/ids.ts'
import { callOnce } from '../load/s3.ts'
import type { Inside } from '../store/inside.ts'
import { BUCKET } from './objects.ts'
import type { Bench, Plan, Workload } from './workload.ts'

const AT_ONCE = 64
const SIZE_BYTES = 4096
const PAGE_KEYS = 1000
const COUNT_MIN = 2000
const ETAG = 'd41d8cd98f00b204e9800998ecf8427e'
const ATTRIBUTES = {
  headers: { 'content-type': 'application/octet-stream' },
  userMetadata: {},
  storageClass: 'STANDARD',
}
const { signal } = new AbortController()
const nothing = { bytesIn: 0, bytesOut: 0 }

/** The database under load: what gateways ask of it, without HTTP and without storage nodes. */
export function databaseWorkloads(): Workload[] {
  const all = { group: 'database', unit: 'operation', clients: AT_ONCE } as const
  return [
    { ...all, name: 'db-commit', writes: true, plan: planCommits },
    { ...all, name: 'db-find', writes: false, plan: planFinds },
    { ...all, name: 'db-list-1000', clients: 4, writes: false, plan: planLists },
    { ...all, name: 'db-delete', writes: true, plan: planDeletes },
  ]
}

const KIND = 'database'

async function planCommits(bench: Bench): Promise<Plan> {
  const commit = await committer(bench)
  return {
    warmUp: () => ({ call: (n) => commit(`warm-up-${n}`) }),
    timed: () => () => ({ call: (n) => commit(keyOf(n)) }),
    async finish(operations) {
      bench.objects.set(KIND, operations)
    },
  }
}

async function planFinds(bench: Bench): Promise<Plan> {
  const { catalogue } = await bench.inside()
  const count = await ensureRows(bench)
  const call = async (n: number) => {
    const query = { bucket: BUCKET as BucketName, key: keyOf(n % count), versionId: undefined }
    const { object } = await catalogue.findObject(query, signal)
    if (!object) throw new Error(`${query.key} is gone`)
    return nothing
  }
  return { warmUp: () => ({ call }), timed: () => () => ({ call }) }
}

async function planLists(bench: Bench): Promise<Plan> {
  const inside = await bench.inside()
  await ensureRows(bench)
  const query = { bucketId: await bucketOf(inside), prefix: '', delimiter: '', after: '', rowsMax: PAGE_KEYS }
  const call = async () => {
    await inside.catalogue.listObjects(query, signal)
    return nothing
  }
  return { warmUp: () => ({ call }), timed: () => () => ({ call }) }
}

async function planDeletes(bench: Bench): Promise<Plan> {
  const inside = await bench.inside()
  const count = await ensureRows(bench)
  const bucketId = await bucketOf(inside)
  const remove = async (key: string) => {
    await inside.catalogue.deleteObjects(bucketId, [{ key: key as ObjectKey }], signal)
    return nothing
  }
  return {
    warmUp: () => ({ call: (n) => remove(`warm-up-${n}`) }),
    timed: () => () => ({ call: (n) => remove(keyOf(n)) }),
    operationsMax: count,
    async finish() {
      bench.objects.delete(KIND)
    },
  }
}

async function committer(bench: Bench): Promise<(key: string) => Promise<typeof nothing>> {
  const inside = await bench.inside()
  await callOnce(bench.target.s3, { method: 'PUT', path: `/${BUCKET}` })
  const bucketId = await bucketOf(inside)
  const servers = [...inside.cluster.servers().keys()]
  const chunkHashes = randomBytes(8 * 32)
  return async (key) => {
    const part = {
      partId: inside.newPartId(),
      sizeBytes: SIZE_BYTES,
      blockBytes: SIZE_BYTES,
      parityChunks: 2,
      servers: Array.from({ length: 8 }, (_, index) => servers[index % servers.length]!),
      chunkHashes,
    }
    await inside.catalogue.commitObject(
      {
        bucketId,
        key: key as ObjectKey,
        sizeBytes: SIZE_BYTES,
        etag: ETAG,
        attributes: ATTRIBUTES,
        checksum: undefined,
        part,
        condition: {},
      },
      signal,
    )
    return nothing
  }
}

async function ensureRows(bench: Bench): Promise<number> {
  const count = bench.objects.get(KIND) ?? 0
  if (count > 0) return count
  const commit = await committer(bench)
  await Promise.all(Array.from({ length: COUNT_MIN }, (_, n) => commit(keyOf(n))))
  bench.objects.set(KIND, COUNT_MIN)
  return COUNT_MIN
}

async function bucketOf({ catalogue }: Inside): Promise<BucketId> {
  const bucket = await catalogue.findBucket(BUCKET as BucketName, signal)
  if (!bucket) throw new Error('the bucket was made before')
  return bucket.id
}

function keyOf(n: number): ObjectKey {
  return `database/${String(n).padStart(8, '0')}` as ObjectKey
}
