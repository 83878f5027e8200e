import { ChunkError, StoreFault } from '../../base/faults.ts'
import { NOWHERE, type ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import { payloadBytes } from '../../striping/layout.ts'
import type { ChunkMove, RepairEntry, RepairOutcome, UnwantedServers } from '../ports/repair.ts'
import { chooseTargets, type Wanted, type WantedCondition } from './choose-targets.ts'
import type { RepairDeps } from './deps.ts'
import { type ChunkCondition, examineChunks } from './examine-chunks.ts'
import { writeMoves } from './write-moves.ts'

/** Servers that are asked to take a chunk in one attempt. A few say no for reasons of their own; if more do, it is not they. */
const PLACES_MAX = 5

export interface RepairOptions extends UnwantedServers {
  /** How long copies that were replaced stay. */
  graceMs: number
  pace(bytes: number, signal: AbortSignal): Promise<void>
}

export interface RepairResult {
  outcome: RepairOutcome
  /** Chunks that were made anew and that the part's row names now. */
  chunks: number
  /** Bytes of chunks that were made anew, whether the row came to name them or not. */
  writtenBytes: number
  /** Why the part is not whole yet; undefined: it is, or is gone. */
  left: string | undefined
}

/**
 * Makes a part whole, as far as it can be now: chunks that are nowhere, on lost servers, or confirmed to be damaged are
 * rebuilt, those on servers that are to be emptied copied; they are written where the ring says, and then named by the part's row, if that is still as it was read. Killed at any
 * moment, it leaves a plan behind by which what it wrote is found. Throws what hindered it: nothing was changed then.
 */
export async function repairPart(
  deps: RepairDeps,
  { partId, layout, damaged }: RepairEntry,
  options: RepairOptions,
  signal: AbortSignal,
): Promise<RepairResult> {
  const { lost, leaving, graceMs } = options
  const commit = { partId, before: layout?.servers ?? [], lost, leaving, graceMs }
  if (!layout) {
    const outcome = await deps.catalogue.commitRepair({ ...commit, moves: [], settled: [] }, signal)
    return { outcome, chunks: 0, writtenBytes: 0, left: undefined }
  }
  const suspects = damaged.filter((index) => !isLost(layout, index, lost))
  const conditions = await examineChunks(deps, layout, suspects, signal)
  const unknown = suspects.filter((index) => conditions.get(index) === 'unknown')
  const sound = suspects.filter((index) => conditions.get(index) === 'sound')
  const wanted = whatIsWanted(layout, conditions, options)
  const part = { layout, wanted, unwanted: [...lost, ...leaving] }
  const made = wanted.size > 0 ? await makeAnew(deps, part, options, signal) : []
  const outcome = await deps.catalogue.commitRepair(
    {
      ...commit,
      moves: made.filter(({ index, server }) => server !== layout.servers[index]),
      settled: [...sound, ...made.map(({ index }) => index)],
    },
    signal,
  )
  return {
    outcome,
    chunks: outcome === 'ok' ? made.length : 0,
    writtenBytes: made.length * payloadBytes(layout),
    left: whatIsLeft({ wanted, made, unknown }, outcome),
  }
}

function isLost({ servers }: PartLayout, index: number, lost: readonly ServerNumber[]): boolean {
  return servers[index] === NOWHERE || lost.includes(servers[index]!)
}

function whatIsWanted(
  layout: PartLayout,
  conditions: ReadonlyMap<number, ChunkCondition>,
  { lost, leaving }: UnwantedServers,
): Map<number, WantedCondition> {
  const wanted = new Map<number, WantedCondition>()
  for (const [index, server] of layout.servers.entries()) {
    const condition = conditions.get(index) ?? 'sound'
    if (isLost(layout, index, lost)) wanted.set(index, 'lost')
    else if (condition !== 'sound' && condition !== 'unknown') wanted.set(index, condition)
    else if (leaving.includes(server)) wanted.set(index, 'leaving')
  }
  return wanted
}

/**
 * Writes the wanted chunks where the ring says, and answers those that are durable now. Where a server does not take one, as
 * for an older copy of it that waits to be deleted there, the next one is asked. Throws if nothing could be written.
 */
async function makeAnew(
  deps: RepairDeps,
  part: Wanted,
  { pace }: RepairOptions,
  signal: AbortSignal,
): Promise<ChunkMove[]> {
  const made: ChunkMove[] = []
  const refused = new Map<number, ServerNumber[]>()
  let failure: unknown = new StoreFault('ServiceUnavailable', { reason: 'No server takes the rebuilt chunks.' })
  for (let places = 0; places < PLACES_MAX && made.length < part.wanted.size; places++) {
    const moves = await chooseTargets(deps, part, { made, refused }, signal)
    if (moves.length === 0) break
    const result = await writeMoves(deps, part, { moves, held: made, pace }, signal)
    made.push(...result.written)
    failure = result.failure ?? failure
    if (!(result.failure instanceof ChunkError)) break
    for (const { index, server } of moves) {
      if (!made.some((each) => each.index === index)) refused.set(index, [...(refused.get(index) ?? []), server])
    }
  }
  if (made.length === 0) throw failure
  return made
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
