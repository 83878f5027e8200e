import type { PartId, ServerNumber } from '../../base/ids.ts'
import { placePart, type Ring } from '../../placement/ring.ts'
import { faultTolerance } from '../census/fault-tolerance.ts'
import type { ChunkMove } from '../ports/repair.ts'

/** The ring that parts are held against, and what of it may be touched. */
export interface Aim {
  ring: Ring
  /** Whether chunks may be taken away from a server: not from one that is to keep what it has. */
  gives(server: ServerNumber): boolean
  /** Whether a server takes new chunks. */
  takes(server: ServerNumber): boolean
  /** Where a server stands; empty: not known. */
  zone(server: ServerNumber): string
}

export interface PlacedPart {
  partId: PartId
  /** The server of each chunk; all of them on the ring. */
  servers: readonly ServerNumber[]
}

/**
 * The chunks of a part that must go elsewhere so that every server has as many of them as if the part were placed today,
 * and no more than those: which chunk of a part is where makes no difference. None, if the part would be less safe.
 */
export function planMoves(aim: Aim, { partId, servers }: PlacedPart): ChunkMove[] {
  const home = placePart(aim.ring, partId, servers.length, () => true)
  const surplus = new Map<ServerNumber, number>()
  for (const server of servers) surplus.set(server, (surplus.get(server) ?? 0) + 1)
  for (const server of home) surplus.set(server, (surplus.get(server) ?? 0) - 1)
  const lacks = (server: ServerNumber) => (surplus.get(server) ?? 0) < 0 && aim.takes(server)
  const moves: ChunkMove[] = []
  for (const [index, from] of servers.entries()) {
    if (surplus.get(from)! <= 0 || !aim.gives(from)) continue
    // Where the ring has this very chunk, if there is room; else wherever there is.
    const to = lacks(home[index]!) ? home[index] : home.find(lacks)
    if (to === undefined) break
    surplus.set(from, surplus.get(from)! - 1)
    surplus.set(to, surplus.get(to)! + 1)
    moves.push({ index, server: to })
  }
  return isAsSafe(aim, servers, moves) ? moves : []
}

/** Whether a part survives as many losses of servers, and of zones, after these moves as before. */
export function isAsSafe(
  { zone }: Pick<Aim, 'zone'>,
  before: readonly ServerNumber[],
  moves: readonly ChunkMove[],
): boolean {
  const after = [...before]
  for (const { index, server } of moves) after[index] = server
  return faultTolerance(after) >= faultTolerance(before) && zoneTolerance(zone, after) >= zoneTolerance(zone, before)
}

/** A server without a zone stands in one of its own. */
function zoneTolerance(zone: Aim['zone'], servers: readonly ServerNumber[]): number {
  const zones = new Map<string, number>()
  return faultTolerance(
    servers.map((server) => {
      const name = zone(server) || `server ${server}`
      if (!zones.has(name)) zones.set(name, zones.size)
      return zones.get(name)!
    }),
  )
}
