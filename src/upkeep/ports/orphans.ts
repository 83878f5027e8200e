import type { ServerNumber } from '../../base/ids.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import type { FsckCatalogue } from './fsck.ts'
import type { MisplacedCatalogue } from './misplaced.ts'
import type { RestoreWatch } from './restores.ts'
import type { UpkeepCatalogue } from './sweeps.ts'

/** What the search for orphans needs of the metadata. src/meta implements it. */
export interface OrphanCatalogue
  extends RestoreWatch,
    MisplacedCatalogue,
    Pick<FsckCatalogue, 'judgeChunks'>,
    Pick<UpkeepCatalogue, 'forgetStrays'> {
  /**
   * Of these chunks on a server, those that no part has there, nor can come to have there from now on: they may be
   * deleted. Strays among them must then be forgotten.
   */
  claimOrphans(
    query: { server: ServerNumber; chunks: readonly ChunkName[] },
    signal: AbortSignal,
  ): Promise<(ChunkName & { isStray: boolean })[]>
}
