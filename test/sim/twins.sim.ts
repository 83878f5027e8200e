import t from 'tap'
import { simulate } from './simulate.ts'
import { twins } from './twins.ts'

/** Whatever is broken shows within so many seeds. */
const SEEDS_MAX = 120

for (const [name, { twist, isCalm, finds }] of Object.entries(twins)) {
  t.test(`found out: ${name}`, async (t) => {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { violations } = await simulate({ seed, twist, ...(isCalm && { isCalm }) })
      const found = violations.find((violation) => finds.test(violation))
      if (found === undefined) continue
      t.pass(`by seed ${seed}: ${found.split('\n')[0]}`)
      return
    }
    t.fail(`not within ${SEEDS_MAX} seeds`)
  })
}
