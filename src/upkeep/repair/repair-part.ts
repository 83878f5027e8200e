import { assert, StoreFault } from '../../base/faults.ts'
import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkMove, RepairEntry, RepairOutcome } from '../ports/repair.ts'
import { chooseTargets, type Wanted } from './choose-targets.ts'
import type { RepairDeps } from './deps.ts'
import { examineChunks } from './examine-chunks.ts'

export interface RepairOptions {
  /** Servers whose chunks count as lost. */
  lost: readonly ServerNumber[]
  /** How long copies that were replaced stay. */
  graceMs: number
  pace(bytes: number, signal: AbortSignal): Promise<void>
}

export interface RepairResult {
  outcome: RepairOutcome
  /** Chunks that were made anew and that the part's row names now. */
  chunks: number
  /** Why the part is not whole yet; undefined: it is, or is gone. */
  left: string | undefined
}

/**
 * Makes a part whole, as far as it can be now: chunks that are nowhere, on lost servers, or confirmed to be damaged are
 * rebuilt, written where the ring says, and then named by the part's row, if that is still as it was read. Killed at any
 * moment, it leaves a plan behind by which what it wrote is found. Throws what hindered it: nothing was changed then.
 */
export async function repairPart(
  deps: RepairDeps,
  { partId, layout, damaged }: RepairEntry,
  options: RepairOptions,
  signal: AbortSignal,
): Promise<RepairResult> {
  const { lost, graceMs } = options
  const commit = { partId, before: layout?.servers ?? [], lost, graceMs }
  if (!layout) {
    const outcome = await deps.catalogue.commitRepair({ ...commit, moves: [], settled: [] }, signal)
    return { outcome, chunks: 0, left: undefined }
  }
  const suspects = damaged.filter((index) => !isLost(layout, index, lost))
  const conditions = await examineChunks(deps, layout, suspects, signal)
  const unknown = suspects.filter((index) => conditions.get(index) === 'unknown')
  const sound = suspects.filter((index) => conditions.get(index) === 'sound')
  const wanted = new Map(
    [...layout.servers.keys()].flatMap((index) => {
      const condition = isLost(layout, index, lost) ? 'lost' : conditions.get(index)
      const isWanted = condition !== undefined && condition !== 'sound' && condition !== 'unknown'
      return isWanted ? [[index, condition] as const] : []
    }),
  )
  const made = wanted.size > 0 ? await makeAnew(deps, { layout, wanted, lost }, options, signal) : []
  const outcome = await deps.catalogue.commitRepair(
    {
      ...commit,
      moves: made.filter(({ index, server }) => server !== layout.servers[index]),
      settled: [...sound, ...made.map(({ index }) => index)],
    },
    signal,
  )
  return { outcome, chunks: outcome === 'ok' ? made.length : 0, left: whatIsLeft({ wanted, made, unknown }, outcome) }
}

function isLost({ servers }: PartLayout, index: number, lost: readonly ServerNumber[]): boolean {
  return servers[index] === NOWHERE || lost.includes(servers[index]!)
}

/** Writes the wanted chunks, and answers those that are durable now, each with where. */
async function makeAnew(
  deps: RepairDeps,
  part: Wanted,
  { pace }: RepairOptions,
  signal: AbortSignal,
): Promise<ChunkMove[]> {
  const { layout } = part
  const { partId } = layout
  const moves = await chooseTargets(deps, part, signal)
  if (moves.length === 0) throw new StoreFault('ServiceUnavailable', { reason: 'No server takes the rebuilt chunks.' })
  const away = moves.filter(({ index, server }) => server !== layout.servers[index])
  const back = moves.filter(({ index, server }) => server === layout.servers[index])
  const planned = away.length > 0 ? await deps.catalogue.planRepair({ partId, moves: away }, signal) : []
  if (planned.length + back.length === 0) {
    throw new StoreFault('ServiceUnavailable', { reason: 'Older copies are still being deleted where it would go.' })
  }
  // A node that has a chunk of this id, however damaged, takes no other one.
  for (const { index, server } of [...back, ...planned.filter(({ isInTheWay }) => isInTheWay)]) {
    await deps.chunks.deleteChunks(server, [{ partId, index }], signal)
  }
  const targets = new Map([...back, ...planned].map(({ index, server }) => [index, server]))
  const written = await deps.rebuilder.rebuild({ layout, targets, pace }, signal)
  assert(
    written.every((index) => targets.has(index)),
    'what was written was asked for',
  )
  return written.map((index) => ({ index, server: targets.get(index)! }))
}

function whatIsLeft(
  { wanted, made, unknown }: { wanted: Wanted['wanted']; made: readonly ChunkMove[]; unknown: readonly number[] },
  outcome: RepairOutcome,
): string | undefined {
  if (outcome === 'gone') return undefined
  if (outcome !== 'ok') return `the part's row was ${outcome} meanwhile`
  if (made.length < wanted.size) return `${wanted.size - made.length} of ${wanted.size} chunks could not be written`
  if (unknown.length > 0) return `chunk ${unknown.join(', ')} cannot be looked at: its server does not answer`
  return undefined
}
