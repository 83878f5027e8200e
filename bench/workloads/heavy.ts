import { createUpload, type MultipartUpload } from '../load/multipart.ts'
import { callers, callOnce } from '../load/s3.ts'
import { BUCKET, bodyOf, ensureObjects, pathOf, planPut, putOf } from './objects.ts'
import { type Bench, type Plan, type Scale, sizeName, type Workload } from './workload.ts'

const MIB = 2 ** 20
const UPLOADS_AT_ONCE = 100
const PART_BYTES_MAX = 64 * MIB
const PARTS_AT_ONCE = 4
const LARGE_PATH = `/${BUCKET}/large-file`

/** The load tests of the original design: a hundred uploads at once, and a file as large as one may be. */
export function heavyWorkloads({ uploadBytes, largeFileBytes }: Scale): Workload[] {
  const objects = { kind: 'at-once', sizeBytes: uploadBytes }
  const both = { group: 'load', unit: 'GiB' } as const
  const large = sizeName(largeFileBytes)
  return [
    {
      ...both,
      name: `${UPLOADS_AT_ONCE}-uploads-of-${sizeName(uploadBytes)}`,
      clients: UPLOADS_AT_ONCE,
      writes: true,
      plan: (bench) => planPut(bench, objects),
    },
    {
      ...both,
      name: `put-file-of-${large}`,
      clients: PARTS_AT_ONCE,
      writes: true,
      plan: (bench) => planLargePut(bench, largeFileBytes),
    },
    {
      ...both,
      name: `get-file-of-${large}`,
      clients: 1,
      writes: false,
      plan: (bench) => planLargeGet(bench, largeFileBytes),
    },
  ]
}

/** By multipart; warmed up with plain PUTs of a part's size. */
async function planLargePut(bench: Bench, fileBytes: number): Promise<Plan> {
  const { s3 } = bench.target
  await callOnce(s3, { method: 'PUT', path: `/${BUCKET}` })
  const { parts, partBytes } = partsOf(fileBytes)
  const upload = await createUpload(s3, LARGE_PATH)
  return {
    warmUp: callers(s3, (n) => putOf({ kind: 'warm-up/large', sizeBytes: partBytes }, n)),
    timed: () => callers(s3, (n) => partOf(upload, n, partBytes)),
    operations: parts,
    async finish() {
      await upload.complete()
      bench.objects.set(LARGE_PATH, 1)
    },
  }
}

/** One download of the whole. */
async function planLargeGet(bench: Bench, fileBytes: number): Promise<Plan> {
  const { s3 } = bench.target
  if (!bench.objects.has(LARGE_PATH)) throw new Error('the large file is read only after it was written')
  const objects = { kind: 'warm-up/large-read', sizeBytes: partsOf(fileBytes).partBytes }
  await ensureObjects(bench, objects)
  return {
    warmUp: callers(s3, () => ({ method: 'GET', path: pathOf(objects, 0) })),
    timed: () => callers(s3, () => ({ method: 'GET', path: LARGE_PATH })),
    operations: 1,
  }
}

function partOf(upload: MultipartUpload, n: number, partBytes: number) {
  return { method: 'PUT', path: upload.pathOf(n), body: bodyOf(partBytes) }
}

function partsOf(fileBytes: number): { parts: number; partBytes: number } {
  const partBytes = Math.min(PART_BYTES_MAX, fileBytes / 2)
  return { parts: Math.ceil(fileBytes / partBytes), partBytes }
}
