import { growthOf, median } from '../fuzz/gateway-usage.ts'

/** What the gateway may have, in MiB, at any moment. */
export const MEMORY_MIB_MAX = 512
/** From the second third to the last: a heap breathes by a few tens of MiB; more is a leak, or will be one in a longer run. */
export const GROWTH_MIB_MAX = 48

export interface Verdict {
  passed: boolean
  /** Of all samples. */
  mostMiB: number
  /** Median of the last third of the samples. */
  lastMiB: number
  growthMiB: number
}

/** A heap takes so long to settle under load: only a longer run shows whether it grows. */
const SETTLED_MINUTES = 30

/** `samplesMiB`: what the gateway's processes had, at equal distances in time. */
export function judgeMemory(samplesMiB: readonly number[], minutes: number): Verdict {
  const mostMiB = Math.max(...samplesMiB)
  const growthMiB = growthOf(samplesMiB)
  const lastMiB = median(samplesMiB.slice(-Math.ceil(samplesMiB.length / 3)))
  const isFlat = minutes < SETTLED_MINUTES || growthMiB <= GROWTH_MIB_MAX
  return { passed: mostMiB <= MEMORY_MIB_MAX && isFlat, mostMiB, lastMiB, growthMiB }
}
