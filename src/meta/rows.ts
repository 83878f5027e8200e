import type { AccountId, BucketId, BucketName, ObjectKey, PartId, ServerNumber, UploadId } from '../base/ids.ts'
import type {
  Bucket,
  BucketSettings,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  ObjectAttributes,
  ObjectExtras,
  PartLayout,
  Upload,
  Versioning,
} from '../base/model.ts'
import type { EventOrigin } from '../base/notifications/rules.ts'
import type { Row } from './statement.ts'

/** Rows of ours become the model's values: what is in the database was parsed before it came there. */

/** A bucket as one JSON value: parsing that costs half of what reading as many columns costs. For `b`, a row of buckets. */
export const bucketJson =
  'json_build_array(b.bucket_id, b.name, b.owner_id, b.region, b.created_at, b.versioning, b.settings)'

/** All null: there is none. */
export type BucketJson = readonly [
  ...[id: BucketId | null, name: BucketName, ownerId: AccountId, region: string, createdAt: string],
  ...[versioning: Versioning, settings: BucketSettings],
]

export function toBucket([id, name, ownerId, region, createdAt, versioning, settings]: BucketJson): Bucket | undefined {
  return id === null ? undefined : { id, name, ownerId, region, createdAt: new Date(createdAt), versioning, settings }
}

export function toAttributes(row: Row): ObjectAttributes {
  return {
    headers: row.headers as Record<string, string>,
    userMetadata: row.user_metadata as Record<string, string>,
    storageClass: row.storage_class as string,
  }
}

export function toChecksum(row: Row): Checksum | undefined {
  if (row.checksum_algorithm === null) return undefined
  return {
    algorithm: row.checksum_algorithm as ChecksumAlgorithm,
    value: row.checksum_value as string,
    type: row.checksum_type as ChecksumType,
  }
}

/** What few rows of objects and uploads have, as one JSON value; null where there is nothing. For a row of either. */
export const extrasJson = (
  row: string,
) => `case when num_nonnulls(${row}.tags, ${row}.lock, ${row}.encryption, ${row}.access) > 0
  then json_build_array(${row}.tags, ${row}.lock, ${row}.encryption, ${row}.access) end`

export type ExtrasJson = readonly [
  ...[tags: ObjectExtras['tags'] | null, lock: ObjectExtras['lock'] | null],
  ...[encryption: ObjectExtras['encryption'] | null, access: ObjectExtras['access'] | null],
]

/** To be spread into what has them. */
export function toExtras(json: ExtrasJson | null): { extras?: ObjectExtras } {
  if (json === null) return {}
  const [tags, lock, encryption, access] = json
  return {
    extras: {
      ...(tags && { tags }),
      ...(lock && { lock }),
      ...(encryption && { encryption }),
      ...(access && { access }),
    },
  }
}

/** As the functions of the database take them; null where there is nothing. */
export function extrasText(extras: ObjectExtras | undefined): string | null {
  return extras && Object.values(extras).some((value) => value !== undefined) ? JSON.stringify(extras) : null
}

/** As the functions of the database take it; null where nobody is told. */
export function originText(origin: EventOrigin | undefined): string | null {
  return origin ? JSON.stringify(origin) : null
}

/** A layout as one JSON value; for `p`, a row of parts. */
export const layoutJson = `json_build_array(p.part_id, p.size_bytes, p.block_bytes, p.parity_chunks, p.servers, encode(p.chunk_hashes, 'hex'), p.plain_bytes)`

export type LayoutJson = readonly [PartId, number, number, number, ServerNumber[], string, number | null]

export function toLayout(json: LayoutJson): PartLayout {
  const [partId, sizeBytes, blockBytes, parityChunks, servers, hashes, plainBytes] = json
  const layout = { partId, sizeBytes, blockBytes, parityChunks, servers, chunkHashes: Buffer.from(hashes, 'hex') }
  return plainBytes === null ? layout : { ...layout, plainBytes }
}

/** Of a part that is compressed; null: what is stored is as long as what it says. */
export function storedBytes(part: PartLayout | undefined): number | null {
  return part?.plainBytes === undefined ? null : part.sizeBytes
}

export const uploadColumns = `s.upload_id, s.bucket_id, s.key, s.initiated_at, s.initiator_id, s.headers, s.user_metadata,
  s.storage_class, s.checksum_algorithm, s.checksum_type, s.state, ${extrasJson('s')} as extras`

export function toUpload(row: Row): Upload {
  return {
    uploadId: row.upload_id as UploadId,
    bucketId: Number(row.bucket_id) as BucketId,
    key: row.key as ObjectKey,
    initiatedAt: row.initiated_at as Date,
    initiatorId: row.initiator_id as AccountId,
    attributes: toAttributes(row),
    checksumAlgorithm: (row.checksum_algorithm ?? undefined) as ChecksumAlgorithm | undefined,
    checksumType: (row.checksum_type ?? undefined) as ChecksumType | undefined,
    ...toExtras(row.extras as ExtrasJson | null),
    state: row.state as Upload['state'],
  }
}

/** A column of parameters that is mostly empty costs nothing where it is all empty. */
export function allOrNull<T>(values: readonly (T | null)[]): readonly (T | null)[] | null {
  return values.some((value) => value !== null) ? values : null
}

/** PostgreSQL's array text of numbers, which need no quoting. */
export function intArray(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`
}

/** Chunk indexes as a bit each, 1 for chunk 0. */
export function toBits(indexes: readonly number[]): number {
  return indexes.reduce((bits, index) => bits | (1 << index), 0)
}

export function toIndexes(bits: number): number[] {
  const indexes: number[] = []
  for (let index = 0; bits >>> index !== 0; index++) if ((bits >>> index) & 1) indexes.push(index)
  return indexes
}

/** Below every id. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000'
