import type { Log } from '../base/log.ts'
import type { ChunkStore } from '../engine/ports/chunk-store.ts'
import type { ClusterView } from '../engine/ports/cluster.ts'
import type { UpkeepCatalogue } from './ports/sweeps.ts'

export interface UpkeepDeps {
  catalogue: UpkeepCatalogue
  chunks: Pick<ChunkStore, 'deleteChunks' | 'isReachable' | 'listChunks'>
  cluster: Pick<ClusterView, 'servers'>
  log: Log
}
