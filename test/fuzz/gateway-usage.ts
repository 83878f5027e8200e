import { readFileSync } from 'node:fs'
import type { StoreUnderTest } from '../support/store.ts'

export interface Usage {
  /** Of all gateway processes, in MiB. */
  rssMiB: number
  pids: string
}

export function gatewayUsage(store: StoreUnderTest): Usage {
  const pids = [...store.processes()].filter(([name]) => name.startsWith('gateway')).map(([, pid]) => pid)
  const rss = pids.map((pid) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]))
  return { rssMiB: Math.round(rss.reduce((sum, kib) => sum + kib, 0) / 1024), pids: pids.join() }
}

/**
 * By how much memory grew once it had settled, in MiB: the median of the last third of the samples over that of the
 * second. A heap breathes; a leak does not breathe out.
 */
export function growthOf(samplesMiB: readonly number[]): number {
  const third = Math.floor(samplesMiB.length / 3)
  if (third === 0) return 0
  return median(samplesMiB.slice(-third)) - median(samplesMiB.slice(third, -third))
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
