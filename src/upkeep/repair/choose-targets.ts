import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkMove } from '../ports/repair.ts'
import type { RepairDeps } from './deps.ts'
import { type ChunkCondition, examineChunks } from './examine-chunks.ts'

/** lost: nowhere, or on a server that is lost. */
export type WantedCondition = Exclude<ChunkCondition, 'sound' | 'unknown'> | 'lost'

export interface Wanted {
  layout: PartLayout
  /** The chunks to make anew, with what is wrong with each. */
  wanted: ReadonlyMap<number, WantedCondition>
  lost: readonly ServerNumber[]
}

/**
 * Where each wanted chunk goes, by the ring: as if it were placed today among the part's other chunks. It may go back to
 * where it was, where the old copy must make room before its successor is written: a rotten one does so only if six other
 * chunks are sound to the last block, a strange one never. Chunks for which there is no server are left out.
 */
export async function chooseTargets(deps: RepairDeps, part: Wanted, signal: AbortSignal): Promise<ChunkMove[]> {
  const { layout, wanted, lost } = part
  const placed = layout.servers.map((server, index) => (wanted.has(index) ? NOWHERE : server))
  const moves: ChunkMove[] = []
  for (const [index, condition] of wanted) {
    const failed = new Set(lost)
    let server = deps.placer.replace(layout.partId, index, placed, failed)
    if (
      server !== undefined &&
      server === layout.servers[index] &&
      !(await mayMakeRoom(deps, part, condition, signal))
    ) {
      failed.add(server)
      server = deps.placer.replace(layout.partId, index, placed, failed)
    }
    if (server === undefined) continue
    placed[index] = server
    moves.push({ index, server })
  }
  return moves
}

async function mayMakeRoom(
  deps: RepairDeps,
  { layout, wanted }: Wanted,
  condition: WantedCondition,
  signal: AbortSignal,
): Promise<boolean> {
  if (condition !== 'rotten') return condition === 'missing'
  const others = [...layout.servers.keys()].filter((index) => !wanted.has(index))
  const conditions = await examineChunks(deps, layout, others, signal)
  return [...conditions.values()].filter((each) => each === 'sound').length >= DATA_CHUNKS
}
