import { parseArgs } from 'node:util'
import { measure, type Row } from './measure.ts'
import { RESULTS, saveResults } from './report/results.ts'
import { COLUMNS, number, printCells, printRow } from './report/table.ts'
import { openBench } from './store/open-bench.ts'
import { startStore } from './store/start-store.ts'
import { listingWorkloads } from './workloads/listing.ts'
import { scaleOf } from './workloads/workload.ts'

/**
 * `node bench/listing.ts [--keys 1000000] [--ms 20] [--scale smoke|short|full] [--save NAME [--results DIR]]`
 *
 * ListObjectsV2 in a bucket of so many keys, with prefixes and delimiters, at its beginning, its end and in between, however
 * deep. Fails where the median of a listing is not below --ms.
 */
const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    ms: { type: 'string', default: '20' },
    scale: { type: 'string', default: 'short' },
    save: { type: 'string' },
    results: { type: 'string', default: RESULTS },
  },
})

/** Fewer than these do not fill the pages that are asked for. */
const KEYS_MIN = 4_000
const keys = Number(values.keys)
if (!(keys >= KEYS_MIN && keys % 2000 === 0)) throw new Error(`--keys is a multiple of 2000, at least ${KEYS_MIN}`)
const msMax = Number(values.ms)
const scale = scaleOf(values.scale)
const { warmUpSeconds, seconds } = scale

await using store = await startStore({})
await using bench = openBench(store, scale)
const rows: Row[] = []
printCells(COLUMNS)
for (const workload of listingWorkloads(keys)) {
  const row = await measure(workload, bench)
  rows.push(row)
  printRow(row)
}
const slow = rows.filter(({ latencyMs }) => !(latencyMs.p50 < msMax))
const slowest = Math.max(...rows.map(({ latencyMs }) => latencyMs.p50))
const names = slow.map(({ name }) => name).join(', ')
const verdict = slow.length === 0 ? `all are below ${msMax} ms` : `NOT below ${msMax} ms: ${names}`
console.log(`\nAmong ${keys} keys the slowest median is ${number(slowest)} ms; ${verdict}.`)
if (slow.length > 0 || rows.some(({ failures }) => failures > 0)) process.exitCode = 1
if (values.save) {
  const place = { directory: values.results, name: values.save, file: 'listing' }
  saveResults(place, { scale: values.scale, warmUpSeconds, seconds, keys, rows })
}
