import { ChunkError, StoreFault } from '../../base/faults.ts'
import type { ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { Moment } from '../../engine/ports/chunk-store.ts'
import type { ChunkMove, PlannedMove, RebuildOrder } from '../ports/repair.ts'
import type { Wanted } from './choose-targets.ts'
import type { RepairDeps } from './deps.ts'
import { type ChunkCondition, examineChunks } from './examine-chunks.ts'

export interface MovesOrder {
  moves: readonly ChunkMove[]
  pace: RebuildOrder['pace']
}

/**
 * Plans the moves, so that what is written is found after a crash, and writes; answers those that are durable now. Nothing
 * names them yet. Throws if nothing could be written.
 */
export async function writeMoves(
  deps: RepairDeps,
  part: Pick<Wanted, 'layout' | 'wanted'>,
  { moves, pace }: MovesOrder,
  signal: AbortSignal,
): Promise<ChunkMove[]> {
  const { layout } = part
  const { partId } = layout
  const away = moves.filter(({ index, server }) => server !== layout.servers[index])
  const back = moves.filter(({ index, server }) => server === layout.servers[index])
  const planned = away.length > 0 ? await deps.catalogue.planRepair({ partId, moves: away }, signal) : []
  const { there, free } = await lookForCopies(deps, layout, planned, signal)
  const room = await makeRoom(deps, layout, back, signal)
  const targets = new Map([...room, ...free].map(({ index, server }) => [index, server]))
  if (targets.size > 0) {
    const written = await writeChunks(deps, part, { layout, targets, pace }, signal)
    return [...there, ...written.map((index) => ({ index, server: targets.get(index)! }))]
  }
  if (there.length > 0) return there
  throw new StoreFault('ServiceUnavailable', { reason: 'Other copies are still being deleted where it would go.' })
}

/**
 * Copies that lie already where chunks are to go: of an attempt that was killed, or of before the chunk went away. Sound
 * ones are as good as written; others are left to the sweep. They are not deleted here: whoever slept between its plan and
 * that deletion would delete what another gateway wrote there meanwhile, and the part's row names.
 */
async function lookForCopies(
  deps: RepairDeps,
  layout: PartLayout,
  planned: readonly PlannedMove[],
  signal: AbortSignal,
): Promise<{ there: ChunkMove[]; free: ChunkMove[] }> {
  const inQuestion = planned.filter(({ mayBeThere }) => mayBeThere)
  const servers = [...layout.servers]
  for (const { index, server } of inQuestion) servers[index] = server
  const indexes = inQuestion.map(({ index }) => index)
  const conditions = await examineChunks(deps, { ...layout, servers }, indexes, signal)
  const are = (condition: ChunkCondition) => inQuestion.filter(({ index }) => conditions.get(index) === condition)
  return { there: are('sound'), free: [...planned.filter(({ mayBeThere }) => !mayBeThere), ...are('missing')] }
}

/**
 * A node that has a chunk of this id, however damaged, takes no other one. What has become sound meanwhile stays: what was
 * written since the look at it is not deleted, however long this gateway slept.
 */
async function makeRoom(
  deps: RepairDeps,
  layout: PartLayout,
  back: readonly ChunkMove[],
  signal: AbortSignal,
): Promise<ChunkMove[]> {
  const indexes = back.map(({ index }) => index)
  const moments = await momentsOf(deps, back, signal)
  const conditions = await examineChunks(deps, layout, indexes, signal)
  const isDamaged = ({ index }: ChunkMove) => ['missing', 'rotten'].includes(conditions.get(index)!)
  const damaged = back.filter((move) => moments.has(move.server) && isDamaged(move))
  for (const { index, server } of damaged) {
    await deps.chunks.deleteChunks(server, [{ partId: layout.partId, index }], signal, moments.get(server))
  }
  return damaged
}

/** Of the servers that answer. */
async function momentsOf(
  { chunks }: RepairDeps,
  moves: readonly ChunkMove[],
  signal: AbortSignal,
): Promise<Map<ServerNumber, Moment | undefined>> {
  const moments = new Map<ServerNumber, Moment | undefined>()
  for (const server of new Set(moves.map((move) => move.server))) {
    try {
      moments.set(server, (await chunks.statServer(server, signal)).moment)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ChunkError)) throw error
    }
  }
  return moments
}

/**
 * What is lost or damaged first, for which all else is a source; then what is leaving, copied if it can be, else made anew.
 * Throws only if nothing could be written.
 */
async function writeChunks(
  { rebuilder }: RepairDeps,
  { wanted }: Pick<Wanted, 'wanted'>,
  order: RebuildOrder,
  signal: AbortSignal,
): Promise<number[]> {
  const written: number[] = []
  let failure: unknown
  const write = async (way: 'rebuild' | 'copy', indexes: readonly number[]) => {
    if (indexes.length === 0) return
    const targets = new Map(indexes.map((index) => [index, order.targets.get(index)!]))
    try {
      written.push(...(await rebuilder[way]({ ...order, targets }, signal)))
    } catch (error) {
      signal.throwIfAborted()
      failure ??= error
    }
  }
  const indexes = [...order.targets.keys()]
  const leaving = indexes.filter((index) => wanted.get(index) === 'leaving')
  await write(
    'rebuild',
    indexes.filter((index) => !leaving.includes(index)),
  )
  await write('copy', leaving)
  await write(
    'rebuild',
    leaving.filter((index) => !written.includes(index)),
  )
  if (written.length === 0) throw failure
  return written
}
