import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'

/** What is needed of the metadata to put right where chunks are. src/meta implements it. */
export interface MisplacedCatalogue {
  /** In the order asked; undefined for those that nothing refers to. */
  findWantedParts(partIds: readonly PartId[], signal: AbortSignal): Promise<(PartLayout | undefined)[]>
  /**
   * Has rows say that these chunks are on `server`, where they were found, if they still say that they are at `from`.
   * Answers those that do now.
   */
  adoptChunks(
    query: { server: ServerNumber; chunks: readonly (ChunkName & { from: ServerNumber })[] },
    signal: AbortSignal,
  ): Promise<ChunkName[]>
}
