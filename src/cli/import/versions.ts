import { createHash } from 'node:crypto'

/** A version of an object, or a delete marker, as a listing tells of it. */
export interface ListedVersion {
  /** Undefined where only what is current is listed. */
  versionId: string | undefined
  isMarker: boolean
  /** Without quotes; empty of a marker. */
  etag: string
  sizeBytes: number
  lastModifiedMs: number
}

/** All of a key, the oldest first; never none. */
export interface KeyHistory {
  key: string
  versions: readonly ListedVersion[]
}

export type History = readonly ListedVersion[]

/** S3 lists keys in the order of their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Of what was uploaded in parts, `<hex>-<parts>`: how many; else undefined. */
export function partsOf(etag: string): number | undefined {
  const [, parts] = /^[0-9a-f]{32}-(\d{1,5})$/.exec(etag) ?? []
  return parts === undefined ? undefined : Number(parts)
}

/** As S3 makes it of the MD5s, in hex, of all parts. */
export function multipartEtag(md5s: readonly string[]): string {
  const digest = createHash('md5')
    .update(Buffer.from(md5s.join(''), 'hex'))
    .digest('hex')
  return `${digest}-${md5s.length}`
}
