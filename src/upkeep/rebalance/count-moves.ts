import { LAST_PART_ID } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import { payloadBytes } from '../../striping/layout.ts'
import type { ChunkMove } from '../ports/repair.ts'
import type { ScrubCatalogue } from '../ports/scrub.ts'
import { type LookDeps, lookAtServers, type ServersToday } from './look-at-servers.ts'
import { planMoves } from './plan-moves.ts'

export interface Amount {
  chunks: number
  bytes: number
}

export interface CountedMoves {
  parts: number
  /** What lies where the ring does not have it. */
  toMove: Amount
  /** Parts that are left to repair first: with chunks missing, or on servers that are lost or to be emptied. */
  leftOut: number
}

export interface RebalancePlan extends CountedMoves {
  /** By server number: bytes of chunks that it has, and what it would give and take. */
  servers: Map<number, { bytes: number; gives: number; takes: number }>
}

/** Parts in one page of a count: their rows are read and judged in a few milliseconds. */
export const PARTS_IN_A_COUNT = 500

/** What a rebalance would move now. Changes nothing. */
export async function planRebalance(
  deps: LookDeps & { parts: Pick<ScrubCatalogue, 'listParts'> },
  signal: AbortSignal,
): Promise<RebalancePlan> {
  const today = await lookAtServers(deps, signal)
  const servers: RebalancePlan['servers'] = new Map(
    today.ring.servers.map((server) => [server, { bytes: 0, gives: 0, takes: 0 }]),
  )
  let counted: CountedMoves = { parts: 0, toMove: { chunks: 0, bytes: 0 }, leftOut: 0 }
  for (let after = ''; ; ) {
    const page = await deps.parts.listParts({ after, before: LAST_PART_ID, rowsMax: PARTS_IN_A_COUNT }, signal)
    for (const layout of page) tellServers(servers, layout, movesOf(today, layout) ?? [])
    counted = countMoves(counted, page, today)
    if (page.length < PARTS_IN_A_COUNT) return { ...counted, servers }
    after = page.at(-1)!.partId
  }
}

/** What was counted, and what more there is in these parts. */
export function countMoves(before: CountedMoves, page: readonly PartLayout[], today: ServersToday): CountedMoves {
  let { parts, leftOut } = before
  let { chunks, bytes } = before.toMove
  for (const layout of page) {
    const moves = movesOf(today, layout)
    parts += 1
    leftOut += moves === undefined ? 1 : 0
    chunks += moves?.length ?? 0
    bytes += (moves?.length ?? 0) * payloadBytes(layout)
  }
  return { parts, toMove: { chunks, bytes }, leftOut }
}

/** undefined: the part is not whole, or not to stay where it is; that is repair's. */
export function movesOf(today: ServersToday, { partId, servers }: PartLayout): ChunkMove[] | undefined {
  if (!servers.every((server) => today.ring.servers.includes(server))) return undefined
  return planMoves(today, { partId, servers })
}

function tellServers(servers: RebalancePlan['servers'], layout: PartLayout, moves: readonly ChunkMove[]): void {
  const chunkBytes = payloadBytes(layout)
  for (const server of layout.servers) {
    const row = servers.get(server)
    if (row) row.bytes += chunkBytes
  }
  for (const { index, server } of moves) {
    servers.get(layout.servers[index]!)!.gives += chunkBytes
    servers.get(server)!.takes += chunkBytes
  }
}
