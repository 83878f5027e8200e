import { hash } from 'node:crypto'
import {
  makePartId,
  type ObjectKey,
  type PartId,
  type ServerNumber,
  type UploadId,
  type VersionId,
} from '../../../src/base/ids.ts'
import type { ObjectExtras, PartLayout, WriteCondition } from '../../../src/base/model.ts'
import type { DeleteTarget } from '../../../src/engine/ports/catalogue.ts'
import type { Chance } from '../world/chance.ts'
import { type Side, START_MS } from './sides.ts'

/** One thing that both databases are asked. */
export interface Move {
  name: string
  ask(side: Side): Promise<unknown>
}

const KEYS = ['a', 'a/1', 'a/2', 'b'] as ObjectKey[]

/** What is drawn for the next move, of what was made so far. */
export class Draws {
  readonly chance: Chance
  readonly ownerId: Side['bucket']['ownerId']
  readonly layouts: PartLayout[] = []
  readonly uploads: { uploadId: UploadId; key: ObjectKey }[] = []
  sessions = 0
  servers = 0
  count = 0

  constructor(chance: Chance, ownerId: Side['bucket']['ownerId']) {
    this.chance = chance
    this.ownerId = ownerId
  }

  key(): ObjectKey {
    return this.chance.one(KEYS)
  }

  condition(): WriteCondition {
    const what = this.chance.integer(8)
    if (what === 0) return { ifNoneMatch: '*' }
    if (what === 1) return { ifMatch: '*' }
    return what === 2 ? { ifMatch: this.etag() } : {}
  }

  /** Often without a version; else one by its alias (see Side.realId), which may not be there yet. */
  target(): DeleteTarget {
    const what = this.chance.integer(4)
    const versionId = what === 0 ? `version ${this.chance.integer(30)}` : what === 1 ? 'null' : undefined
    const condition = this.chance.one([
      undefined,
      undefined,
      undefined,
      undefined,
      { etag: '*' },
      { etag: this.etag() },
      { sizeBytes: this.chance.one([0, 5]) },
      { modified: this.chance.one([new Date(0), new Date(START_MS)]) },
    ])
    return { key: this.key(), versionId: versionId as VersionId | undefined, condition }
  }

  extras(): ObjectExtras | undefined {
    return this.chance.one([undefined, undefined, { tags: [['n', String(this.chance.integer(9))]] }])
  }

  etag(): string {
    return hash('md5', String(this.chance.integer(4)))
  }

  id(session: number): PartId {
    this.count += 1
    return makePartId(1_700_000_000_000 + this.count, { a: 1, b: 2 }, session)
  }

  /** A new one, or one that was there before. */
  layout(): PartLayout {
    if (this.layouts.length > 0 && this.chance.happens(0.15)) return this.chance.one(this.layouts)
    const servers = [1, 2, 3, 4, 5, 6, 7, 8].map((server) => (this.chance.happens(0.04) ? 0 : server)) as ServerNumber[]
    const partId = this.id(1 + this.chance.integer(Math.max(1, this.sessions)))
    const made = {
      partId,
      sizeBytes: 5,
      blockBytes: 4096,
      parityChunks: 2,
      servers,
      chunkHashes: this.chance.bytes(256),
    }
    this.layouts.push(made)
    return made
  }

  someParts(): PartLayout[] {
    return this.chance.shuffled(this.layouts).slice(0, 2)
  }

  upload(): { uploadId: UploadId; key: ObjectKey } {
    const none = { uploadId: '00000000-0000-7000-8000-000000000000' as UploadId, key: KEYS[0]! }
    return this.uploads.length === 0 ? none : this.chance.one(this.uploads.slice(-4))
  }
}
