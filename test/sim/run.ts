import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { saveResult } from '../support/reliability.ts'
import { killsOfNamed, type SeedReport, summary, toResult } from './seed-report.ts'
import { simulate } from './simulate.ts'

/*
 * npm run sim -- --seeds 1000 --from 1: simulated clusters, one a seed, on all cores. A seed that fails is named, with what
 * replays it: --seeds 1 --from SEED --trace shows all that happened. Named steps at which somebody was killed fewer than 20
 * times are told, all with --steps; with --kills N a run fails if one of them was not reached N times. It ends after
 * --minutes N. --save DIRECTORY keeps the result for docs/reliability.md.
 */
/** MiB. Nearly all that a run makes lives no longer than the run: with more room, less of it is copied in vain. */
const YOUNG_HEAP = ['--max-semi-space-size=64']

/** At each named step, for a run to have shown that it is survived. */
const KILLS_WANTED = 20
const SHOWN_MAX = 12

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    kills: { type: 'string', default: '0' },
    steps: { type: 'boolean', default: false },
    save: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const [seeds, from, jobs] = [values.seeds, values.from, values.jobs].map(Number) as [number, number, number]

if (values.trace) {
  const { violations } = await simulate({ seed: from, show: (line) => process.stdout.write(line) })
  process.exitCode = violations.length > 0 ? 1 : 0
} else {
  await runAll()
}

async function runAll(): Promise<void> {
  const startedMs = performance.now()
  const reports: SeedReport[] = []
  let next = from
  const worker = async () => {
    const child = fork(new URL('./seed-worker.ts', import.meta.url), { execArgv: YOUNG_HEAP })
    try {
      while (next < from + seeds && performance.now() - startedMs < Number(values.minutes) * 60_000) {
        const seed = next++
        const report = await new Promise<SeedReport>((resolve, reject) => {
          child.once('message', (message) => resolve(message as SeedReport))
          child.once('exit', (code) => reject(new Error(`the process of seed ${seed} ended with ${code}`)))
          child.send(seed)
        })
        child.removeAllListeners('exit')
        reports.push(report)
        if (report.violations.length > 0) tell(report)
      }
    } finally {
      child.kill()
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  console.log(summary(reports, (performance.now() - startedMs) / 1000))
  const spared = tellKills(reports)
  if (values.save) process.env.SEXTANT_TEST_RESULTS = values.save
  await saveResult(toResult(reports, KILLS_WANTED))
  const isWell = spared === 0 && reports.every(({ violations }) => violations.length === 0)
  process.exitCode = isWell ? 0 : 1
}

/** Answers at how many named steps too few were killed. */
function tellKills(reports: readonly SeedReport[]): number {
  const kills = killsOfNamed(reports)
  const few = values.steps ? kills : kills.filter(([, count]) => count < KILLS_WANTED)
  if (few.length > 0) {
    console.log(
      values.steps ? 'kills at each named step:' : `fewer than ${KILLS_WANTED} kills at ${few.length} named steps:`,
    )
    const shown = values.steps ? few : few.slice(0, SHOWN_MAX)
    console.log(shown.map(([step, count]) => `  ${String(count).padStart(5)} ${step}`).join('\n'))
    if (few.length > shown.length) console.log(`        and ${few.length - shown.length} others`)
  }
  return kills.filter(([, count]) => count < Number(values.kills)).length
}

function tell({ seed, violations }: SeedReport): void {
  console.log(`seed ${seed}:\n${violations.map((violation) => `  ${violation}`).join('\n')}`)
  console.log(`  replay: npm run sim -- --seeds 1 --from ${seed} --trace`)
}
