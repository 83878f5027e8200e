import { setInterval } from 'node:timers'
import { parseArgs } from 'node:util'
import { gatewayUsage } from '../fuzz/gateway-usage.ts'
import { saveResult } from '../support/reliability.ts'
import { StoreUnderTest } from '../support/store.ts'
import { sextant } from '../support/up.ts'
import { GROWTH_MIB_MAX, judgeMemory, MEMORY_MIB_MAX } from './judge.ts'
import { roughClients } from './rough-clients.ts'

const DAY_MINUTES = 1440

/**
 * `npm run soak -- [--minutes 1440] [--save DIRECTORY]`: a whole store under mixed load, by `sextant bench`, which compares
 * every byte, and by clients that break off. Fails when the gateway's memory grows, or goes beyond its limit, when it is not the
 * same process at the end, and on any wrong answer. --save keeps the result for docs/reliability.md.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: String(DAY_MINUTES) }, save: { type: 'string' } },
})
const minutes = Number(values.minutes)
if (values.save) process.env.SEXTANT_TEST_RESULTS = values.save
const SIZES = ['4KiB', '64KiB', '1MiB', '8MiB']
const CLIENTS = 16
const ROUGH_WORKERS = 4
/** Of each size. */
const ROUND_SECONDS = Math.min(15, Math.max(3, (minutes * 60) / 3 / SIZES.length))
const SAMPLE_MS = 1_000

interface Round {
  operations: number
  failures: string[]
}

process.exitCode = (await soak()) ? 0 : 1

async function soak(): Promise<boolean> {
  // What was deleted makes room soon: a day of it would fill a disk otherwise.
  await using store = new StoreUnderTest({ SEXTANT_DOOMED_GRACE_SECONDS: '60' })
  await store.start()
  const { pids } = gatewayUsage(store)
  const startedMs = performance.now()
  const elapsedMinutes = () => (performance.now() - startedMs) / 60_000
  const samplesMiB: number[] = []
  const sampling = setInterval(() => samplesMiB.push(gatewayUsage(store).rssMiB), SAMPLE_MS)
  const stop = new AbortController()
  const rough = roughClients(store, ROUGH_WORKERS, stop.signal)
  const failures: string[] = []
  let operations = 0
  try {
    while (elapsedMinutes() < minutes) {
      const round = await benchRound(store)
      operations += round.operations
      failures.push(...round.failures)
      const now = `${elapsedMinutes().toFixed(0)} min, ${operations} operations, gateway ${samplesMiB.at(-1)} MiB`
      console.log([now, ...round.failures].join('\n  '))
      if (failures.length > 0) break
    }
  } finally {
    stop.abort()
    clearInterval(sampling)
  }
  const { done, failures: wrong } = await rough
  failures.push(...wrong)
  if (gatewayUsage(store).pids !== pids) failures.push('a gateway process died')
  const verdict = judgeMemory(samplesMiB, elapsedMinutes())
  const passed = verdict.passed && failures.length === 0
  const { mostMiB, lastMiB, growthMiB } = verdict
  const result = `gateway ${mostMiB} MiB at most, ${lastMiB} in the last third, ${growthMiB} more than in the second; ${failures.length} wrong answers`
  await saveResult({
    name: minutes < DAY_MINUTES ? 'hours of mixed load' : 'a day of mixed load',
    promise: `The gateway's memory stays under ${MEMORY_MIB_MAX} MiB, and does not grow by more than ${GROWTH_MIB_MAX}`,
    test: 'test/soak/run.ts',
    passed,
    runs: `${(elapsedMinutes() / 60).toFixed(1)} hours: ${operations} operations of 4 KiB to 8 MiB, ${done} uploads in parts, listings, and clients that broke off`,
    result,
  })
  console.log([`soak: ${passed ? 'passed' : 'FAILED'}: ${result}`, ...failures].join('\n  '))
  return passed
}

/** `sextant bench mixed` of each size, once. */
async function benchRound(store: StoreUnderTest): Promise<Round> {
  const load = ['mixed', '--size', SIZES.join(','), '--clients', `${CLIENTS}`, '--seconds', `${ROUND_SECONDS}`]
  const { code, stdout, stderr } = await sextant(store.directory, ['bench', ...load, '--json']).ended
  if (!stdout.startsWith('{')) return { operations: 0, failures: [`sextant bench: ${code}, ${stderr}`] }
  const { ok, results } = JSON.parse(stdout) as {
    ok: boolean
    results: { operation: string; operations: number; failures: { code: string; count: number; first: string }[] }[]
  }
  const whole = results.filter(({ operation }) => operation === 'mixed')
  const failures = whole.flatMap((each) =>
    each.failures.map(({ code, count, first }) => `${count} × ${code}: ${first}`),
  )
  if (!ok && failures.length === 0) failures.push(`sextant bench: ${code}, ${stderr}`)
  return { operations: whole.reduce((sum, each) => sum + each.operations, 0), failures }
}
