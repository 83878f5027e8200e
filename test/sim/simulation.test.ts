import t from 'tap'
import { simulate } from './simulate.ts'

/** A taste; thousands by `npm run sim`. */
const SEEDS = Number(process.env.SEXTANT_TEST_SIM_SEEDS ?? 6)

t.test(
  'whatever fails: what was acknowledged stays, nothing else comes of it, and all is put right in the end',
  async (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations } = await simulate({ seed })
      t.same(violations, [], `seed ${seed}: npm run sim -- --seeds 1 --from ${seed} --trace`)
    }
  },
)

t.test('the same seed gives the same run, to the last message', async (t) => {
  for (const seed of [3, 4]) {
    const first = await simulate({ seed })
    const second = await simulate({ seed })
    t.equal(second.traceHash, first.traceHash, `seed ${seed}`)
    t.equal(second.moments, first.moments)
  }
  t.not((await simulate({ seed: 3 })).traceHash, (await simulate({ seed: 4 })).traceHash)
})
