import { setTimeout as sleep } from 'node:timers/promises'
import { drive, type LoadResult } from './load/drive.ts'
import type { ProcessProfile } from './store/probes.ts'
import type { ProcessKind, UsageByKind } from './store/processes.ts'
import { watchUsage } from './store/watch-usage.ts'
import type { Bench, Group, Plan, Scale, Workload } from './workloads/workload.ts'

/** What came of a workload. */
export interface Row extends LoadResult {
  name: string
  group: Group
  unit: Workload['unit']
  clients: number
  plot?: Workload['plot']
  /** Where the store was not as `npm start` makes it: how. */
  topology?: string
  /** Of the timed part; memory is the highest that was seen in it. */
  usage: UsageByKind
  /** CPU time of the load generator. */
  loadCpuSeconds: number
  /** CPU time of whatever else ran on the machine: much of it, and the row says little. */
  otherCpuSeconds: number
  /** fsync and fdatasync calls for each operation, by kind; absent where nobody counts them. */
  syncsPerOperation?: Partial<Record<ProcessKind, number>>
}

export type OnProfiles = (name: string, profiles: readonly ProcessProfile[]) => Promise<void>

/** Makes ready, warms up, measures. Failures of the warm-up count as failures. */
export async function measure(workload: Workload, bench: Bench, onProfiles?: OnProfiles): Promise<Row> {
  const { target, scale } = bench
  const { name, group, unit, clients, plot } = workload
  const plan = await workload.plan(bench)
  const countedBefore = workload.writes ? await target.own?.syncs() : undefined
  const warm = await drive({ clients, open: plan.warmUp, operationsMax: Infinity, secondsMax: scale.warmUpSeconds })
  const operations = countOf(plan, { warm, clients, scale })
  const open = plan.timed(operations)

  const probes = onProfiles && target.own?.probes
  await probes?.startProfiles()
  const stopWatch = watchUsage(target.pids)
  const result = await drive({ clients, open, operationsMax: operations })
  const used = stopWatch()
  if (probes) await onProfiles(name, await probes.stopProfiles())
  await plan.finish?.(result.operations)
  const row: Row = {
    name,
    group,
    unit,
    clients,
    ...(plot && { plot }),
    ...result,
    ...used,
    failures: warm.failures + result.failures,
    firstFailure: warm.firstFailure || result.firstFailure,
  }
  if (!countedBefore || !target.own) return row
  await sleep(scale.settleSeconds * 1000)
  const counted = await target.own.syncs()
  // Of warm-up and timed part together, for nobody can tell PostgreSQL's apart.
  return { ...row, syncsPerOperation: perOperation(countedBefore, counted, warm.operations + result.operations) }
}

/** By the warm-up's rate, for the scale's seconds. */
function countOf(plan: Plan, { warm, clients, scale }: { warm: LoadResult; clients: number; scale: Scale }): number {
  if (plan.operations !== undefined) return plan.operations
  const wanted = Math.ceil((warm.operations / warm.seconds) * scale.seconds)
  return Math.max(clients, Math.min(wanted, plan.operationsMax ?? Infinity))
}

type Counts = Partial<Record<ProcessKind, number>>

function perOperation(before: Counts, after: Counts, operations: number): Counts {
  const kinds = Object.keys(after) as ProcessKind[]
  return Object.fromEntries(kinds.map((kind) => [kind, (after[kind]! - (before[kind] ?? 0)) / operations]))
}
