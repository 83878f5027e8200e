import { planPut, planRead } from './objects.ts'
import type { Workload } from './workload.ts'

const MIB = 2 ** 20
const SMALL_BYTES = 4096
const SMALL_CLIENTS = 64
const MEDIUM_CLIENTS = 16

/**
 * From what keeps nodes and database busiest to what the gateway does nearly alone; on objects of its own in every round.
 * Its syncs are the nodes' and PostgreSQL's, whatever stands before them: nobody counts them here.
 */
export function scalingWorkloads(round: number): Workload[] {
  const small = { kind: `scaling/${round}/small`, sizeBytes: SMALL_BYTES }
  const medium = { kind: `scaling/${round}/medium`, sizeBytes: MIB }
  const ofSmall = { group: 'scaling', unit: 'operation', clients: SMALL_CLIENTS, writes: false } as const
  const ofMedium = { group: 'scaling', unit: 'GiB', clients: MEDIUM_CLIENTS, writes: false } as const
  return [
    { ...ofSmall, name: 'put-4KiB', plan: (bench) => planPut(bench, small) },
    { ...ofSmall, name: 'get-4KiB', plan: (bench) => planRead(bench, { method: 'GET', objects: small }) },
    { ...ofSmall, name: 'head-4KiB', plan: (bench) => planRead(bench, { method: 'HEAD', objects: small }) },
    { ...ofMedium, name: 'put-1MiB', plan: (bench) => planPut(bench, medium) },
    { ...ofMedium, name: 'get-1MiB', plan: (bench) => planRead(bench, { method: 'GET', objects: medium }) },
  ]
}
