import { LAST_PART_ID, type PartId, type ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import type { FsckCatalogue } from '../ports/fsck.ts'
import { checkRange } from './check-range.ts'
import { emptyReport, type FsckReport } from './report.ts'

export interface FsckDeps {
  catalogue: FsckCatalogue
  chunks: Pick<ChunkStore, 'listChunks' | 'describeChunks' | 'verifyChunks'>
  cluster: Pick<ClusterView, 'servers'>
}

export interface FsckOptions {
  /** Look at headers and trailers too, and compare hashes: a few small reads a chunk. */
  readsHeaders: boolean
  /** Have rows take over chunks that are elsewhere than they say, and queue what is missing or damaged for repair. */
  mends: boolean
  /** Parts in one range. Each range costs every node a look through its index, and this process about 1 KiB a part. */
  partsAtOnce: number
  /** Called now and then. */
  onProgress(report: FsckReport, partsInAll: number): void
}

/**
 * Compares the metadata with the nodes, both ways, range by range in the order of part ids, while the store works: what
 * looks wrong is looked at again before it is called so. The payload is not read: that is what the scrub does.
 */
export async function checkStore(deps: FsckDeps, options: FsckOptions, signal: AbortSignal): Promise<FsckReport> {
  const audit = await deps.catalogue.auditTables(signal)
  const report = emptyReport(audit.faults)
  const silent = new Set<ServerNumber>()
  const { partsAtOnce: rowsMax } = options
  for (let after: PartId | undefined; ; ) {
    const query = { after: after ?? '', before: LAST_PART_ID, rowsMax }
    const layouts = await deps.catalogue.listParts(query, signal)
    const isLast = layouts.length < rowsMax
    const until = isLast ? undefined : layouts.at(-1)!.partId
    await checkRange({ ...deps, options, report, silent }, { layouts, after, until }, signal)
    report.silentServers = [...silent].sort((a, b) => a - b)
    options.onProgress(report, audit.parts)
    if (isLast) return report
    after = until
  }
}

/** Parts' rows, and the range of ids that they were all rows of. */
export interface PartRange {
  layouts: readonly PartLayout[]
  /** undefined: from the first. */
  after: PartId | undefined
  /** undefined: to the last. */
  until: PartId | undefined
}

export interface CheckContext extends FsckDeps {
  options: FsckOptions
  report: FsckReport
  /** Servers that did not answer: they are not asked again. */
  silent: Set<ServerNumber>
}
