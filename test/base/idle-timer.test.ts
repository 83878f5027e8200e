import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { IdleTimer } from '../../src/base/idle-timer.ts'

/** Time that moves when told. */
function handClock(): Clock & { pass(ms: number): void; timers: Set<{ atMs: number; run: () => void }> } {
  let nowMs = 0
  const timers = new Set<{ atMs: number; run: () => void }>()
  return {
    timers,
    nowMs: () => nowMs,
    sleep: async () => {},
    after(ms, run) {
      const timer = { atMs: nowMs + ms, run }
      timers.add(timer)
      return { [Symbol.dispose]: () => timers.delete(timer) }
    },
    pass(ms) {
      nowMs += ms
      for (const timer of [...timers].filter(({ atMs }) => atMs <= nowMs)) {
        timers.delete(timer)
        timer.run()
      }
    },
  }
}

t.test('IdleTimer: expires after a wait without progress, and only then', async (t) => {
  const clock = handClock()
  let expired = 0
  const idle = new IdleTimer(clock, 100, () => {
    expired += 1
  })
  idle.begin()
  clock.pass(99)
  idle.end()
  clock.pass(1000)
  t.equal(expired, 0, 'nothing is waited for')
  idle.begin()
  clock.pass(60)
  idle.progress()
  clock.pass(60)
  t.equal(expired, 0, 'there was progress')
  clock.pass(100)
  clock.pass(100)
  t.equal(expired, 1)
  t.equal(clock.timers.size, 0)
})

t.test('IdleTimer: disposed, it leaves no timer and does not expire', async (t) => {
  const clock = handClock()
  const idle = new IdleTimer(clock, 100, () => t.fail('expired'))
  idle.begin()
  idle[Symbol.dispose]()
  t.equal(clock.timers.size, 0)
  idle.begin()
  clock.pass(1000)
})
