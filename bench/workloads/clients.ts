import { planPut, planRead } from './objects.ts'
import type { Scale, Workload } from './workload.ts'

const SMALL_BYTES = 4096

/** Small PUTs and GETs by number of clients: where more of them gain nothing any more, and what waiting then costs. */
export function clientWorkloads({ clients: counts }: Scale): Workload[] {
  const read = { kind: 'clients/read', sizeBytes: SMALL_BYTES }
  const puts = counts.map(
    (clients): Workload => ({
      name: `put-4KiB-by-${clients}`,
      group: 'clients',
      unit: 'operation',
      clients,
      writes: true,
      plot: { series: 'PUT 4 KiB', x: clients },
      plan: (bench) => planPut(bench, { kind: `clients/${clients}`, sizeBytes: SMALL_BYTES }),
    }),
  )
  const gets = counts.map(
    (clients): Workload => ({
      name: `get-4KiB-by-${clients}`,
      group: 'clients',
      unit: 'operation',
      clients,
      writes: false,
      plot: { series: 'GET 4 KiB', x: clients },
      plan: (bench) => planRead(bench, { method: 'GET', objects: read }),
    }),
  )
  return [...puts, ...gets]
}
