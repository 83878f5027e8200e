import { setTimeout as sleep } from 'node:timers/promises'
import type { CuttableNetwork } from '../cluster/cuttable.ts'
import type { Party } from '../cluster/network.ts'

export type Way = 'both ways' | 'there' | 'back'

export interface Cut {
  /** The pairs that do not hear each other. */
  pairs: readonly (readonly [Party, Party])[]
  way: Way
}

/** Cuts, holds for `ms`, and heals. */
export async function cutFor(network: CuttableNetwork, { pairs, way }: Cut, ms: number): Promise<void> {
  await using cuts = new AsyncDisposableStack()
  for (const [a, b] of pairs) {
    if (way !== 'back') cuts.use(await network.cut(a, b))
    if (way !== 'there') cuts.use(await network.cut(b, a))
  }
  await sleep(ms)
}

/** `gateway 1, gateway 2 → PostgreSQL`. */
export function describeCut({ pairs, way }: Cut): string {
  const arrow = { 'both ways': '↮', there: '↛', back: '↚' }[way]
  const left = [...new Set(pairs.map(([a]) => a))].join(', ')
  const right = [...new Set(pairs.map(([, b]) => b))].join(', ')
  return `${left} ${arrow} ${right}`
}
