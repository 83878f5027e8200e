import type { PartLayout } from '../../../src/base/model.ts'
import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import { buckets } from './buckets.ts'
import { census } from './census.ts'
import { cluster } from './cluster.ts'
import { jobs } from './jobs.ts'
import { objects } from './objects.ts'
import { repairs } from './repairs.ts'
import { sessions } from './sessions.ts'
import { sweeps } from './sweeps.ts'
import type { MemoryDatabase } from './tables.ts'
import { uploads } from './uploads.ts'

/** What of the catalogue a simulation does without. */
type LeftOut =
  | 'findAccessKey'
  | 'findAccount'
  | 'findAccountByEmail'
  | 'listBuckets'
  | 'listVersions'
  | 'findOwners'
  | 'listUploads'
  | 'changeBucketSetting'
  | 'findBucketDocument'
  | 'putBucketDocument'
  | 'tagObject'
  | 'setObjectAccess'
  | 'retainObject'
  | 'holdObject'
  | 'lockBucket'
  | 'putLifecycle'
  | 'findRename'

export interface CatalogueOptions {
  uploadTtlMs: number
  /** After which a sweep takes what a repair has planned and never ended. */
  planMs: number
  /** NOTIFY sextant_cluster. */
  notify: () => void
  /** Told of every part that is committed. */
  onPart?: (layout: PartLayout) => void
  /** Told of chunks that a repair has moved. */
  onMoves?: MemoryDatabase['onMoves']
}

export type MemoryCatalogue = ReturnType<typeof memoryCatalogue>

/**
 * The metadata in memory, for simulations: PostgreSQL cannot be simulated. Each method is one transaction, and happens at
 * one moment. catalogue.test.ts holds it against the real one.
 */
export function memoryCatalogue(db: MemoryDatabase, options: CatalogueOptions) {
  db.onPart = options.onPart ?? (() => {})
  db.onMoves = options.onMoves ?? (() => {})
  const catalogue: Omit<Catalogue, LeftOut> = { ...buckets(db), ...objects(db), ...uploads(db, options) }
  return {
    catalogue,
    sweeps: sweeps(db),
    repairs: repairs(db, options),
    census: census(db),
    jobs: jobs(db),
    cluster: cluster(db, options.notify),
    sessions: sessions(db),
  }
}
