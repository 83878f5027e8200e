import { setInterval } from 'node:timers'
import {
  entriesOf,
  machineCpuSeconds,
  type ProcessKind,
  total,
  type UsageByKind,
  usageBetween,
  usageUnder,
} from './processes.ts'

export interface WatchedUsage {
  /** Memory is the highest that was seen. */
  usage: UsageByKind
  /** CPU time of this process, which makes the load. */
  loadCpuSeconds: number
  /** CPU time of all else on the machine. */
  otherCpuSeconds: number
}

const SAMPLE_MS = 250

/** What the processes `pids` and their descendants use, from now until the answer is called. */
export function watchUsage(pids: readonly number[]): () => WatchedUsage {
  const [before, own, machine] = [usageUnder(pids), process.cpuUsage(), machineCpuSeconds()]
  const peaks = new Map<ProcessKind, { residentBytes: number; totalBytes: number }>()
  const look = () => {
    const now = usageUnder(pids)
    for (const [kind, { residentBytes, totalBytes }] of entriesOf(now)) {
      const peak = peaks.get(kind)
      peaks.set(kind, {
        residentBytes: Math.max(residentBytes, peak?.residentBytes ?? 0),
        totalBytes: Math.max(totalBytes, peak?.totalBytes ?? 0),
      })
    }
    return now
  }
  const timer = setInterval(look, SAMPLE_MS)
  return () => {
    clearInterval(timer)
    const used = entriesOf(usageBetween(before, look())).map(([kind, one]) => [kind, { ...one, ...peaks.get(kind) }])
    const usage: UsageByKind = Object.fromEntries(used)
    const { user, system } = process.cpuUsage(own)
    const loadCpuSeconds = (user + system) / 1e6
    const ours = total(usage).cpuSeconds + loadCpuSeconds
    return { usage, loadCpuSeconds, otherCpuSeconds: Math.max(0, machineCpuSeconds() - machine - ours) }
  }
}
