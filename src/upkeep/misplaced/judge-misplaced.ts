import { ChunkError } from '../../base/faults.ts'
import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkStore, ListedChunk } from '../../engine/ports/chunk-store.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import { recordedHash } from '../../striping/checksum.ts'
import type { MisplacedCatalogue } from '../ports/misplaced.ts'

export interface MisplacedDeps {
  catalogue: MisplacedCatalogue
  chunks: Pick<ChunkStore, 'describeChunks' | 'verifyChunks'>
  cluster: Pick<ClusterView, 'servers'>
}

/** Copies that lie on a server where their parts' rows do not have them. */
export interface Misplaced {
  /** The copy that the row has is there, or nothing refers to the part: this one may go. */
  redundant: ListedChunk[]
  /** The copy that the row has is not there, and this one is good: the row should have this one. */
  wanted: WantedChunk[]
}

export interface WantedChunk extends ListedChunk {
  /** Where the row has it; NOWHERE: nowhere. */
  from: ServerNumber
}

/**
 * Looks at the copies that count before it says that others do not. What cannot be judged now, because a server does not
 * answer or both copies are bad, is in neither list.
 */
export async function judgeMisplaced(
  deps: MisplacedDeps,
  { server, copies }: { server: ServerNumber; copies: readonly ListedChunk[] },
  signal: AbortSignal,
): Promise<Misplaced> {
  const layouts = await deps.catalogue.findWantedParts(
    copies.map(({ partId }) => partId),
    signal,
  )
  const judged: Misplaced = { redundant: [], wanted: [] }
  const byOwner = new Map<ServerNumber, { copy: ListedChunk; layout: PartLayout }[]>()
  for (const [n, copy] of copies.entries()) {
    const layout = layouts[n]
    if (!layout) {
      judged.redundant.push(copy)
      continue
    }
    const owner = layout.servers[copy.index] ?? NOWHERE
    byOwner.set(owner, [...(byOwner.get(owner) ?? []), { copy, layout }])
  }
  for (const [owner, owned] of byOwner) {
    const lacking = await whatIsLacking(deps, owner, owned, signal)
    if (!lacking) continue
    judged.redundant.push(...owned.filter(({ copy }) => !lacking.includes(copy)).map(({ copy }) => copy))
    const good = await goodCopies(
      deps,
      server,
      owned.filter(({ copy }) => lacking.includes(copy)),
      signal,
    )
    judged.wanted.push(...good.map((copy) => ({ ...copy, from: owner })))
  }
  return judged
}

interface OwnedCopy {
  copy: ListedChunk
  layout: PartLayout
}

/** Of these chunks, those that the server does not have as the rows say; undefined: it does not answer. */
async function whatIsLacking(
  { chunks, cluster }: MisplacedDeps,
  owner: ServerNumber,
  owned: readonly OwnedCopy[],
  signal: AbortSignal,
): Promise<ListedChunk[] | undefined> {
  const copies = owned.map(({ copy }) => copy)
  const status = cluster.servers().get(owner)?.status ?? 'removed'
  if (owner === NOWHERE || status === 'removed') return copies
  const lacking: ListedChunk[] = []
  let n = 0
  try {
    for await (const { description, failure } of chunks.describeChunks(owner, copies, signal)) {
      const { copy, layout } = owned[n++]!
      const isThere = !failure && description.trailer.chunkHash.equals(recordedHash(layout, copy.index))
      if (!isThere) lacking.push(copy)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ChunkError) return undefined
    throw error
  }
  return lacking
}

/** Read from end to end. */
async function goodCopies(
  { chunks }: MisplacedDeps,
  server: ServerNumber,
  owned: readonly OwnedCopy[],
  signal: AbortSignal,
): Promise<ListedChunk[]> {
  if (owned.length === 0) return []
  const good: ListedChunk[] = []
  let n = 0
  const names = owned.map(({ copy }) => copy)
  for await (const { chunkHash, failure } of chunks.verifyChunks(server, names, signal)) {
    const { copy, layout } = owned[n++]!
    if (!failure && chunkHash.equals(recordedHash(layout, copy.index))) good.push(copy)
  }
  return good
}
