import { parseArgs } from 'node:util'
import { measure, type Row } from './measure.ts'
import { profileSaver } from './profile/save-profiles.ts'
import { drawPlots } from './report/plots.ts'
import { RESULTS, saveResults } from './report/results.ts'
import { COLUMNS, LEGEND, printCells, printRow } from './report/table.ts'
import { openBench } from './store/open-bench.ts'
import { openTarget } from './store/target.ts'
import { chooseWorkloads } from './workloads/all.ts'
import { scaleOf } from './workloads/workload.ts'

/**
 * `npm run bench -- [--scale smoke|short|full] [--only NAME,…] [--endpoint URL --pid PID,…] [--save NAME [--results DIR]]
 * [--profile DIR]`
 *
 * Starts a fresh store (or drives any S3 server at --endpoint, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; --pid
 * names the roots of its process trees, for CPU times), runs each workload after a warm-up, and prints a table.
 * --only takes names of workloads and of their groups. --save keeps the rows as JSON and draws plots from them;
 * --profile leaves flame graphs of the timed parts. See docs/performance.md.
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: 'short' },
    only: { type: 'string' },
    endpoint: { type: 'string' },
    pid: { type: 'string' },
    save: { type: 'string' },
    results: { type: 'string', default: RESULTS },
    profile: { type: 'string' },
  },
})

const scale = scaleOf(values.scale)
const { warmUpSeconds, seconds } = scale
const workloads = chooseWorkloads(scale, { only: values.only?.split(','), isOwn: values.endpoint === undefined })
if (values.profile && values.endpoint) throw new Error('--profile looks into a store that is started here, no other')
const onProfiles = values.profile === undefined ? undefined : profileSaver(values.profile)

await using target = await openTarget(values)
await using bench = openBench(target, scale)
const rows: Row[] = []
console.log(`Each workload: ${warmUpSeconds} s of warm-up, then about ${seconds} s timed. ${LEGEND}\n`)
printCells(COLUMNS)
try {
  for (const workload of workloads) {
    const row = await measure(workload, bench, onProfiles)
    rows.push(row)
    printRow(row)
  }
} finally {
  // Half an hour's rows are kept, also when the next workload could not be made ready.
  if (values.save) {
    const place = { directory: values.results, name: values.save }
    saveResults({ ...place, file: 's3' }, { scale: values.scale, warmUpSeconds, seconds, rows })
    drawPlots(place, rows)
  }
}
if (rows.some(({ failures }) => failures > 0)) process.exitCode = 1
