import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { Pace } from '../../src/upkeep/pace.ts'

/** A clock that jumps to wherever somebody sleeps to. */
function jumpingClock(): Clock & { slept: number[] } {
  let nowMs = 1_000_000
  const slept: number[] = []
  return {
    slept,
    nowMs: () => nowMs,
    async sleep(ms) {
      slept.push(ms)
      nowMs += ms
    },
    after: () => ({ [Symbol.dispose]() {} }),
  }
}

const forever = new AbortController().signal

t.test('work is kept to its bytes a second, whatever the pieces', async (t) => {
  for (const piece of [1_000, 333_333, 7_000_000]) {
    const clock = jumpingClock()
    const pace = new Pace(clock, 1_000_000)
    const startMs = clock.nowMs()
    let taken = 0
    for (; taken < 50_000_000; taken += piece) await pace.take(piece, forever)
    await pace.take(0, forever) // until the last piece is paid for
    const seconds = (clock.nowMs() - startMs) / 1000
    t.ok(Math.abs(seconds - taken / 1_000_000) <= 1.001, `${taken} bytes in ${seconds} s`)
  }
})

t.test('after a rest at most a second is caught up with', async (t) => {
  const clock = jumpingClock()
  const pace = new Pace(clock, 1_000_000)
  await clock.sleep(3_600_000)
  clock.slept.length = 0
  for (let n = 0; n < 20; n++) await pace.take(100_000, forever)
  const slept = clock.slept.reduce((sum, ms) => sum + ms, 0)
  t.ok(slept >= 800 && slept <= 1000, `${slept} ms for two seconds' worth`)
})

t.test('who waits can be told to stop', async (t) => {
  const stop = new AbortController()
  const clock: Clock = {
    ...jumpingClock(),
    sleep: (_, signal) => new Promise((_, no) => signal!.addEventListener('abort', () => no(signal!.reason))),
  }
  const pace = new Pace(clock, 1)
  await pace.take(100, stop.signal)
  const waiting = pace.take(1, stop.signal)
  stop.abort(new Error('stopped'))
  await t.rejects(waiting, { message: 'stopped' })
})
