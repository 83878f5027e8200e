import type { Content } from './content.ts'

/*
 * What S3 keeps of one bucket, and the few changes that all operations are made of. Written from S3's documentation
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html), not from the store's code. Ids that the store makes
 * go by names: `v3` is the version that step 3 made.
 */

/** What clients say of an object beside its bytes. */
export interface Attributes {
  type: string
  /** `name=value`, by name. */
  meta: readonly string[]
  /** `key=value`, in their order. */
  tags: readonly string[]
}

export interface Version extends Attributes {
  key: string
  id: string
  isMarker: boolean
  content: Content
  etag: string
  /** By number; undefined: it was not made of parts. */
  parts: readonly { number: number; bytes: number }[] | undefined
  /** The checksum that it came with. */
  crc32?: string | undefined
}

export interface Part {
  content: Content
  etag: string
}

export interface Upload extends Attributes {
  key: string
  id: string
  parts: Map<number, Part>
  /** What it was completed of, and the answer. */
  completed?: { numbers: readonly number[]; etag: string; version: string | undefined }
}

export type Fault = 'NoSuchKey' | 'NoSuchVersion' | 'marker'

export const NO_ATTRIBUTES: Attributes = { type: 'binary/octet-stream', meta: [], tags: [] }
const NULL = 'null'

export class Bucket {
  versioning: 'never' | 'Enabled' | 'Suspended' = 'never'
  /** Of each key the newest first. */
  readonly #versions = new Map<string, Version[]>()
  /** Open and completed ones, in the order of their making. */
  uploads: Upload[] = []

  /** By key, of each the newest first. */
  get versions(): Version[] {
    return [...this.#versions.keys()].sort().flatMap((key) => this.versionsOf(key))
  }

  versionsOf(key: string): readonly Version[] {
    return this.#versions.get(key) ?? []
  }

  /** The object that a key has: none if its newest version is a delete marker. */
  current(key: string): Version | undefined {
    const newest = this.versionsOf(key)[0]
    return newest?.isMarker ? undefined : newest
  }

  /** What a request for a key, or for a version of it, is about; or why it is about nothing. `marker`: of that version. */
  find(key: string, id: string | undefined): Version | Fault {
    const found = id === undefined ? this.versionsOf(key)[0] : this.versionsOf(key).find((each) => each.id === id)
    if (!found) return id === undefined ? 'NoSuchKey' : 'NoSuchVersion'
    if (found.isMarker) return id === undefined ? 'NoSuchKey' : 'marker'
    return found
  }

  /** Whether a read without a version comes upon a delete marker. */
  isDeleted(key: string): boolean {
    return this.versionsOf(key)[0]?.isMarker === true
  }

  /** A new version, `newId` where versions have ids; without versioning, or with it suspended, the one called null. */
  write(version: Omit<Version, 'id' | 'isMarker'>, newId: string): Version {
    return this.#add({ ...version, id: this.versioning === 'Enabled' ? newId : NULL, isMarker: false })
  }

  /** A delete without a version: answers the marker, where there are markers. */
  remove(key: string, newId: string): Version | undefined {
    if (this.versioning === 'never') return void this.#versions.delete(key)
    const id = this.versioning === 'Enabled' ? newId : NULL
    return this.#add({ ...NO_ATTRIBUTES, key, id, isMarker: true, content: [], etag: '', parts: undefined })
  }

  /** For good; answers what it was, if it was there. */
  removeVersion(key: string, id: string): Version | undefined {
    const gone = this.versionsOf(key).find((each) => each.id === id)
    this.#versions.set(
      key,
      this.versionsOf(key).filter((each) => each !== gone),
    )
    return gone
  }

  change(version: Version, to: Partial<Attributes>): void {
    Object.assign(version, to)
  }

  openUpload(id: string, key?: string): Upload | undefined {
    const upload = this.uploads.find((each) => each.id === id)
    return upload && !upload.completed && (key === undefined || upload.key === key) ? upload : undefined
  }

  /** Of the version that a write made, as its answer tells it. */
  toldId(version: Version): string | undefined {
    return this.versioning === 'Enabled' ? version.id : undefined
  }

  /** Of the version that a read is about, as its answer tells it. */
  readId(version: Version): string | undefined {
    return this.versioning === 'never' ? undefined : version.id
  }

  #add(version: Version): Version {
    const others = this.versionsOf(version.key).filter((each) => each.id !== version.id)
    this.#versions.set(version.key, [version, ...others])
    return version
  }
}
