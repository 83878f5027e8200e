import { createHash } from 'node:crypto'
import type { PartId, ServerId, ServerNumber } from '../../src/base/ids.ts'
import { type RingServer, virtualNodePoints } from '../../src/placement/ring.ts'

/** A UUID that looks random, the same for the same seed. */
export function uuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Servers 1 to `count`; cluster `seed` has ids of its own. `zoneOf` by number. */
export function cluster(count: number, seed = 0, zoneOf: (number: number) => string = () => ''): RingServer[] {
  return Array.from({ length: count }, (_, i) => ({
    number: (i + 1) as ServerNumber,
    zone: zoneOf(i + 1),
    points: virtualNodePoints(uuid(`server ${seed} ${i}`) as ServerId),
  }))
}

export function partIds(count: number, seed = 0): PartId[] {
  return Array.from({ length: count }, (_, i) => uuid(`part ${seed} ${i}`) as PartId)
}

/** How often each value occurs. */
export function tally<T>(values: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** Standard deviation over mean. */
export function variation(shares: readonly number[]): number {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  return Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length) / mean
}
