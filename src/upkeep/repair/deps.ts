import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { Rebuilder, RepairCatalogue, RepairPlacer } from '../ports/repair.ts'

export interface RepairDeps {
  catalogue: RepairCatalogue
  chunks: Pick<ChunkStore, 'verifyChunks' | 'deleteChunks' | 'statServer' | 'isReachable'>
  placer: RepairPlacer
  rebuilder: Rebuilder
  clock: Clock
  log: Log
}
