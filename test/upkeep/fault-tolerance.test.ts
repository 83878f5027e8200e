import fc from 'fast-check'
import t from 'tap'
import { faultTolerance } from '../../src/upkeep/census/fault-tolerance.ts'

/** By trying all losses. */
function byTrying(holders: readonly number[]): number {
  if (holders.length < 6) return -1
  const servers = [...new Set(holders)]
  let survives = 0
  for (let lost = 1; lost <= servers.length; lost++) {
    const worst = Math.min(...subsets(servers, lost).map((gone) => holders.filter((s) => !gone.includes(s)).length))
    if (worst < 6) break
    survives = lost
  }
  return survives
}

function subsets(of: readonly number[], size: number): number[][] {
  if (size === 0) return [[]]
  return of.flatMap((first, n) => subsets(of.slice(n + 1), size - 1).map((rest) => [first, ...rest]))
}

t.test('how many servers may go: the same as by trying every loss', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 12 }), (holders) => {
      return faultTolerance(holders) === byTrying(holders)
    }),
    { numRuns: 2000 },
  )
  t.equal(faultTolerance([1, 1, 2, 2, 3, 3, 4, 5]), 1, 'eight chunks on five or six servers')
  t.equal(faultTolerance([1, 2, 3, 4, 5, 6, 7, 8]), 2, 'eight chunks on eight servers')
  t.equal(faultTolerance([1, 1, 2, 3, 4, 5, 6]), 0)
  t.equal(faultTolerance([1, 2, 3, 4, 5]), -1)
})
