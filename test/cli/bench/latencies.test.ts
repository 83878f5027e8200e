import fc from 'fast-check'
import t from 'tap'
import { Latencies } from '../../../src/cli/bench/latencies.ts'

const SHARES = [0, 0.5, 0.9, 0.99, 1]

t.test('latencies: a quantile is never too low, and at most 1 % too high', async () => {
  const ms = fc.oneof(fc.double({ min: 0.001, max: 1, noNaN: true }), fc.double({ min: 1, max: 60_000, noNaN: true }))
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 300 }), (all) => {
      const latencies = new Latencies()
      for (const each of all) latencies.add(each)
      const sorted = all.toSorted((a, b) => a - b)
      return SHARES.every((share) => {
        const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1]!
        const told = latencies.quantileMs(share)!
        return told >= exact * (1 - 1e-9) && told <= exact * (1.01 + 1e-9)
      })
    }),
  )
})

t.test('latencies: the highest is exact; of nothing there is none; what is out of bounds counts, too', async (t) => {
  const latencies = new Latencies()
  t.same([latencies.quantileMs(0.5), latencies.maxMs], [null, null])
  for (const ms of [0, 12.345, 1e12]) latencies.add(ms)
  t.equal(latencies.maxMs, 1e12)
  t.equal(latencies.quantileMs(0.1), 0.001)
  t.ok(Math.abs(latencies.quantileMs(0.5)! - 12.345) < 0.124)
})
