import type { ServerNumber } from '../../base/ids.ts'
import type { ListedChunk } from '../../engine/ports/chunk-store.ts'
import { nameText } from '../named-chunks.ts'
import { judgeMisplaced, type MisplacedDeps } from './judge-misplaced.ts'

export interface MisplacedOrder {
  server: ServerNumber
  /** Copies of parts that have these chunks elsewhere. */
  misplaced: readonly ListedChunk[]
  /** Copies that a restored database may have forgotten: of parts that it does not know, or has elsewhere. */
  kept: readonly ListedChunk[]
  /** Whether rows are changed. */
  adopts: boolean
}

export interface SettledChunks {
  /** Nobody needs them. */
  redundant: ListedChunk[]
  kept: ListedChunk[]
  /** Their parts have them here from now on, or would if that were wanted: where the rows had them, they are not. */
  moved: ListedChunk[]
}

/** Has parts' rows take over the copies that are not where they say, and says what is left of the others. */
export async function settleMisplaced(
  deps: MisplacedDeps,
  { server, misplaced, kept, adopts }: MisplacedOrder,
  signal: AbortSignal,
): Promise<SettledChunks> {
  if (misplaced.length + kept.length === 0) return { redundant: [], kept: [], moved: [] }
  const judged = await judgeMisplaced(deps, { server, copies: [...misplaced, ...kept] }, signal)
  const wanted = new Map(judged.wanted.map((chunk) => [nameText(chunk), chunk]))
  const adopted =
    adopts && wanted.size > 0
      ? await deps.catalogue.adoptChunks({ server, chunks: judged.wanted }, signal)
      : judged.wanted
  const redundant = new Set(judged.redundant.map(nameText))
  return {
    redundant: misplaced.filter((chunk) => redundant.has(nameText(chunk))),
    kept: kept.filter((chunk) => !wanted.has(nameText(chunk))),
    moved: adopted.flatMap((name) => wanted.get(nameText(name)) ?? []),
  }
}
