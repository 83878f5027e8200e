import type { Catalogue } from '../../../src/engine/ports/catalogue.ts'
import type { ChunkStore } from '../../../src/engine/ports/chunk-store.ts'
import type { CrashDisk } from '../../storage-node/disk/crash-fs.ts'
import type { MemoryCatalogue } from '../catalogue/memory-catalogue.ts'
import type { GatewayDeps } from './gateway.ts'

/** Changes of the wiring that break a promise, for tests of what finds that out. */
export interface Twist {
  /** How long a doomed part's chunks are kept. */
  doomedGraceSeconds?: number
  /** What nodes' disks lie about. */
  forgets?: CrashDisk['forgets']
  chunks?: (chunks: ChunkStore, deps: GatewayDeps) => ChunkStore
  catalogue?: (catalogue: Catalogue, deps: GatewayDeps) => Catalogue
  sweeps?: (sweeps: MemoryCatalogue['sweeps'], deps: GatewayDeps) => MemoryCatalogue['sweeps']
  repairs?: (repairs: MemoryCatalogue['repairs'], deps: GatewayDeps) => MemoryCatalogue['repairs']
}
