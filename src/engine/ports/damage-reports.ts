import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkName } from './chunk-store.ts'

/** Where reads tell of chunks that they found missing or rotten, so that they are repaired. src/upkeep implements it. */
export interface DamageReports {
  /** Never throws, and never keeps the reader waiting; it may be told the same again and again. */
  reportDamage(damage: ChunkDamage): void
}

export interface ChunkDamage extends ChunkName {
  /** Where the chunk was read: by the time that the report is looked at, the chunk may be elsewhere. */
  server: ServerNumber
  why: string
}
