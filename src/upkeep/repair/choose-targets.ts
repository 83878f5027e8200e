import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import { DATA_CHUNKS } from '../../base/limits.ts'
import type { PartLayout } from '../../base/model.ts'
import { faultTolerance } from '../census/fault-tolerance.ts'
import type { ChunkMove } from '../ports/repair.ts'
import type { RepairDeps } from './deps.ts'
import { type ChunkCondition, examineChunks } from './examine-chunks.ts'

/** lost: nowhere, or on a server that is lost. leaving: there, on a server that is to be emptied. */
export type WantedCondition = Exclude<ChunkCondition, 'sound' | 'unknown'> | 'lost' | 'leaving'

export interface Wanted {
  layout: PartLayout
  /** The chunks to make anew, with what is wrong with each. */
  wanted: ReadonlyMap<number, WantedCondition>
  /** Servers that no chunk is to go to. */
  unwanted: readonly ServerNumber[]
}

/** How far one attempt has come. */
export interface Attempt {
  /** Chunks that are durable where they are to be. */
  made: readonly ChunkMove[]
  /** Servers that did not take a chunk, by its index. */
  refused: ReadonlyMap<number, readonly ServerNumber[]>
}

/**
 * Where each wanted chunk that is not made yet goes, by the ring: as if it were placed today among the part's other chunks. Not back to where it
 * was, for there the old copy must make room before its successor is written; unless no other place is as safe. Even then
 * a rotten one makes room only if six other chunks are sound to the last block, a strange one never. Chunks for which there
 * is no server are left out.
 */
export async function chooseTargets(
  deps: RepairDeps,
  part: Wanted,
  { made, refused }: Attempt,
  signal: AbortSignal,
): Promise<ChunkMove[]> {
  const { layout, wanted, unwanted } = part
  const { partId } = layout
  const placed = layout.servers.map((server, index) => (wanted.has(index) ? NOWHERE : server))
  for (const { index, server } of made) placed[index] = server
  const moves: ChunkMove[] = []
  for (const [index, condition] of wanted) {
    if (placed[index] !== NOWHERE) continue
    const was = layout.servers[index]!
    const closed = [...unwanted, ...(refused.get(index) ?? [])]
    let server = deps.placer.replace(partId, index, placed, new Set(closed))
    if (server !== undefined && server === was) {
      const other = deps.placer.replace(partId, index, placed, new Set([...closed, was]))
      const isBack = !isAsSafe(placed, { index, was, other }) && (await mayMakeRoom(deps, part, condition, signal))
      if (!isBack) server = other
    }
    if (server === undefined) continue
    placed[index] = server
    moves.push({ index, server })
  }
  return moves
}

function isAsSafe(
  placed: readonly ServerNumber[],
  { index, was, other }: { index: number; was: ServerNumber; other: ServerNumber | undefined },
): boolean {
  const tolerance = (server: ServerNumber) => {
    return faultTolerance(placed.with(index, server).filter((each) => each !== NOWHERE))
  }
  return other !== undefined && tolerance(other) >= tolerance(was)
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
