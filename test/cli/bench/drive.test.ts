import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { drive } from '../../../src/cli/bench/drive.ts'
import { Tally } from '../../../src/cli/bench/tally.ts'
import { S3Failure } from '../../../src/cli/s3-client/s3-failure.ts'

const never = new AbortController().signal

t.test('bench: as many at once as there are clients, until there is no more to do', async (t) => {
  const tally = new Tally()
  let begun = 0
  let atOnce = 0
  let most = 0
  const run = async () => {
    most = Math.max(most, ++atOnce)
    await sleep(10)
    atOnce--
    return 10
  }
  const next = () => (begun++ < 50 ? { tallies: [tally], run } : undefined)
  await drive({ clients: 4, durationMs: Number.POSITIVE_INFINITY, next }, never)
  t.equal(most, 4)
  t.match(tally, { operations: 50, bytes: 500, failed: 0 })
  t.ok(tally.latencies.quantileMs(0)! >= 5)
})

t.test('bench: failures are counted by code, and neither as operations nor in the times', async (t) => {
  const tally = new Tally()
  let begun = 0
  const run = async () => {
    begun++
    if (begun % 2 === 0) return 1
    throw begun % 3 === 0
      ? new S3Failure(`SlowDown: number ${begun}`, { code: 'SlowDown', status: 503 })
      : new Error('broken')
  }
  await drive(
    {
      clients: 1,
      durationMs: Number.POSITIVE_INFINITY,
      next: () => (begun < 12 ? { tallies: [tally], run } : undefined),
    },
    never,
  )
  t.match(tally, { operations: 6, bytes: 6, failed: 6 })
  t.same(tally.failures, [
    { code: 'Error', count: 4, first: 'broken' },
    { code: 'SlowDown', count: 2, first: 'SlowDown: number 3' },
  ])
  for (let n = 0; n < 1_000; n++) tally.fail(new S3Failure('x', { code: `Code${n}`, status: 400 }))
  t.ok(tally.failures.length <= 51, 'codes are bounded')
  t.equal(
    tally.failures.reduce((sum, { count }) => sum + count, 0),
    1_006,
  )
})

t.test('bench: none is begun after the time; what is under way when it is stopped does not count', async (t) => {
  const timed = new Tally()
  const run = async () => {
    await sleep(30)
    return 0
  }
  await drive({ clients: 2, durationMs: 100, next: () => ({ tallies: [timed], run }) }, never)
  t.ok(timed.operations >= 2 && timed.operations <= 8, String(timed.operations))

  const stop = new AbortController()
  const stopped = new Tally()
  const hang = async (signal: AbortSignal) => {
    await sleep(60_000, undefined, { signal })
    return 0
  }
  const driven = drive({ clients: 3, durationMs: 60_000, next: () => ({ tallies: [stopped], run: hang }) }, stop.signal)
  stop.abort(new Error('stopped'))
  await driven
  t.match(stopped, { operations: 0, failed: 0 })
})
