import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { saveResult } from '../support/reliability.ts'
import { fuzz, type Report } from './fuzz.ts'
import { fuzzedStore } from './fuzzed-store.ts'
import { gatewayUsage, growthOf } from './gateway-usage.ts'
import { showFailure } from './show-failure.ts'

/**
 * `npm run fuzz -- [--requests N] [--seed S] [--from CASE]`: malformed, forged and odd requests against a fresh store.
 * Fails on any answer of 5xx but 501, any crash, growing memory, and anything that got in which is not authentic.
 * `--requests 0` goes on until it is stopped.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(randomBytes(4).readUInt32BE()) },
    from: { type: 'string', default: '0' },
    connections: { type: 'string', default: '96' },
  },
})
const seed = Number(values.seed) >>> 0
const requests = Number(values.requests) || Number.POSITIVE_INFINITY
/** A leak of 1 KiB a request shows in 50,000 of them. */
const GROWTH_MIB_MAX = 48
/** To here a gateway's heap may come before V8 thinks it worth collecting, in 20,000 requests as in 100,000. */
const SETTLED_MIB = 256
const ROUND_REQUESTS = 1000

console.log(`fuzz: seed ${seed}`)
process.exitCode = await run()

async function run(): Promise<number> {
  await using fuzzed = await fuzzedStore()
  const { pids } = gatewayUsage(fuzzed.store)
  const memoryMiB: number[] = []
  const report = await fuzz(fuzzed.target, {
    seed,
    from: Number(values.from),
    requests,
    connections: Number(values.connections),
    roundRequests: ROUND_REQUESTS,
    async afterRound({ requests: done, seconds }) {
      const now = gatewayUsage(fuzzed.store)
      memoryMiB.push(now.rssMiB)
      if (memoryMiB.length % 10 === 0)
        console.log(`fuzz: ${done} requests, ${Math.round(done / seconds)}/s, gateway ${now.rssMiB} MiB`)
      return now.pids === pids ? [] : ['a gateway process died']
    },
  })
  const growthMiB = growthOf(memoryMiB)
  if (growthMiB > GROWTH_MIB_MAX && memoryMiB.at(-1)! > SETTLED_MIB)
    report.failures.push({ problem: `memory grew by ${growthMiB} MiB: ${memoryMiB.join(' ')}` })
  show(report, memoryMiB, growthMiB)
  await keep(report, memoryMiB)
  return report.failures.length === 0 ? 0 : 1
}

function show(report: Report, memoryMiB: readonly number[], growthMiB: number): void {
  for (const failure of report.failures) console.log(showFailure(failure, seed))
  const list = (counts: Map<unknown, number>) =>
    [...counts]
      .map(([what, times]) => `${what} ${times}`)
      .sort()
      .join(', ')
  console.log(
    `fuzz: ${report.requests} requests in ${Math.round(report.seconds)} s, ${report.failures.length} failures, seed ${seed}`,
  )
  console.log(`fuzz: by theme: ${list(report.themes)}; by status: ${list(report.statuses)}`)
  console.log(
    `fuzz: gateway ${memoryMiB[0]} MiB first, ${memoryMiB.at(-1)} last, ${Math.max(...memoryMiB)} at most, growth ${growthMiB}`,
  )
}

async function keep({ requests: sent, seconds, statuses, themes, failures }: Report, memoryMiB: readonly number[]) {
  const classOf = (status: number) => (status === 0 ? 'none' : status === 501 ? '501' : `${Math.floor(status / 100)}xx`)
  const answers = new Map<string, number>()
  for (const [status, times] of statuses) answers.set(classOf(status), (answers.get(classOf(status)) ?? 0) + times)
  const told = [...answers].map(([name, times]) => `${name} ${times}`).sort()
  await saveResult({
    name: 'malformed requests',
    test: 'test/fuzz/run.ts',
    promise:
      'Whatever is malformed, forged or odd: nothing fails on our side (501, not implemented, is no failure), no gateway crashes or grows, nothing gets in',
    passed: failures.length === 0,
    runs: `${sent} requests against a whole store in ${Math.round(seconds)} s, ${sent - (themes.get('rightful') ?? 0)} of them malformed, forged or odd; seed ${seed}`,
    result: `${failures.length} failures; answers: ${told.join(', ')}; gateway ${memoryMiB[0]} MiB first, ${memoryMiB.at(-1)} MiB last`,
  })
}
