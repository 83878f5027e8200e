import { randomBytes, randomUUID } from 'node:crypto'
import type { BucketName, ObjectKey, PartId, ServerNumber, UploadId } from '../../src/base/ids.ts'
import { makePartId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { StatementMeter } from '../../src/base/meters.ts'
import type { Account, Bucket, ObjectAttributes, PartLayout, Upload } from '../../src/base/model.ts'
import type { BatchMeter } from '../../src/base/spans.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { NewUpload, ObjectCommit, PartCommit } from '../../src/engine/ports/catalogue.ts'
import { connectMeta, type Meta, type MetaSettings } from '../../src/meta/connect.ts'
import { execute, openTestDatabase, type TestDatabase } from '../support/postgres.ts'

export const live = new AbortController().signal
export const sealingKey = Buffer.alloc(32, 7)

export interface MetaFixture extends AsyncDisposable {
  db: TestDatabase
  meta: Meta
  owner: Account
  bucket: Bucket
  /** Another process on the same database. */
  connect(settings?: Partial<MetaSettings>): Promise<Meta>
  sql(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>
}

/** Who is told of statements. */
export interface MetaListeners {
  meter?: StatementMeter
  batched?: BatchMeter
}

/** A fresh database with one account and one bucket. */
export async function openMeta(
  settings: Partial<MetaSettings> = {},
  listeners: MetaListeners = {},
): Promise<MetaFixture> {
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  const db = stack.use(await openTestDatabase())
  const connect = async (more: Partial<MetaSettings> = {}) =>
    stack.use(
      await connectMeta({
        url: db.url,
        sealingKey,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        settings: { ...settings, ...more },
        ...listeners,
      }),
    )
  const meta = await connect()
  const owner = await meta.accounts.createAccount({ name: 'owner' }, live)
  const bucket = await meta.catalogue.createBucket(
    { name: 'photos' as BucketName, ownerId: owner.id, region: 'us-east-1' },
    live,
  )
  unlessDone.move() // it is the caller's to dispose from here on
  return {
    db,
    meta,
    owner,
    bucket,
    connect,
    sql: (text, values) => execute(db.url, text, values),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

export const attributes: ObjectAttributes = {
  headers: { 'content-type': 'text/plain' },
  userMetadata: { colour: 'grün' },
  storageClass: 'STANDARD',
}

export function newPartId(session = 1): PartId {
  return makePartId(Date.now(), { a: systemRandom.integer(4096), b: systemRandom.integer(2 ** 30) }, session)
}

export function layout(more: Partial<PartLayout> = {}): PartLayout {
  return {
    partId: newPartId(),
    sizeBytes: 5,
    blockBytes: 4096,
    parityChunks: 2,
    servers: [1, 2, 3, 4, 5, 6, 7, 8] as ServerNumber[],
    chunkHashes: randomBytes(8 * 32),
    ...more,
  }
}

export function commit(bucket: Bucket, key: string, more: Partial<ObjectCommit> = {}): ObjectCommit {
  return {
    bucketId: bucket.id,
    key: key as ObjectKey,
    sizeBytes: 5,
    etag: randomBytes(16).toString('hex'),
    attributes,
    checksum: { algorithm: 'CRC32', value: 'AAAAAA==', type: 'FULL_OBJECT' },
    part: layout(),
    condition: {},
    ...more,
  }
}

export function newUpload(bucket: Bucket, key: string, initiatorId: Account['id']): NewUpload {
  return {
    uploadId: randomUUID() as UploadId,
    bucketId: bucket.id,
    key: key as ObjectKey,
    initiatorId,
    attributes,
    checksumAlgorithm: 'CRC32',
    checksumType: 'FULL_OBJECT',
  }
}

export function partCommit(upload: { uploadId: UploadId }, number: number, more: Partial<PartCommit> = {}): PartCommit {
  return {
    uploadId: upload.uploadId,
    number,
    sizeBytes: 5,
    etag: randomBytes(16).toString('hex'),
    checksum: undefined,
    part: layout(),
    ...more,
  }
}

/** As if the upload had been looked at: what completeUpload wants. */
export function asUpload(upload: NewUpload): Upload {
  return { ...upload, initiatedAt: new Date(0), state: 'open' }
}

/** Parts whose count of references is not the truth, and parts at 0 that nobody dooms, or doomed ones above. */
export const brokenReferences = /* sql */ `
  with truth as (
    select part_id, count(*)::int as n from (
      select unnest(part_ids) as part_id from objects union all select part_id from upload_parts) as r
     where part_id is not null group by 1)
  select p.part_id, p.refs, coalesce(t.n, 0) as truth, d.part_id is not null as doomed
    from parts p left join truth t using (part_id) left join doomed_parts d using (part_id)
   where p.refs <> coalesce(t.n, 0) or (p.refs = 0) <> (d.part_id is not null)
  union all
  select t.part_id, null, t.n, false from truth t where not exists (select from parts p where p.part_id = t.part_id)`
