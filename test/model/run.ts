import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { targetOfEnvironment } from '../../conformance/support/target.ts'
import { type ReliabilityResult, saveResult } from '../support/reliability.ts'
import { StoreUnderTest } from '../support/store.ts'
import { checkSequences, type Report } from './check-sequences.ts'
import type { OwnedStore } from './owner.ts'
import { showFailure } from './show-failure.ts'

/*
 * npm run model -- --sequences 2000 --from 1: random sequences of operations, one a seed, on a fresh store, each answer held
 * against the model's. One that differs is shown with the steps that matter, and with what makes it again. It ends after
 * --minutes N. --save DIRECTORY keeps the result for docs/reliability.md. With CONFORMANCE_ENDPOINT, as for conformance/run.ts,
 * it is held against that store.
 */
const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '2000' },
    from: { type: 'string', default: String(randomBytes(3).readUIntBE(0, 3)) },
    minutes: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: '64' },
    save: { type: 'string' },
  },
})
/** What is deleted goes at once, so that a long run fills no disk, and copies show that what they share stays. */
const ENVIRONMENT = {
  SEXTANT_WORKERS: '2',
  SEXTANT_DOOMED_GRACE_SECONDS: '10',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '5',
}
const TOLD_EVERY_MS = 30_000

const from = Number(values.from) >>> 0
console.log(`model: from seed ${from}`)
process.exitCode = await run()

async function run(): Promise<number> {
  await using started = new AsyncDisposableStack()
  const target = targetOfEnvironment(process.env) ?? (await freshStore(started))
  const startedMs = performance.now()
  const report: Report = { sequences: 0, answers: new Map(), failures: [] }
  const tell = () => console.log(summary(report, (performance.now() - startedMs) / 1000))
  const timer = setInterval(tell, TOLD_EVERY_MS)
  const options = {
    from,
    sequences: Number(values.sequences),
    jobs: Number(values.jobs),
    untilMs: startedMs + Number(values.minutes) * 60_000,
    onFailure: (failure: Report['failures'][number]) => console.log(showFailure(failure)),
  }
  await checkSequences(target, options, report)
  clearInterval(timer)
  tell()
  if (values.save) process.env.SEXTANT_TEST_RESULTS = values.save
  await saveResult(toResult(report))
  return report.failures.length === 0 ? 0 : 1
}

async function freshStore(started: AsyncDisposableStack): Promise<OwnedStore> {
  const store = started.use(new StoreUnderTest(ENVIRONMENT))
  await store.start()
  const { endpoint, region, accessKeyId, secretAccessKey } = store.announced
  return { endpoint: new URL(endpoint), region, owner: { accessKeyId, secretAccessKey } }
}

function summary({ sequences, answers, failures }: Report, seconds: number): string {
  const rate = (sequences / seconds).toFixed(0)
  return `model: ${sequences} sequences, ${total(answers)} answers in ${seconds.toFixed(0)} s, ${rate}/s, ${failures.length} differ`
}

function toResult({ sequences, answers, failures }: Report): ReliabilityResult {
  return {
    name: 'model conformance',
    test: 'test/model/run.ts',
    promise: 'Whatever is asked in whatever order: the answer is S3’s, and so is what is there in the end',
    passed: failures.length === 0,
    runs:
      `${sequences} random sequences, one a seed, of ${answers.size} operations; ${total(answers)} answers, those to a look at` +
      ' all that is there at the end of each included',
    result: `${failures.length} sequences with an answer that is not S3’s`,
  }
}

function total(answers: Report['answers']): number {
  return [...answers.values()].reduce((sum, count) => sum + count, 0)
}
