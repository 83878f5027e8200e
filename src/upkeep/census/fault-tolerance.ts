import { DATA_CHUNKS } from '../../base/limits.ts'

/**
 * How many more servers may be lost, whichever they are, until a part cannot be read; -1: it cannot be read now.
 * `holders`: the server of each chunk that is there.
 */
export function faultTolerance(holders: readonly number[]): number {
  let spare = holders.length - DATA_CHUNKS
  if (spare < 0) return -1
  let tolerated = 0
  for (const chunks of chunksByServer(holders)) {
    spare -= chunks
    if (spare < 0) break
    tolerated += 1
  }
  return tolerated
}

/** The most on one server first: that is the worst loss. */
function chunksByServer(holders: readonly number[]): number[] {
  const counts = new Map<number, number>()
  for (const server of holders) counts.set(server, (counts.get(server) ?? 0) + 1)
  return [...counts.values()].sort((a, b) => b - a)
}
