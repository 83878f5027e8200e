import { ChunkError } from '../../base/faults.ts'
import type { ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { Moment } from '../../engine/ports/chunk-store.ts'
import type { ChunkMove, PlannedMove, RebuildOrder } from '../ports/repair.ts'
import type { Wanted } from './choose-targets.ts'
import type { RepairDeps } from './deps.ts'
import { type ChunkCondition, examineChunks } from './examine-chunks.ts'

export interface MovesOrder {
  moves: readonly ChunkMove[]
  /** Moves of the part that were made before, and that nothing names yet: they stay planned. */
  held: readonly ChunkMove[]
  pace: RebuildOrder['pace']
}

export interface MovesResult {
  /** Durable now. Nothing names them yet. */
  written: ChunkMove[]
  /** What hindered the others: a ChunkError if it was their servers; undefined if there are none. */
  failure: unknown
}

/** Plans the moves, so that what is written is found after a crash, and writes. */
export async function writeMoves(
  deps: RepairDeps,
  part: Pick<Wanted, 'layout' | 'wanted'>,
  { moves, held, pace }: MovesOrder,
  signal: AbortSignal,
): Promise<MovesResult> {
  const { layout } = part
  const isAway = ({ index, server }: ChunkMove) => server !== layout.servers[index]
  const planned = await planMoves(deps, layout, { away: moves.filter(isAway), held: held.filter(isAway) }, signal)
  const { there, free } = await lookForCopies(deps, layout, planned, signal)
  const room = await makeRoom(
    deps,
    layout,
    moves.filter((move) => !isAway(move)),
    signal,
  )
  const targets = new Map([...room, ...free].map(({ index, server }) => [index, server]))
  const { written, failure } = await writeChunks(deps, part, { layout, targets, pace }, signal)
  const isHindered = there.length + targets.size < moves.length
  return {
    written: [...there, ...written.map((index) => ({ index, server: targets.get(index)! }))],
    failure: failure ?? (isHindered ? new ChunkError('failed', 'an older copy is in its way') : undefined),
  }
}

/** A plan takes the place of the one before. */
async function planMoves(
  { catalogue }: RepairDeps,
  { partId }: PartLayout,
  { away, held }: { away: readonly ChunkMove[]; held: readonly ChunkMove[] },
  signal: AbortSignal,
): Promise<PlannedMove[]> {
  if (away.length === 0) return []
  const planned = await catalogue.planRepair({ partId, moves: [...away, ...held] }, signal)
  return planned.filter(({ index }) => away.some((move) => move.index === index))
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

/** What is lost or damaged first, for which all else is a source; then what is leaving, copied if it can be, else made anew. */
async function writeChunks(
  { rebuilder }: RepairDeps,
  { wanted }: Pick<Wanted, 'wanted'>,
  order: RebuildOrder,
  signal: AbortSignal,
): Promise<{ written: number[]; failure: unknown }> {
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
  if (written.length === indexes.length) return { written, failure: undefined }
  return { written, failure: failure ?? new ChunkError('failed', 'a server did not take its chunk') }
}
