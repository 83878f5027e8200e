import { parseArgs } from 'node:util'
import { measure, type Row } from './measure.ts'
import { RESULTS, saveResults } from './report/results.ts'
import { bestRounds, ratioLines } from './report/scaling-table.ts'
import { COLUMNS, printCells, printRow } from './report/table.ts'
import { hasBalancer, startBalanced } from './store/balanced.ts'
import { openBench } from './store/open-bench.ts'
import { startStore } from './store/start-store.ts'
import type { Target } from './store/target.ts'
import { scalingWorkloads } from './workloads/scaling.ts'
import { type Bench, scaleOf } from './workloads/workload.ts'

/**
 * `node bench/scaling.ts [--scale smoke|short|full] [--save NAME [--results DIR]]`
 *
 * What more gateway processes bring: one and two workers that share a port (SEXTANT_WORKERS), and one and two gateways
 * behind haproxy, where that is installed. Each has a store of its own; all of them are started first, and take turns in
 * several rounds, of which the best one counts: so what else happens on the machine meets them alike. Prints throughput against
 * one worker.
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: 'short' },
    save: { type: 'string' },
    results: { type: 'string', default: RESULTS },
  },
})

const ROUNDS = 3

const topologies: readonly { name: string; open(): Promise<Target> }[] = [
  { name: '1 worker', open: () => startStore({ env: { SEXTANT_WORKERS: '1' } }) },
  { name: '2 workers', open: () => startStore({ env: { SEXTANT_WORKERS: '2' } }) },
  ...(hasBalancer()
    ? [
        { name: 'haproxy, 1 gateway', open: () => startBalanced(1) },
        { name: 'haproxy, 2 gateways', open: () => startBalanced(2) },
      ]
    : []),
]
const scale = scaleOf(values.scale)
if (!hasBalancer()) console.log('haproxy is not installed: the gateways behind it are left out')
await using opened = new AsyncDisposableStack()
const benches: { name: string; bench: Bench }[] = []
for (const { name, open } of topologies) {
  benches.push({ name, bench: opened.use(openBench(opened.use(await open()), scale)) })
}
const rows: Row[] = []
for (let round = 1; round <= ROUNDS; round++) {
  console.log(`Round ${round} of ${ROUNDS}`)
  printCells(COLUMNS)
  for (const workload of scalingWorkloads(round)) {
    for (const { name, bench } of benches) {
      const row = { ...(await measure(workload, bench)), topology: name }
      rows.push(row)
      printRow({ ...row, name: `${row.name}, ${name}` })
    }
  }
  console.log()
}
const best = bestRounds(rows)
console.log(`${ratioLines(best).join('\n')}`)
if (rows.some(({ failures }) => failures > 0)) process.exitCode = 1
if (values.save) {
  const { warmUpSeconds, seconds } = scale
  const place = { directory: values.results, name: values.save, file: 'scaling' }
  saveResults(place, { scale: values.scale, warmUpSeconds, seconds, rows: best })
}
