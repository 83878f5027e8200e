/** Names that were checked once, where they came in: parse at the edge, trust inside. */
declare const brand: unique symbol
export type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** A bucket's name, checked against S3's naming rules. */
export type BucketName = Branded<string, 'BucketName'>
/** An object's key: 1 to 1,024 bytes of UTF-8. */
export type ObjectKey = Branded<string, 'ObjectKey'>
/** A version as S3 shows it; `null` (the four letters) where the bucket keeps no versions. */
export type VersionId = Branded<string, 'VersionId'>
/** A multipart upload, a UUID. */
export type UploadId = Branded<string, 'UploadId'>
/** A part's UUIDv7, 36 characters, lower case. Its last 4 bytes are the session of the gateway that wrote it. */
export type PartId = Branded<string, 'PartId'>
/** The row number of a bucket in the catalogue. */
export type BucketId = Branded<number, 'BucketId'>
/** A small number that stands for a storage server in part rows; 0 means «nowhere». */
export type ServerNumber = Branded<number, 'ServerNumber'>
/** A storage server's UUID; lives in its data directory. */
export type ServerId = Branded<string, 'ServerId'>
/** S3's canonical user id: 64 hex digits. */
export type AccountId = Branded<string, 'AccountId'>

/** Where a missing chunk is. */
export const NOWHERE = 0 as ServerNumber
export const NULL_VERSION = 'null' as VersionId
export const PART_ID_BYTES = 16
/** No part's id is above it. */
export const LAST_PART_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff' as PartId
/** A chunk id on the wire and on disk: the part id, 1 byte of index. */
export const CHUNK_ID_BYTES = PART_ID_BYTES + 1

/** The 16 bytes of a part id. */
export function partIdBytes(id: PartId): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

export function partIdFromBytes(bytes: Uint8Array, offset = 0): PartId {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as PartId
}

/** The 17 bytes that name chunk `index` of a part. */
export function chunkIdBytes(id: PartId, index: number): Buffer {
  const bytes = Buffer.allocUnsafe(CHUNK_ID_BYTES)
  bytes.write(id.replaceAll('-', ''), 0, 'hex')
  bytes[16] = index
  return bytes
}

/**
 * A UUIDv7 (RFC 9562, section 5.7) whose last 4 bytes are the gateway session,
 * so that what a crashed gateway left on the nodes can be found by asking them.
 * `random` gives 42 random bits: 12 in `a`, 30 in `b`.
 */
export function makePartId(unixMs: number, random: { a: number; b: number }, session: number): PartId {
  const ms = unixMs.toString(16).padStart(12, '0')
  const a = (random.a & 0xfff).toString(16).padStart(3, '0')
  const b = ((random.b & 0x3fff_ffff) | 0x8000_0000) >>> 0
  const high = b.toString(16).padStart(8, '0')
  const low = (session >>> 0).toString(16).padStart(8, '0')
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${a}-${high.slice(0, 4)}-${high.slice(4)}${low}` as PartId
}

/** A version is named after the part that was written for it, or after its upload: version_id_v1 of the database. */
export function versionIdOf(id: PartId | UploadId): VersionId {
  return id.replaceAll('-', '') as VersionId
}

/** Which gateway session made a part id: its last 4 bytes, as PostgreSQL's integer has them (signed). */
export function sessionOfPart(id: PartId): number {
  return Number.parseInt(id.slice(-8), 16) | 0
}
