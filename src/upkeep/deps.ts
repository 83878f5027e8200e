import type { ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { ChunkStore } from '../engine/ports/chunk-store.ts'
import type { ClusterView } from '../engine/ports/cluster.ts'
import type { UpkeepCatalogue } from './ports/sweeps.ts'

export interface UpkeepDeps {
  catalogue: UpkeepCatalogue
  chunks: Pick<ChunkStore, 'deleteChunks' | 'listChunks' | 'statServer'>
  cluster: Pick<ClusterView, 'servers'>
  log: Log
}

export interface SweepDeps extends UpkeepDeps {
  /** Where chunks may be deleted in this round. */
  touchable: ReadonlySet<ServerNumber>
}
